"""A finished evaluation in the shapes that others read: NeMo-Skills' folders, and a data set of parquet files with a card.

Everything is streamed: one sample row, one run's grades and one row group of a parquet file are in memory.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.answers import answer_of
from openmath.errors import InputError
from openmath.files.fast_rows import encode_row, read_rows
from openmath.files.packed import packed_form
from openmath.files.rows import atomic_write, valid_text
from openmath.files.sample_rows import id_of
from openmath.results import nemo_skills

# Rows of a parquet row group: at 4,096 tokens a generation about 16 MB, well below the 300 MB that the hub's viewer reads at once.
BATCH = 1000
BATCH_CHARACTERS = 2**25  # a smaller group where samples are long: it is held in memory
SIZE_CATEGORIES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")
GRADE_COLUMNS = ["id", "sample_run", "predicted_answer", "vote_class", "is_correct", "grade_status"]
COLUMNS = {
    "id": (pa.string(), "problem, as in the benchmark"),
    "sample_run": (pa.string(), "`greedy`, or `rs0`, `rs1`, ...: the number is the seed"),
    "problem": (pa.string(), ""),
    "expected_answer": (pa.string(), "the reference"),
    "generation": (pa.string(), "the model's text, with the thought that stands in it"),
    "answer_start": (
        pa.int32(),
        "where the answer begins in `generation`, behind a thought, in characters; null: no thought, or one without end",
    ),
    "reasoning": (pa.string(), "thought that the server returned apart"),
    "predicted_answer": (pa.string(), "the one that was graded: last `\\boxed{}` of the generation; null: none"),
    "is_correct": (pa.bool_(), "grade by the symbolic grader"),
    "grade_status": (
        pa.string(),
        "`ok`, `timeout`, `too_large`, `no_answer`, `unfinished` (the thought never ends), `refused`",
    ),
    "vote_class": (pa.string(), "equal answers to a problem have equal classes; majority votes count these"),
    "finish_reason": (pa.string(), "`stop`; `length`: cut at the token limit; `refused`: the question was declined"),
    "num_prompt_tokens": (pa.int32(), ""),
    "num_generated_tokens": (pa.int32(), ""),
    "num_reasoning_tokens": (pa.int32(), "those of the thought, where they were counted"),
}

Verdicts = dict[str, dict[tuple[str, str | None], str]]  # judge -> (id, predicted answer) -> yes | no | unparsed


def graded_runs(path: Path) -> Iterator[tuple[str, list[dict]]]:
    """(sample run, its grades in benchmark order) of a grades.parquet, one run in memory at a time."""
    try:
        file = parquet.ParquetFile(path)
        for group in range(file.num_row_groups):  # the grader writes one for each run
            grades = file.read_row_group(group, columns=GRADE_COLUMNS).to_pylist()
            runs = {grade["sample_run"] for grade in grades}
            if len(runs) != 1:
                raise InputError("A row group of the grades is not one sample run.", where=path, found=runs)
            yield runs.pop(), grades
    except (OSError, pa.ArrowException, KeyError) as error:
        raise InputError("Cannot read the grades.", where=path, found=" ".join(str(error).split())) from None


def graded_rows(path: Path, grades: list[dict]) -> Iterator[tuple[dict, dict]]:
    """(row, its grade) of a sample or judged file. The row gets the graded answer and both names of its grade."""
    number = 0
    for number, row in enumerate(read_rows(path), start=1):
        grade = grades[number - 1] if number <= len(grades) else None
        if grade is None or (row.get("id") is not None and str(row["id"]) != grade["id"]):
            break
        row["id"], row["predicted_answer"] = grade["id"], grade["predicted_answer"]
        yield with_grade(row, grade["is_correct"]), grade
    else:
        if number == len(grades):
            return
    raise InputError(
        "The samples are not those that were graded.",
        where=f"{path}:{number}",
        expected=f"{len(grades)} rows, ids and order as in the grades",
        hint="move the grades away to have them made again.",
    )


def with_grade(row: dict, correct: bool) -> dict:
    """NeMo-Skills called the symbolic grade is_correct at first, and symbolic_correct since 2025: its readers find either."""
    row["is_correct"] = row["symbolic_correct"] = correct
    return row


def export_benchmark(
    name: str, samples: Path, grades: Path, verdicts: Verdicts, nemo: Path | None, dataset: Path | None
) -> int:
    """All sample runs of one benchmark into both shapes, in one pass; returns the number of samples.

    samples: folder of BENCHMARK/output-*.jsonl. nemo, dataset: folders to write into; None: not in this shape.
    """
    total = 0
    with _table(dataset and dataset / f"{name}.parquet", verdicts) as add_to_table:
        for run, run_grades in graded_runs(grades):
            with _lines(nemo and nemo / nemo_skills.sample_file(name, run)) as add_line:
                plain = samples / f"{name}/output-{run}.jsonl"
                for row, grade in graded_rows(plain if plain.exists() else packed_form(plain), run_grades):
                    add_to_table(row, grade)
                    add_line(row)
            total += len(run_grades)
    return total


@contextmanager
def _lines(path: Path | None) -> Iterator[Callable[[dict], object]]:
    """What writes a row into a file of NeMo-Skills' shape."""
    if path is None:
        yield lambda row: None
        return
    with atomic_write(path) as file:
        yield lambda row: file.write(encode_row(nemo_skills.as_its_row(row)))


