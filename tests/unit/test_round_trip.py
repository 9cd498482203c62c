"""What is exported comes back by import_samples.py as it was: all keys of our rows, in NeMo-Skills' folders and as a table."""

import pandas
import pytest
from in_process import run_script

from openmath.files.rows import read_rows, write_rows

RUNS = ("greedy", "rs0", "rs1")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Samples of three runs, one of them cut, one without an answer; in data/ their benchmark, which has its other name there."""
    folder = tmp_path_factory.mktemp("trip")
    problems = [{"id": f"math-{n}", "problem": f"What is {n} + 1?", "expected_answer": str(n + 1)} for n in range(12)]
    write_rows(folder / "data/math.jsonl", problems)
    answers = [None if n == 3 else str(n + (n < 6)) for n in range(12)]
    for run in RUNS:
        rows = [
            row
            | {
                "generation": "I wonder" if answer is None else f"{run}: so,\n\\boxed{{{answer}}}",
                "predicted_answer": answer,
                "seed": None if run == "greedy" else int(run[2:]),
                "finish_reason": "length" if answer is None else "stop",
                "num_prompt_tokens": 30,
                "num_generated_tokens": 9,
            }
            for row, answer in zip(problems, answers, strict=True)
        ]
        write_rows(folder / f"s/math/output-{run}.jsonl", rows)
    samples, grades = sorted((folder / "s/math").glob("*")), folder / "math.parquet"
    for script, *options in (
        ("grade_answers.py", "--samples", *samples, "--output", grades, "--processes", 1),
        (
            "export_results.py",
            "--model",
            "m",
            "--samples",
            folder / "s",
            "--grades",
            grades,
            "--output",
            folder / "out",
        ),
    ):
        reply = run_script(script, *options)
        assert reply.returncode == 0, reply.stderr
    return folder


def imported(folder, source) -> dict[str, list[dict]]:
    """Run -> rows."""
    out = folder / f"back-{source.name}"
    reply = run_script("import_samples.py", source, "--out", out, cwd=folder)
    assert reply.returncode == 0, reply.stderr
    files = list(out.glob("*/math/output-*.jsonl"))
    return {path.stem.removeprefix("output-"): list(read_rows(path)) for path in files}


def test_nemo_skills_there_and_back(exported):
    back = imported(exported, exported / "out/nemo-skills")
    assert sorted(back) == sorted(RUNS)
    for run in RUNS:
        ours = list(read_rows(exported / f"s/math/output-{run}.jsonl"))
        assert [{key: row[key] for key in ours[0]} for row in back[run]] == ours
        assert [row["is_correct"] for row in back[run]] == [n < 6 and n != 3 for n in range(12)]


def test_the_data_set_as_csv_there_and_back(exported):
    (exported / "csv").mkdir()
    samples = pandas.read_parquet(exported / "out/dataset/math.parquet").rename(columns={"sample_run": "run"})
    samples.to_csv(exported / "csv/math.csv", index=False)
    back = imported(exported, exported / "csv")
    assert sorted(back) == sorted(RUNS)
    for run in RUNS:
        ours = list(read_rows(exported / f"s/math/output-{run}.jsonl"))
        for key in ("id", "problem", "expected_answer", "generation", "predicted_answer"):
            assert [row[key] for row in back[run]] == [row[key] for row in ours]
