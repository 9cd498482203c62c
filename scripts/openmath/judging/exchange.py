"""Export and import of verdicts: so that a paper can ship them, and anybody can replay its tables without a key."""

from pathlib import Path

from openmath.errors import InputError, parts_of
from openmath.files.fingerprint import fingerprint, sha256_text
from openmath.files.rows import read_rows, write_rows
from openmath.judging.settings import verdict_key
from openmath.judging.store import IMPORTED, REPLACED, VerdictStore

TEXTS = ("problem", "expected_answer", "judgement", "settings", "key")


def export_verdicts(folder: Path, output: Path) -> int:
    """Write all verdicts of a store as one file, the same bytes for the same verdicts; their number."""
    store = VerdictStore(folder)
    if not store.records:
        raise InputError("The store holds no verdicts.", where=folder)
    settings = [{"settings": name, "described": store.described[name]} for name in sorted(store.described)]
    write_rows(output, [*settings, *(store.records[key] for key in sorted(store.records))])
    return len(store.records)


def import_verdicts(folder: Path, files: list[Path]) -> tuple[int, int, int]:
    """Add the verdicts that a store lacks; (added, already there, there with another reply: ours stays)."""
    store = VerdictStore(folder)
    settings, same, other = dict(store.described), 0, 0
    added: dict[str, dict] = {}
    new_settings = {}
    for path in files:
        for number, line in enumerate(read_rows(path), start=1):
            where = f"{path}:{number}"
            with parts_of("a verdict or its settings", where):  # NaN, which Python reads as JSON, has no fingerprint
                if "described" in line:
                    if fingerprint(line["described"]) != line.get("settings"):
                        raise InputError("Settings do not match their fingerprint: the file was changed.", where=where)
                    if line["settings"] not in settings:
                        settings[line["settings"]] = new_settings[line["settings"]] = line["described"]
                    continue
                check_verdict(line, settings, where)
            known = store.records.get(line["key"]) or added.get(line["key"])
            if known is None or (known.get("outcome") in REPLACED and line.get("outcome") not in REPLACED):
                added[line["key"]] = line
            elif known["judgement"] == line["judgement"]:
                same += 1
            else:
                other += 1
    if added:
        rows = [{"settings": name, "described": described} for name, described in sorted(new_settings.items())]
        rows += [added[key] for key in sorted(added)]
        name = sha256_text("".join(f"{key} {added[key]['judgement']}\n" for key in sorted(added)))[:16]
        write_rows(folder / f"{IMPORTED}{name}.jsonl", rows)
    return len(added), same, other


def check_verdict(line: dict, settings: dict, where: str) -> None:
    """Raise InputError unless the line is a verdict, and its key that of its question."""
    attempt = line.get("attempt")
    if any(not isinstance(line.get(name), str) for name in TEXTS) or not isinstance(attempt, int):
        raise InputError(
            "A line is not a verdict.", where=where, expected=f"{', '.join(TEXTS)}, attempt", found=sorted(line)
        )
    if line["settings"] not in settings:
        raise InputError("The settings of a verdict are not in the file.", where=where, found=line["settings"])
    if line["key"] != verdict_key(line["settings"], line, attempt, line.get("form")):
        raise InputError(
            "The key of a verdict does not match its question: the line was changed.",
            where=where,
            hint="ask for another copy of the file.",
        )
