"""Each number of a summary is its own: two benchmarks, two gradings, eleven seeds, and files that are about something else."""

import json

import numpy as np
import pandas
import pytest
from unit.judging_cases import write
from unit.test_summary import write_grades, write_judged

import fill_majority
import summarize_results
from openmath.errors import InputError
from openmath.files.rows import read_rows
from openmath.results.grades import Benchmark, Graded, Judged, read_sample_files
from openmath.results.metrics import metrics_row
from openmath.results.modes import modes_of
from openmath.results.tables import problem_scores, table_row
from openmath.statistics.votes import NONE

# Three problems, four runs. Answers 0 and 1; the judge accepts other ones than the grader.
ANSWERS = np.array([[0, 0, 1, 1], [0, 1, 1, NONE], [NONE, NONE, NONE, NONE]])
CORRECT = np.array([[True, True, False, False], [True, False, False, False], [False] * 4])
JUDGED = np.array([["yes"] * 4, ["no", "yes", "yes", "no"], ["no", "unparsed", "no", "no"]])


def modes(judged=JUDGED, vote=None, policy="default") -> dict:
    runs = Graded(["a", "b", "c"], ["rs0", "rs1", "rs2", "rs3"], ["x", "y"], ANSWERS, ANSWERS, CORRECT, None, judged)
    benchmark = Benchmark("toy", None, runs, {"majority": vote} if vote else {})
    return {
        mode.name.partition("@")[0] + str(mode.name.startswith("pass@1[")): mode for mode in modes_of(benchmark, policy)
    }


def test_each_sample_judged():
    found = modes()
    average, vote, any_of = found["passTrue"], found["majorityFalse"], found["passFalse"]
    assert average.symbolic.tolist() == [0.5, 0.25, 0] and average.judge.tolist() == [1, 0.5, 0]
    assert average.unanswered.mean() == 5 / 12 and average.num_samples == 4
    assert vote.symbolic.tolist() == [0.5, 0, 0], "a tie shares its credit; the winner of the second is wrong"
    assert vote.judge.tolist() == [1, 1, 0] and vote.unanswered.tolist() == [False, False, True]
    assert vote.answers == ["x", "y", None] and metrics_row("toy", vote)["tie_rate"] == pytest.approx(1 / 3)
    assert any_of.symbolic.tolist() == [1, 1, 0] and any_of.judge.tolist() == [1, 1, 0]
    assert any_of.unanswered.tolist() == [False, False, True]
    compared = {"unparsed": 1 / 12, "agreement": 6 / 11, "symbolic_only": 1, "judge_only": 4}
    assert {name: metrics_row("toy", average)[name] for name in compared} == pytest.approx(compared)


def test_rows_of_the_tables_count_samples_of_an_average_and_problems_of_the_rest():
    found = modes()
    average = table_row(found["passTrue"], "default")
    assert average["both_correct"] == pytest.approx(100 * 2 / 12) and average["any_correct"] == pytest.approx(
        100 * 7 / 12
    )
    assert (average["num_entries"], average["no_answer"]) == (3, pytest.approx(100 * 5 / 12))
    assert [metrics_row("toy", mode)["n_samples"] for mode in found.values()] == [4, 4, 4]
    assert table_row(found["majorityFalse"], "default")["no_answer"] == pytest.approx(100 / 3)


def test_the_paper_counts_a_problem_without_a_judged_vote_twice():
    assert table_row(modes(policy="paper")["majorityFalse"], "paper")["no_answer"] == pytest.approx(200 / 3)
    assert table_row(modes(judged=None, policy="paper")["majorityFalse"], "paper")["no_answer"] == pytest.approx(
        100 / 3
    )
    assert table_row(modes(policy="paper")["passFalse"], "paper")["no_answer"] == pytest.approx(100 / 3)


def test_a_judged_vote_without_a_verdict_is_not_a_yes():
    vote = modes(judged=None, vote=Judged(np.array(["yes", "unparsed", "no"]), ["x", "y", None], ["1"] * 3))[
        "majorityFalse"
    ]
    assert vote.judge.tolist() == [1, 0, 0] and vote.pairs[1].tolist() == [True, False, False]
    assert metrics_row("toy", vote)["unparsed"] == pytest.approx(1 / 3)


def test_only_an_average_over_many_problems_has_the_interval_of_means():
    codes = np.zeros((300, 3), int)
    correct = np.arange(900).reshape(300, 3) % 4 == 0
    runs = Graded([str(i) for i in range(300)], ["rs0", "rs1", "rs2"], ["x"], codes, codes, correct)
    methods = {m.name: m.intervals()["symbolic"].method for m in modes_of(Benchmark("toy", None, runs), "default")}
    assert methods == {
        "pass@1[avg-of-3]": "question-level t",
        "majority@3": "bootstrap over problems, 10000 draws",
        "pass@3": "Wilson",
    }


