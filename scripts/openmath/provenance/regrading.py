"""The grades of a benchmark made again from its samples, and compared with the recorded ones row by row."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as parquet

from openmath.errors import InputError
from openmath.grading.table import grade_files
from openmath.provenance.chain import Chain


def regrade(chain: Chain, benchmark: str) -> list[InputError]:
    """One error for the first row that comes out differently; none if all come out the same."""
    recorded = chain.local_path(chain.layout.grades_file(chain.model, benchmark))
    samples = [chain.local_path(path) for path in chain.sample_paths(benchmark)]
    with TemporaryDirectory() as folder:
        again = Path(folder) / "grades.parquet"
        grade_files(samples, again, policy=chain.policy)  # samples carry their references
        nothing: dict = {}
        for old, new in zip_longest(_rows(recorded), _rows(again), fillvalue=nothing):
            if old != new:
                return [
                    InputError(
                        "A sample is graded differently now.",
                        where=f"{recorded}: {(old or new)['id']} in {(old or new)['sample_run']}",
                        expected={key: value for key, value in old.items() if new.get(key) != value},
                        found={key: value for key, value in new.items() if old.get(key) != value},
                        hint="another version of the grader? The manifest names the one that made these grades.",
                    )
                ]
    return []


def _rows(path: Path) -> Iterator[dict]:
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()
