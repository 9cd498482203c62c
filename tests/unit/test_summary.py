"""Summaries of grades and judged files: everything that summarize_results.py, fill_majority.py and compare_models.py write."""

import json
from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

import compare_models
import fill_majority
import summarize_results
from openmath.errors import InputError
from openmath.files.rows import read_rows
from openmath.files.text_tables import markdown_table, write_csv
from openmath.results.grades import read_grades

PUBLISHED = Path(__file__).parents[2] / "config" / "published.yaml"
GRADES = {
    "greedy": [("1/2", True), ("4", True), (None, False)],
    "rs0": [("1/2", True), ("4", True), (None, False)],
    "rs1": [("1/2", True), ("5", False), (None, False)],
    "rs2": [("3", False), ("5", False), (None, False)],
    "rs10": [("1/2", True), ("4", True), (None, False)],
}


def write_grades(path, grades=GRADES, finish="stop"):
    rows = [
        {
            "id": f"toy-{i}",
            "sample_run": run_name,
            "predicted_answer": answer,
            "vote_class": answer,
            "is_correct": correct,
            "grade_status": "ok" if answer else "no_answer",
            "finish_reason": finish if answer else "length",
            "num_generated_tokens": 9,
        }
        for run_name, answers in grades.items()
        for i, (answer, correct) in enumerate(answers)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def write_judged(path, answers, verdicts):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": f"toy-{i}", "problem": "?", "expected_answer": "g", "predicted_answer": a, "judge_verdict": v}
        for i, (a, v) in enumerate(zip(answers, verdicts, strict=True))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def summarise(call, tmp_path, *options, greedy=("1/2", "4", None), majority=("1/2", "4", None)):
    grades = write_grades(tmp_path / "toy.parquet")
    judged = [
        write_judged(tmp_path / "toy" / "greedy.jsonl", greedy, ("no", "unparsed", "no")),
        write_judged(tmp_path / "toy" / "majority.jsonl", majority, ("yes", "yes", "no")),
    ]
    published = ["--published", PUBLISHED]
    output = call(
        summarize_results,
        "--grades",
        grades,
        "--judged",
        *judged,
        "--output-dir",
        tmp_path / "out",
        *published,
        *options,
    )
    return output, tmp_path / "out"


def test_everything_about_a_judged_benchmark(tmp_path, call):
    printed, out = summarise(call, tmp_path)
    assert printed == f"tables: {out / 'tables.txt'}\n"
    text, below = (out / "tables.txt").read_text().split("warning: ")
    assert below.startswith("more than 5% of the samples met the token limit")
    cells = {
        line.split("|")[0].strip(): [c.strip() for c in line.split("|")[1:]]
        for line in text.splitlines()
        if "|" in line
    }
    assert cells["evaluation_mode"][1:] == [
        "symbolic_correct",
        "judge_correct",
        "both_correct",
        "any_correct",
        "no_answer",
    ]
    assert cells["greedy"] == ["3", "66.67", "0.00", "0.00", "66.67", "33.33"]
    assert cells["pass@1[avg-of-4]"] == ["3", "41.67", "-", "-", "-", "33.33"]
    assert cells["majority@4"] == [
        "3",
        "50.00",
        "66.67",
        "66.67",
        "66.67",
        "33.33",
    ]  # the tie shares its symbolic credit
    assert cells["pass@4"] == ["3", "66.67", "-", "-", "-", "33.33"]

    metrics = {row["mode"]: row for row in json.loads((out / "metrics.json").read_text())}
    greedy, vote = metrics["greedy"], metrics["majority@4"]
    assert (greedy["agreement"], greedy["symbolic_only"], greedy["judge_only"]) == (
        0.5,
        1,
        0,
    )  # the unparsed one is no party
    assert (greedy["both"], greedy["any"]) == (0, pytest.approx(2 / 3))
    assert greedy["unparsed"] == pytest.approx(1 / 3) and greedy["truncated"] == pytest.approx(1 / 3)
    assert vote["tie_rate"] == pytest.approx(1 / 3) and vote["kappa"] == 1
    assert metrics["pass@1[avg-of-4]"]["seed_std"] == pytest.approx(np.std([2 / 3, 1 / 3, 0, 2 / 3], ddof=1))
    assert greedy["ci_method_symbolic"] == "Clopper-Pearson" and "Bayesian" in vote["ci_method_symbolic"]

    differing = pandas.read_csv(out / "disagreements.csv")
    assert differing[["mode", "id", "symbolic", "judge"]].values.tolist() == [
        ["greedy", "toy-0", "yes", "no"],
        ["greedy", "toy-1", "yes", "unparsed"],
    ]
    curves = pandas.read_csv(out / "curves.csv").set_index(["estimator", "k"])["estimate"]
    assert [curves["maj@k", 1], curves["pass@k", 1]] == pytest.approx([5 / 12] * 2)
    assert [curves["maj@k", 4], curves["pass@k", 4]] == pytest.approx([1 / 2, 2 / 3])
    lines = (out / "tables.md").read_text().splitlines()
    assert "## toy" in lines
    [row] = [line.split(" | ") for line in lines if line.startswith("| greedy")]
    assert row[1:6] == ["66.67 [9.4, 99.2]", "0.00 [0.0, 70.8]", "0.00", "66.67", "33.33"]
    assert row[-1] == "0.000 |"  # kappa: the one answer on which both have a say
    assert "n = 3 problems. Intervals: Bayesian bootstrap over problems, 10000 draws; Clopper-Pearson." in lines
    assert "No published number" in (out / "published.md").read_text()
    assert len(pandas.read_parquet(out / "questions.parquet")) == 4 * 3


@pytest.mark.parametrize(
    ("reasons", "truncated", "refused"),
    [
        (["stop", None], [False, False], [False, False]),
        (["length", None], [True, False], [False, False]),
        (["refused", "prompt_too_long"], [False, False], [True, True]),
        ([None, None], None, None),
    ],
)
def test_why_a_sample_ended(tmp_path, reasons, truncated, refused):
    path = write_grades(tmp_path / "toy.parquet", {"greedy": [("1", True), ("2", True)]})
    table = parquet.read_table(path)
    column = table.column_names.index("finish_reason")
    parquet.write_table(table.set_column(column, "finish_reason", pa.array(reasons, pa.string())), path)
    graded = read_grades(path)
    for found, expected in ((graded.truncated, truncated), (graded.refused, refused)):
        assert (None if found is None else found[:, 0].tolist()) == expected


def test_a_markdown_table_leaves_out_empty_columns_and_escapes_its_own_sign():
    rows = [{"a": "|x|", "empty": "", "b": 1}, {"a": "y", "empty": ""}]
    assert markdown_table(rows) == "| a | b |\n| --- | --- |\n| \\|x\\| | 1 |\n| y |  |\n"


def test_a_csv_file_without_rows_has_a_header(tmp_path):
    write_csv(tmp_path / "a.csv", [], ["x", "y"])
    assert (tmp_path / "a.csv").read_text() == "x,y\n"
    write_csv(tmp_path / "a.csv", [{"z": 1}], ["x", "y"])
    assert (tmp_path / "a.csv").read_text() == "z\n1\n"


def test_two_summaries_are_compared(tmp_path, call):
    _, out = summarise(call, tmp_path)
    call(compare_models, out, out, "--names", "a", "b", "--output-dir", tmp_path / "compared")
    rows = pandas.read_csv(tmp_path / "compared" / "comparison.csv")
    assert len(rows) == 6 and (rows.difference == 0).all() and (rows.verdict == "no difference shown").all()
    assert pandas.read_csv(tmp_path / "compared" / "flipped.csv").empty
    with pytest.raises(InputError, match=r"(?s)Cannot read the scores.*Hint"):
        call(compare_models, out, tmp_path / "nothing")


@pytest.mark.parametrize("mode", ["greedy", "majority"])
@pytest.mark.parametrize(
    ("judged", "says"),
    [
        (("1/2", "5", None), "toy-1.*expected: 4.*found:    5"),
        (("1/2", "4", "7"), "toy-2.*expected: no answer.*found:    7"),
    ],
)
def test_a_judge_of_other_answers_is_refused(tmp_path, call, mode, judged, says):
    with pytest.raises(InputError, match=rf"(?s)different {mode} answer.*{says}.*Hint.*not paid again"):
        summarise(call, tmp_path, **{mode: judged})


def test_flips_stand_under_the_side_that_solved_the_problem(tmp_path, call):
    for name, correct in (("a", True), ("b", False)):
        grades = write_grades(tmp_path / name / "toy.parquet", {"greedy": [("1", correct), ("2", True)]})
        call(summarize_results, "--grades", grades, "--output-dir", tmp_path / name)
    text = call(compare_models, tmp_path / "a", tmp_path / "b")
    assert " | +50.00 [" in text and " | 1 / 0 | " in text


def test_clusters_on_request(tmp_path, call):
    problems = tmp_path / "problems" / "toy.jsonl"
    problems.parent.mkdir()
    problems.write_text("".join(json.dumps({"id": f"toy-{i}", "subject": s}) + "\n" for i, s in enumerate("aab")))
    _, out = summarise(call, tmp_path, "--cluster-by", "subject", "--problems", problems)
    row = json.loads((out / "metrics.json").read_text())[0]
    assert row["clustered_method_symbolic"] == "clustered t, 2 clusters, by subject"
    assert row["clustered_low_symbolic"] <= row["accuracy_symbolic"] <= row["clustered_high_symbolic"]
    with pytest.raises(InputError, match="A problem has no group"):
        summarise(call, tmp_path, "--cluster-by", "level", "--problems", problems)


def test_a_curve_beyond_the_samples_is_refused(tmp_path, call):
    with pytest.raises(InputError, match="8 samples cannot be drawn from 4"):
        summarise(call, tmp_path, "--k", 8)


def test_a_broken_benchmark_is_an_error_not_a_missing_row(tmp_path, call):
    good = write_grades(tmp_path / "good.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"(?s)Cannot read the grades.*bad\.parquet"):
        call(summarize_results, "--grades", good, tmp_path / "bad.parquet")
    uneven = write_grades(tmp_path / "uneven.parquet", GRADES | {"rs11": GRADES["rs0"][:2]})
    with pytest.raises(InputError, match="same problems in the same order"):
        call(summarize_results, "--grades", good, uneven)


def test_benchmarks_keep_the_order_they_are_given_in(tmp_path, call):
    files = [write_grades(tmp_path / f"{name}.parquet") for name in ("b", "c", "a")]
    text = call(summarize_results, "--grades", *files)
    assert [line.strip("- ") for line in text.splitlines() if line.startswith("---")] == ["b", "c", "a"]


def test_votes_of_grades_ignore_greedy_and_count_seeds_in_order(tmp_path, call):
    grades = write_grades(tmp_path / "toy.parquet")
    problems = tmp_path / "toy.jsonl"
    problems.write_text("".join(json.dumps({"problem": f"{i}", "expected_answer": "4"}) + "\n" for i in range(3)))
    call(fill_majority, "--grades", grades, "--benchmark", problems, "--output", tmp_path / "m.jsonl")
    rows = list(read_rows(tmp_path / "m.jsonl"))
    assert [
        (r["predicted_answer"], r["majority_votes"], r["total_votes"], r["tied"], r["is_correct"]) for r in rows
    ] == [
        ("1/2", 3, 4, False, True),
        ("4", 2, 4, True, True),
        (None, 0, 4, False, False),
    ]
    assert all("generation" not in row for row in rows)
    with pytest.raises(InputError, match="never modified"):
        call(fill_majority, "--samples", tmp_path / "output-rs0.jsonl", "--output", tmp_path / "output-rs0.jsonl")
