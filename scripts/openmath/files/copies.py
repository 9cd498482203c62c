"""Sample runs that are copies of each other: the engine has lost the seed, or a file was copied. A vote over copies says nothing.

Two runs may agree on short answers, never on nearly all of the long ones, unless the temperature is 0. Standard library only: this
module also runs inside engine containers.
"""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

SHARE = 0.95  # of the long generations
# Of so many long ones: an error ends a job, and must never be wrong; a warning may be, once in a thousand small runs.
SURE, LIKELY = 20, 5
PROBES = 100  # problems, evenly spaced
MARKED = 500  # characters of each end: a hash of the whole text would take as long as parsing it
LEAST_TOKENS, LEAST_CHARACTERS = 24, 80  # of a long generation; characters where its tokens were not counted


def text_mark(row: Mapping) -> int:
    """Hash of the length and the ends of a row's generation, the same in each process.

    0 where it is so short that two samples may be equal by chance.
    """
    text, tokens = row.get("generation"), row.get("num_generated_tokens")
    if not isinstance(text, str):
        return 0
    long = tokens >= LEAST_TOKENS if isinstance(tokens, int) else len(text) >= LEAST_CHARACTERS
    if not long:
        return 0
    ends = text[:MARKED] + text[-MARKED:]
    return zlib.crc32(ends.encode("utf-8", "surrogatepass"), len(text)) or 1


def are_copies(first: Sequence[int], second: Sequence[int], least: int) -> bool:
    """Whether nearly all long generations are the same. first, second: text_mark of each problem. least: so many must be long."""
    long = len(first) - first.count(0)
    if long < least:
        return False
    differing = (None for a, b in zip(first, second, strict=True) if a and a != b)
    most = int((1 - SHARE) * long)
    return sum(1 for _ in islice(differing, most + 1)) <= most  # runs that differ are told apart after a few problems


def copied_runs(marks: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Sampled run -> the earlier run of which it is likely a copy. marks: text_mark of each problem, by run."""
    copies = {}
    known: dict[tuple[int, int], list[str]] = {}  # (problem, mark) -> runs that are no copies
    for run, of_run in marks.items():
        if run == "greedy":
            continue
        # Of hundreds of runs not each is compared with each, but with those that agree on most of a few problems.
        probes = [(n, of_run[n]) for n in range(0, len(of_run), max(1, len(of_run) // PROBES)) if of_run[n]]
        agreeing = Counter(original for probe in probes for original in known.get(probe, ()))
        alike = [original for original, same in agreeing.items() if same >= len(probes) / 2]
        original = next((each for each in alike if are_copies(marks[each], of_run, LIKELY)), None)
        if original is not None:
            copies[run] = original
            continue
        for probe in probes:
            known.setdefault(probe, []).append(run)
    return copies


def copies_warning(where: str, copies: Mapping[str, str]) -> str:
    """One sentence about copied_runs. where: benchmark or file."""
    shown = ", ".join(f"{run} of {original}" for run, original in islice(copies.items(), 3))
    more = f" and {len(copies) - 3} more" if len(copies) > 3 else ""
    return (
        f"{where}: sample runs are copies of each other ({shown}{more}): votes, pass@k and intervals count them as if they were "
        "different. Right at temperature 0; else the engine ignored the seed, or a file was copied."
    )