@contextmanager
def _table(path: Path | None, verdicts: Verdicts) -> Iterator[Callable[[dict, dict], None]]:
    """What writes a row with its grade into a table of the data set."""
    if path is None:
        yield lambda row, grade: None
        return
    judges = [pa.field(f"verdict_{judge}", pa.string()) for judge in verdicts]
    schema = pa.schema([pa.field(column, column_type) for column, (column_type, _) in COLUMNS.items()] + judges)
    batch: list[dict] = []
    characters = 0
    with atomic_write(path) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:

        def write_batch() -> None:
            writer.write_table(pa.Table.from_pylist(batch, schema))
            batch.clear()

        def add(row: dict, grade: dict) -> None:
            nonlocal characters
            batch.append(dataset_row(row, grade, verdicts))
            characters += len(batch[-1]["generation"] or "")
            if len(batch) == BATCH or characters >= BATCH_CHARACTERS:
                write_batch()
                characters = 0

        yield add
        if batch:
            write_batch()


def write_nemo_rows(path: Path, rows: Iterable[dict]) -> None:
    """A file of NeMo-Skills' shape."""
    with _lines(path) as add_line:
        for row in rows:
            add_line(row)


def dataset_row(row: dict, grade: dict, verdicts: Verdicts) -> dict:
    """One row of the data set; fields of other tools in unlike types become text."""
    values = row | grade
    for column, (column_type, _) in COLUMNS.items():
        value = values.get(column)
        if column_type == pa.string() and value is not None:
            values[column] = valid_text(value if isinstance(value, str) else json.dumps(value))
        elif column_type == pa.int32():
            values[column] = value if isinstance(value, int) and 0 <= value < 2**31 else None
    for judge, known in verdicts.items():
        values[f"verdict_{judge}"] = known.get((grade["id"], grade["predicted_answer"]))
    return values


def read_verdicts(judged: Iterable[Path]) -> dict[tuple[str, str | None], str]:
    """The verdicts in judged files of one benchmark. They are about answers: all samples with this answer share them."""
    return {
        (id_of(row, number), answer_of(row)): row["judge_verdict"]
        for path in judged
        for number, row in enumerate(read_rows(path))
    }


def dataset_card(model: str, samples: dict[str, int], judges: list[str]) -> str:
    """README.md of the data set: what the hub and `datasets` read at its top, and what people read below."""
    configs = "\n".join(
        f"- config_name: {json.dumps(name)}\n  data_files:\n  - split: test\n    path: {json.dumps(f'{name}.parquet')}"
        for name in samples
    )
    columns = [(column, text) for column, (_, text) in COLUMNS.items()]
    columns += [
        (f"verdict_{j}", f"`{j}` on this very answer: `yes`, `no`, `unparsed`; null: never asked") for j in judges
    ]
    total = sum(samples.values())
    return f"""---
pretty_name: {json.dumps(f"Samples of {model}")}
language: [en]
task_categories: [text-generation]
tags: [math, evaluation, model-outputs, openmathinstruct-2]
size_categories: [{size_category(total)}]
# license: yours to choose; mind those of the model and of the benchmarks
configs:
{configs}
---

# Samples of {model}

{total:,} graded samples of {model}, one row per problem and sample run, made by the workflow openmath-evaluation, which follows the
evaluation of [OpenMathInstruct-2](https://arxiv.org/abs/2410.01560).

```python
from datasets import load_dataset

samples = load_dataset("FOLDER_OR_REPOSITORY", {next(iter(samples))!r}, split="test")
```

| config | samples |
|---|---|
{chr(10).join(f"| {name} | {count:,} |" for name, count in samples.items())}

| column | meaning |
|---|---|
{chr(10).join(f"| `{column}` | {text} |" for column, text in columns)}
"""


def size_category(rows: int) -> str:
    """The hub's name for so many rows."""
    return SIZE_CATEGORIES[min(max(len(str(rows)) - 3, 0), len(SIZE_CATEGORIES) - 1)]
