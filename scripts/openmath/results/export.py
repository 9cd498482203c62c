"""A finished evaluation in the shapes that others read: NeMo-Skills' folders, and a data set of parquet files with a card.

Everything is streamed: one sample row, one run's grades and BATCH rows of a parquet file are in memory.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.answers import answer_of
from openmath.errors import InputError
from openmath.files.fast_rows import encode_row, read_rows
from openmath.files.rows import atomic_write, valid_text
from openmath.files.sample_rows import id_of

# Rows of a parquet row group: at 4,096 tokens a generation about 16 MB, well below the 300 MB that the hub's viewer reads at once.
BATCH = 1000
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


def export_benchmark(name: str, samples: Path, grades: Path, verdicts: Verdicts, nemo: Path, dataset: Path) -> int:
    """All sample runs of one benchmark into both shapes; returns the number of samples.

    samples: folder of BENCHMARK/output-*.jsonl. nemo, dataset: folders to write into.
    """
    judges = [pa.field(f"verdict_{judge}", pa.string()) for judge in verdicts]
    schema = pa.schema([pa.field(column, column_type) for column, (column_type, _) in COLUMNS.items()] + judges)
    total = 0
    with atomic_write(dataset / f"{name}.parquet") as file:
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for run, run_grades in graded_runs(grades):
                sample_file = f"{name}/output-{run}.jsonl"
                batch = []
                with atomic_write(nemo / sample_file) as lines:
                    for row, grade in graded_rows(samples / sample_file, run_grades):
                        lines.write(encode_row(row))
                        batch.append(dataset_row(row, grade, verdicts))
                        if len(batch) == BATCH:
                            writer.write_table(pa.Table.from_pylist(batch, schema))
                            batch = []
                if batch:
                    writer.write_table(pa.Table.from_pylist(batch, schema))
                total += len(run_grades)
    return total


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
