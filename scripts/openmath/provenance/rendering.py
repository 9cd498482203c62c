"""A chain as people read it: a tree from the number down to its sources."""

from openmath.provenance.cells import Cell
from openmath.provenance.chain import File, Link

SHOWN_FILES = 4  # of a link; more are counted


def cell_text(cell: Cell) -> str:
    """The number, its n and interval, and the problems that made it."""
    values = "; ".join(f"{_short(value)} in {name}" for name, value in cell.reported.items())
    known = cell.details
    lines = [f"{cell.benchmark}:{cell.mode}:{cell.column} = {values}"]
    lines.append(f"  {known['problems']:,} problems, {known['samples']} sample{'s' * (known['samples'] > 1)} of each")
    if "interval" in known:
        low, high = known["interval"]
        lines.append(f"  {known['value']:.6f}, 95 % interval [{low:.4f}, {high:.4f}] ({known['method']})")
    if "right" in known:
        partly = f", {known['partly']:,} in between" if known["partly"] else ""
        verdicts = (
            "; verdicts: " + ", ".join(f"{k} {n}" for k, n in known["verdicts"].items()) if "verdicts" in known else ""
        )
        lines.append(f"  {known['right']:,} right, {known['wrong']:,} wrong{partly}{verdicts}")
    return "\n".join(lines) + "\n"


def chain_text(link: Link, before: str = "", last: bool = True) -> str:
    """The link and all that it was made from, indented."""
    text = f"{before}{'└─ ' if last else '├─ '}{link.title}\n"
    inside = before + ("   " if last else "│  ")
    prefix = inside + ("│  " if link.made_from else "   ")
    for line in [*link.facts, *_files(link.files)]:
        text += f"{prefix}{line}\n"
    for number, child in enumerate(link.made_from, 1):
        text += chain_text(child, inside, number == len(link.made_from))
    return text


def _files(files: list[File]) -> list[str]:
    bad = [file for file in files if file.state != "ok"]
    shown = files if len(files) <= SHOWN_FILES else [*bad, *[f for f in files if f.state == "ok"][: SHOWN_FILES - 1]]
    lines = [f"{file.state:<7} {file.path}  sha256 {file.expected}" for file in shown]
    rest = len(files) - len(shown)
    return lines + ([f"ok      {rest} more files like these"] if rest else [])


def _short(value: object) -> str:
    return str(value["estimate"]) if isinstance(value, dict) else str(value)
