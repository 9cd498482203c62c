"""Grades that an earlier run of the grader has left beside its table, so that one more seed costs its own share only.

FOLDER/.kept/BENCHMARK.parquet: for each sample run a row group of COLUMNS in benchmark order, and in the metadata what the grades
rest on: rules, problems, and each sample file with its hash. Never an output of a rule: Snakemake deletes those before a job
runs. What cannot be read, or rests on anything else, is not used, and written anew.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.files.known_files import KnownFile, is_unchanged
from openmath.files.rows import atomic_write
from openmath.grading.grades import GRADER_VERSION
from openmath.grading.problems import Texts

FORMAT = 3  # raised when the columns, or what they hold, change
MADE_FROM = b"made_from"
COLUMNS = pa.schema(
    [
        ("predicted_answer", pa.string()),
        ("vote_class", pa.string()),
        ("is_correct", pa.bool_()),
        ("grade_status", pa.string()),  # of the pair of answers: `no_answer` also of a refused or unfinished sample
        ("finish_reason", pa.string()),
        ("extraction", pa.string()),
        ("num_generated_tokens", pa.int32()),
        ("num_reasoning_tokens", pa.int32()),
        ("unfinished", pa.bool_()),  # the thought never ends
        ("text_mark", pa.int64()),  # files/copies.py
        ("row_start", pa.int64()),  # where the row begins in its file, in bytes
    ]
)
DISTINCT = ("text_mark", "row_start")  # a dictionary of them would be as long as the column


class KeptGrades:
    """What an earlier run has kept. rules: of its grades. problems: those of all its runs, in order. files: by run."""

    def __init__(self, path: Path, rules: dict, problems: list[Texts], files: Mapping[str, KnownFile]):
        self._path, self.rules, self.problems, self.files = path, rules, problems, files

    def unchanged(self, paths: Mapping[str, str | Path]) -> list[str]:
        """The sample runs whose file is still the one that was graded."""
        return [run for run, path in paths.items() if run in self.files and is_unchanged(path, self.files[run])]

    def read(self, runs: Sequence[str]) -> pa.Table | None:
        """The rows of these runs, one run after the other; None where they are damaged."""
        places = list(self.files)
        try:
            with parquet.ParquetFile(self._path) as file:
                table = file.read_row_groups([places.index(run) for run in runs], columns=COLUMNS.names)
            table.validate(full=True)
        except (OSError, pa.ArrowException):
            return None
        whole = table.schema.equals(COLUMNS) and table.num_rows == len(runs) * len(self.problems)
        return table if whole else None


def find_kept(grades: str | Path) -> KeptGrades | None:
    """What is kept beside a table of grades, if anything."""
    path = kept_path(grades)
    try:
        said = json.loads((parquet.read_schema(path).metadata or {})[MADE_FROM])
        return KeptGrades(path, said["rules"], [tuple(texts) for texts in said["problems"]], said["files"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def usable_kept(grades: str | Path, policy: str, *, from_benchmark: bool) -> KeptGrades | None:
    """The same, if grades of today's grader would follow the same rules. from_benchmark: whose references count."""
    kept = find_kept(grades)
    return kept if kept and kept.rules == _rules(policy, from_benchmark) else None


@contextmanager
def keeping(
    grades: str | Path, policy: str, problems: list[Texts], files: Mapping[str, KnownFile], *, from_benchmark: bool
) -> Iterator[parquet.ParquetWriter]:
    """A writer of COLUMNS: one row group for each run, in the order of `files`. They are kept if the block succeeds."""
    said = {"rules": _rules(policy, from_benchmark), "problems": problems, "files": files}
    schema = COLUMNS.with_metadata({MADE_FROM: json.dumps(said)})
    repeated = [name for name in COLUMNS.names if name not in DISTINCT]
    options = {"compression": "zstd", "use_dictionary": repeated}
    with atomic_write(kept_path(grades)) as file, parquet.ParquetWriter(file, schema, **options) as writer:
        yield writer


def kept_path(grades: str | Path) -> Path:
    return Path(grades).parent / ".kept" / Path(grades).name


def _rules(policy: str, from_benchmark: bool) -> dict:
    return {"format": FORMAT, "grader_version": GRADER_VERSION, "policy": policy, "from_benchmark": from_benchmark}
