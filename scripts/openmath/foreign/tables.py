"""A table of samples by hand: CSV or TSV, a row a sample, `problem`, `expected_answer` and `generation` or `predicted_answer`.

Other usual names do (texts.py). `seed`, `run` or `epoch` names the run; without it the rows of a problem are its runs in order.
`benchmark` and `model` may name these; else they are the names of the file and of its folder.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from openmath.benchmarks.sources import table_rows
from openmath.errors import InputError
from openmath.foreign.found import GREEDY, Found, Source
from openmath.foreign.texts import PROBLEM_NAMES, REFERENCE_NAMES, answer_keys, named, reference_text

TOOL = "a table"
DELIMITERS = {".csv": ",", ".tsv": "\t"}
GENERATION_NAMES = ("generation", "response", "output", "completion", "model_output", "prediction")
ANSWER_NAMES = ("predicted_answer", "extracted_answer")
MAX_SETS = 1000  # of a model and a benchmark: the file is read once for each
RUN_NAMES = ("seed", "run", "epoch", "sample")


def claim(files: list[Path], found: Found) -> list[Path]:
    """Add what is of this kind; returns the other files."""
    others = []
    for path in files:
        delimiter = DELIMITERS.get(path.suffix.lower())
        if delimiter is None:
            others.append(path)
            continue
        first = next(table_rows(path, delimiter), {})
        columns = dict.fromkeys(first, "")  # what is not empty in the first row may be in others
        if not (_has(columns, PROBLEM_NAMES) and _has(columns, GENERATION_NAMES + ANSWER_NAMES)):
            found.skip("a table without a problem and a generation or an answer", path)
            continue
        sets = {(row.get("model") or "", row.get("benchmark") or "") for row in table_rows(path, delimiter)}
        if len(sets) > MAX_SETS:
            raise InputError(
                "A table names too many models and benchmarks.", where=path, expected=f"at most {MAX_SETS:,}"
            )
        for model, benchmark in sorted(sets):
            home = model or path.resolve().parent.name
            rows = partial(_rows, path, delimiter, {"model": model, "benchmark": benchmark})
            settings = "sampling not recorded"
            found.sources.append(Source(TOOL, home, home, benchmark or path.stem, (path,), rows, settings))
    return others


def _has(row: dict, names: tuple[str, ...]) -> bool:
    return named(row, names) is not None


def _rows(path: Path, delimiter: str, of: dict[str, str]) -> Iterator[tuple[int | None, dict]]:
    times: Counter[str] = Counter()
    runs: dict[str, int] = defaultdict(lambda: len(runs))
    for number, row in enumerate(table_rows(path, delimiter), start=2):
        if any((row.get(key) or "") != value for key, value in of.items()):
            continue
        problem, text = str(named(row, PROBLEM_NAMES) or ""), str(named(row, GENERATION_NAMES) or "")
        if not problem:
            raise InputError("A row has no problem.", where=f"{path}, row {number}", found=f"{row!r:.80}")
        label = named(row, RUN_NAMES)
        run = _run(str(label), runs) if label is not None else times[problem]
        times[problem] += 1
        said = {"id": row.get("id"), "problem": problem, "expected_answer": reference_text(named(row, REFERENCE_NAMES))}
        columns = {str(key).lower() for key in row}
        taken = named(row, ANSWER_NAMES)
        if not columns.isdisjoint(ANSWER_NAMES):
            yield run, said | {"generation": text, "predicted_answer": taken}
        else:
            yield run, said | {"generation": text} | answer_keys(text, None)


def _run(label: str, runs: dict[str, int]) -> int | None:
    """A run by its label: greedy, a number, rs7; any other gets the next number."""
    if label == "greedy":
        return GREEDY
    digits = label.removeprefix("rs")
    return int(digits) if digits.isdecimal() and len(digits) < 10 else runs[label]
