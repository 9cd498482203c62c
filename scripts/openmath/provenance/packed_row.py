"""From a row of a packed training set back to the sample that it was, and to the votes that made its label."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from openmath.errors import InputError
from openmath.files.fast_rows import read_rows
from openmath.files.fingerprint import sha256_file
from openmath.files.sample_rows import id_of
from openmath.provenance.chain import File
from openmath.provenance.stages import read_record


def row_history(path: Path, number: int) -> dict:
    """What stands behind row `number` (from 0) of a packed file.

    Keys: row; kept: file and id; sample: file, its row, its problem's origin; label: of a new problem, with votes (answer -> runs);
    files: all of these as chain.File.
    """
    path = path.absolute()
    manifest = read_record(path.parent / "manifest.json")
    root = path.parent.parents[1]  # paths of the manifest begin above datasets/
    row = _row(path, number)
    for kept in manifest["kept"]:
        if found := _find(root / kept, row):
            break
    else:
        raise InputError(
            "No kept solution is this row.", where=f"{path}, row {number}", hint="was it packed from these files?"
        )
    stage, part = Path(kept).parent.name, Path(kept).stem
    folder = Path(kept).parents[2]
    grades = folder / "grades" / stage / f"{part}.parquet"
    samples = folder / stage / part / f"output-{found['sample_run']}.jsonl"
    graded = manifest["samples"][str(grades.with_suffix(".manifest.json"))]
    sample = next(one for n, one in enumerate(read_rows(root / samples)) if id_of(one, n) == found["id"])
    files = [
        (path.relative_to(root), manifest["sets"][path.name]["sha256"]),
        (Path(kept), manifest["kept"][kept]["sha256"]),
        (samples, graded["samples"][found["sample_run"]]["sha256"]),
        (grades, graded["grades"]["sha256"]),
    ]
    history = {"row": row, "kept": {"file": kept, "id": found["id"]}, "sample": {"file": str(samples), "row": sample}}
    labels = root / folder / "labels" / f"{part}.jsonl"
    if stage == "new-solutions":
        label = next(one for one in read_rows(labels) if one["id"] == found["id"])
        history["label"] = label | {"votes": _votes(root / grades, found["id"])}
        problems = root / folder / "new-problems" / f"{part}.jsonl"
        history["problem"] = next(one for one in read_rows(problems) if one["id"] == found["id"])
    found_files = [File(str(one), expected, _sha256(root / one)) for one, expected in files]
    return history | {"files": found_files}


def history_text(history: dict) -> str:
    row, sample = history["row"], history["sample"]["row"]
    lines = [
        f"problem: {row['problem']}",
        f"answer: {row['expected_answer']} ({row['problem_source']})",
        f"kept as {history['kept']['id']} in {history['kept']['file']}",
        f"sample of seed {sample.get('seed')} in {history['sample']['file']}: {sample.get('num_generated_tokens')} tokens, "
        f"ended by {sample.get('finish_reason')}",
    ]
    if "label" in history:
        votes = ", ".join(f"{answer!r} {number}" for answer, number in history["label"]["votes"].items())
        made = history["problem"]
        lines += [
            f"label by {history['label']['majority_votes']} of {history['label']['total_votes']} runs: {votes}",
            f"new problem made from {made['origin']} in {made['sample_run']}",
        ]
    lines += [f"{file.state:8}{file.expected[:12]}  {file.path}" for file in history["files"]]
    return "\n".join(lines) + "\n"


def _row(path: Path, number: int) -> dict:
    with _opened(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if number < first + rows:
                return file.read_row_group(group).slice(number - first, 1).to_pylist()[0]
            first += rows
    raise InputError("There is no such row.", where=path, expected=f"0 to {first - 1}", found=number)


def _find(path: Path, row: dict) -> dict | None:
    """The kept solution that a row was; None where this file does not hold it."""
    with _opened(path) as file:
        for batch in file.iter_batches():
            names = ("problem", "generated_solution", "problem_source")
            same = [compute.equal(batch.column(name), row[name]) for name in names]
            found = batch.filter(compute.and_(compute.and_(same[0], same[1]), same[2]))
            if found.num_rows:
                return found.slice(0, 1).to_pylist()[0]
    return None


def _votes(grades: Path, identifier: str) -> dict[str, int]:
    """Answer -> runs that gave it or an equal one, most votes first; "" for no answer."""
    rows = parquet.read_table(grades, filters=[("id", "==", identifier)]).to_pylist()
    shown: dict[str, str] = {}
    votes: Counter[str] = Counter()
    for row in rows:
        key = row["vote_class"] or ""
        votes[shown.setdefault(key, row["predicted_answer"] or "")] += 1
    return dict(votes.most_common())


def _opened(path: Path) -> parquet.ParquetFile:
    try:
        return parquet.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError("Cannot read the file.", where=path, found=" ".join(str(error).split())) from None


def _sha256(path: Path) -> str | None:
    return sha256_file(path) if path.exists() else None