def test_the_scores_of_each_problem_hold_both_gradings():
    runs = Graded(["a", "b", "c"], ["rs0", "rs1", "rs2", "rs3"], ["x", "y"], ANSWERS, ANSWERS, CORRECT, None, JUDGED)
    benchmark = Benchmark("toy", None, runs)
    table = problem_scores(benchmark, modes_of(benchmark, "default")).set_index(["mode", "id"])
    assert table.loc["pass@1[avg-of-4]", ["symbolic", "judge"]].values.tolist() == [[0.5, 1], [0.25, 0.5], [0, 0]]
    assert table.loc["majority@4", "answer"].tolist()[:2] == ["x", "y"]


# The first of two tied answers wins, in seed order: rs2 comes before rs10.
SEEDS = {
    f"rs{seed}": [("late", False)] if seed in (2, 3) else [("early", True)] if seed in (10, 11) else [(None, False)]
    for seed in range(12)
}


def test_a_tie_goes_to_the_lower_seed_not_to_the_first_name(tmp_path, call):
    problems = write(tmp_path / "toy.jsonl", [{"problem": "p", "expected_answer": "early"}])
    shuffled = dict(sorted(SEEDS.items()))  # rs0, rs1, rs10, rs11, rs2 ...
    grades = write_grades(tmp_path / "toy.parquet", shuffled)
    call(fill_majority, "--grades", grades, "--benchmark", problems, "--output", tmp_path / "m.jsonl")
    [row] = read_rows(tmp_path / "m.jsonl")
    assert (row["predicted_answer"], row["tied"]) == ("late", True)
    call(summarize_results, "--grades", grades, "--output-dir", tmp_path / "out")
    scores = pandas.read_parquet(tmp_path / "out/questions.parquet").set_index("mode")
    assert scores.answer["majority@12"] == "late"
    files = []
    for run, [(answer, correct)] in shuffled.items():
        row = {"problem": "p", "expected_answer": "early", "predicted_answer": answer, "is_correct": correct}
        files.append(write(tmp_path / f"output-{run}.jsonl", [row]))
    assert read_sample_files(files, "paper").runs == [f"rs{seed}" for seed in range(12)]


def test_distinct_answers_of_a_folder_stay_apart(tmp_path):
    answers = ["1", "2", None, "1"]
    row = {"problem": "p", "expected_answer": "2"}
    files = [
        write(tmp_path / f"output-rs{n}.jsonl", [{**row, "predicted_answer": answer, "is_correct": answer == "2"}])
        for n, answer in enumerate(answers)
    ]
    graded = read_sample_files(files, "paper")
    assert [graded.answer_of(0, run) for run in range(4)] == answers
    assert graded.correct.tolist() == [[False, True, False, False]]


def test_runs_of_other_problems_are_refused(tmp_path, call):
    path = write_grades(tmp_path / "toy.parquet", {"rs0": [("1", True)] * 2, "rs1": [("1", True)] * 2})
    table = pandas.read_parquet(path)
    table["id"] = ["a", "b", "b", "a"]
    table.to_parquet(path, index=False)
    with pytest.raises(InputError, match="same problems in the same order"):
        call(summarize_results, "--grades", path)


def test_a_judged_file_of_other_problems_is_refused(tmp_path, call):
    grades = write_grades(tmp_path / "toy.parquet", {"greedy": [("1", True), ("2", True)]})
    judged = write_judged(tmp_path / "toy/greedy.jsonl", ("1", "2"), ("yes", "yes"))
    write(judged, [{**row, "id": f"other-{n}"} for n, row in enumerate(read_rows(judged))])
    with pytest.raises(InputError, match="do not match the benchmark"):
        call(summarize_results, "--grades", grades, "--judged", judged)


def test_two_benchmarks_keep_their_own_numbers(tmp_path, call):
    """Clusters are given for the second one only, under a model that the published numbers know by another name."""
    for name, greedy in (("gsm8k", [("1", True), ("2", True)]), ("math", [("1", True), ("2", False)])):
        write_grades(tmp_path / f"{name}.parquet", {"greedy": greedy})
    problems = write(tmp_path / "math.jsonl", [{"id": f"toy-{i}", "subject": str(i)} for i in range(2)])
    published = tmp_path / "published.yaml"
    published.write_text(
        "problems: {math: 2}\nsets: {s: {source: there, judge: j, spread: 1.0, notes: [], models: "
        "{known: {greedy: {symbolic: {math: 50.0}}}}}}\n"
    )
    options = ("--grades", tmp_path / "gsm8k.parquet", tmp_path / "math.parquet", "--output-dir", tmp_path / "out")
    options += ("--cluster-by", "subject", "--problems", problems, "--published", published)
    call(summarize_results, *options, "--model", "ours", "--published-as", "known")
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert [(row["benchmark"], row["accuracy_symbolic"]) for row in metrics] == [("gsm8k", 1.0), ("math", 0.5)]
    assert ["clustered_low_symbolic" in row for row in metrics] == [False, True]
    beside = pandas.read_csv(tmp_path / "out/published.csv")
    assert beside[["benchmark", "ours", "published"]].values.tolist() == [["math", 50.0, 50.0]]
    assert "ours" in (tmp_path / "out/published.md").read_text().splitlines()[0]
