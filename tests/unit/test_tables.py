"""The recipe's layout and numbers, from files of other tools and from counts."""

import json
from pathlib import Path

import numpy as np
import pytest
from in_process import run_script

import fill_majority
import summarize_results
from openmath.errors import InputError
from openmath.files.rows import read_rows, write_rows
from openmath.results.grades import Benchmark, Graded, Judged, read_sample_files
from openmath.results.metrics import metrics_row
from openmath.results.modes import modes_of
from openmath.results.tables import curve_rows, disagreements, format_table, table_row
from openmath.statistics.votes import NONE

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT.parent / "shared" / "reference" / "fixtures"
needs_fixtures = pytest.mark.skipif(not FIXTURES.exists(), reason="reference outputs are not part of the repository")


@needs_fixtures
@pytest.mark.parametrize("name", ["seed_tables", "majority_symbolic", "majority_judged"])
def test_paper_tables_equal_the_references_byte_for_byte(name, call):
    order = ["aime24", "gsm8k", "omni-math", "math", "amc23"]
    text = call(summarize_results, FIXTURES / name, "--policy", "paper", "--order", *order)
    assert text == (FIXTURES / name / "expected_seed_stdout.txt").read_text()


# Counts behind the tables that the recipe prints: problems, symbolic, judge, both, no answer. any = symbolic + judge - both.
# gsm8k: it prints 91.70, which is no count of 1319; 1209 (91.66) is the nearest below.
RECIPE_COUNTS = {
    "aime24": (30, 3, 3, 3, 2),
    "gsm8k": (1319, 1197, 1209, 1197, 0),
    "omni-math": (4428, 840, 984, 802, 113),
    "math": (5000, 3385, 3405, 3375, 68),
    "amc23": (40, 13, 16, 13, 0),
}
RECIPE_CELLS = {
    "aime24": "30 10.00 10.00 10.00 10.00 6.67",
    "gsm8k": "1319 90.75 91.66 90.75 91.66 0.00",
    "omni-math": "4428 18.97 22.22 18.11 23.08 2.55",
    "math": "5000 67.70 68.10 67.50 68.30 1.36",
    "amc23": "40 32.50 40.00 32.50 40.00 0.00",
}


def benchmark_of_counts(name, problems, symbolic, judge, both, none):
    place = np.arange(problems)
    judged = (place < both) | ((place >= symbolic) & (place < symbolic + judge - both))
    answers = np.where(place >= problems - none, NONE, 0)[:, None]
    correct, verdicts = (place < symbolic)[:, None], np.where(judged, "yes", "no")[:, None]
    ids = [f"{name}-{i}" for i in place]
    return Benchmark(name, Graded(ids, ["greedy"], ["7"], answers, answers, correct, None, verdicts), None)


@pytest.mark.parametrize("policy", ["default", "paper"])
def test_the_recipes_five_tables_from_their_counts(policy):
    text = ""
    for name, counts in RECIPE_COUNTS.items():
        modes = modes_of(benchmark_of_counts(name, *counts), policy)
        text += format_table(name, [table_row(mode, policy) for mode in modes])
    printed = [line.split("|") for line in text.splitlines() if line.startswith("greedy")]
    assert [" ".join(cell.strip() for cell in line[1:]) for line in printed] == list(RECIPE_CELLS.values())
    titles = [line for line in text.splitlines() if line.startswith("---")]
    assert titles[0] == "-" * 49 + " aime24 " + "-" * 48 and {len(title) for title in titles} == {105}
    recipe = FIXTURES.parent / "evaluation-recipe.md"
    if recipe.exists():
        theirs = [
            line.strip() for line in recipe.read_text().splitlines() if line.startswith(("   ---", "   greedy  "))
        ]
        ours = [line.rstrip() for line in text.splitlines() if line.startswith(("---", "greedy"))]
        assert [line for line in theirs if line not in ours] == [line for line in theirs if "91.70" in line]


@needs_fixtures
def test_paper_votes_equal_the_references(tmp_path, call):
    """But: the reference writes into its inputs, and where nobody answered calls the missing answer correct (None == None)."""
    folder = FIXTURES / "fill_majority"
    inputs = sorted((folder / "in").iterdir())
    call(fill_majority, "--samples", *inputs, "--output", tmp_path / "m.jsonl", "--policy", "paper")
    ours = list(read_rows(tmp_path / "m.jsonl"))
    for path in inputs:
        for mine, theirs in zip(ours, read_rows(folder / "out_predicted_answer" / path.name), strict=True):
            for key in ("predicted_answer", "expected_answer", "is_correct", "majority_votes", "total_votes"):
                assert mine[key] == theirs[key]
        for mine, theirs in zip(ours, read_rows(folder / "out_expected_answer" / path.name), strict=True):
            assert mine["predicted_answer"] == theirs["expected_answer"]
            if mine["predicted_answer"] is None:
                assert (mine["is_correct"], theirs["is_correct"]) == (False, True)
            else:
                assert theirs["is_correct"] == (theirs["predicted_answer"] == mine["predicted_answer"])


@needs_fixtures
def test_a_number_as_reference_is_matched_though_the_references_text_never_equals_it(tmp_path, call):
    folder = FIXTURES / "fill_majority_int_gold"
    inputs = sorted((folder / "in").iterdir())
    call(fill_majority, "--samples", *inputs, "--output", tmp_path / "m.jsonl", "--policy", "paper")
    for mine, theirs in zip(
        read_rows(tmp_path / "m.jsonl"), read_rows(folder / "out_predicted_answer" / inputs[0].name), strict=True
    ):
        assert (mine["predicted_answer"], mine["majority_votes"]) == (
            theirs["predicted_answer"],
            theirs["majority_votes"],
        )
        assert mine["is_correct"] == (mine["predicted_answer"] == str(theirs["expected_answer"]))
        assert theirs["is_correct"] is False


YES, NO, NEITHER = "Reasoning: r\nJudgement: Yes", "Judgement: No", "I cannot say."
SAMPLES = {  # reference -> of each of three runs: answer, what the grader of another tool said, what the judge said
    "2": [("2", True, YES), ("2", True, YES), ("3", False, NO)],
    "5": [(None, False, NO), (None, False, NO), ("5", True, YES)],
    "9": [(None, False, NO)] * 3,
    "4": [("1", False, NO), ("4", True, YES), ("7", False, NO)],  # a tie: the first seen, or a third
    r"\frac12": [("7", False, NO), ("0.5", False, YES), ("1/2", False, YES)],  # one answer twice, or a tie of three
    "x": [("6", False, NEITHER), ("6", False, NEITHER), ("x", True, YES)],
}


@pytest.fixture
def judged_runs(tmp_path) -> list[Path]:
    """Three sampled runs in the recipe's layout, graded and judged elsewhere."""
    files = [tmp_path / f"eval-results/toy/output-rs{run}.jsonl" for run in range(3)]
    for run, file in enumerate(files):
        names = ("predicted_answer", "is_correct", "judgement")
        rows = [dict(zip(names, said[run], strict=True)) | {"expected_answer": gold} for gold, said in SAMPLES.items()]
        write_rows(file, [row | {"problem": "p"} for row in rows])
    return files


# Columns: symbolic, judge, both, any, no answer. The paper counts a problem with more missing answers than votes as unanswered too.
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("paper", {"majority@3": "33.33 33.33 33.33 33.33 33.33", "pass@3": "66.67 83.33 66.67 83.33 16.67"}),
        (
            "default",
            {
                "pass@1[avg-of-3]": "27.78 38.89 27.78 38.89 27.78",
                "majority@3": "38.89 55.56 33.33 50.00 16.67",
                "pass@3": "66.67 83.33 66.67 83.33 16.67",
            },
        ),
    ],
)
def test_judged_runs_of_another_tool(judged_runs, call, policy, expected):
    lines = call(summarize_results, judged_runs[0].parents[1], "--policy", policy).splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if "@" in line]
    assert {name: " ".join(values) for name, _, *values in cells} == expected


def test_the_papers_votes_of_another_tools_runs(judged_runs, call, tmp_path):
    call(fill_majority, "--samples", *judged_runs, "--output", tmp_path / "m.jsonl", "--policy", "paper")
    rows = list(read_rows(tmp_path / "m.jsonl"))
    votes = [(row["predicted_answer"], row["is_correct"], row["majority_votes"], row["total_votes"]) for row in rows]
    assert votes == [
        ("2", True, 2, 3),
        ("5", True, 1, 3),
        (None, False, 0, 3),
        ("1", False, 1, 3),
        ("7", False, 1, 3),
        ("6", False, 2, 3),
    ]


def test_layout():
    rows = [{"evaluation_mode": "greedy", "num_entries": 3, "symbolic_correct": 100 / 3, "no_answer": 0.0}]
    assert format_table("toy", rows) == (
        "--------------------------- toy ----------------------------\n"
        "evaluation_mode | num_entries | symbolic_correct | no_answer\n"
        "greedy          | 3           | 33.33            | 0.00     \n\n\n"
    )


def test_a_problem_without_any_answer_is_wrong_whatever_its_rows_say():
    """Rows of other tools may hold a verdict on an answer that they lack."""
    nothing = np.full((2, 3), NONE)
    codes = np.where([[True], [False]], 0, nothing)
    runs = Graded(["a", "b"], ["rs0", "rs1", "rs2"], ["1"], codes, codes, codes >= NONE, None, np.full((2, 3), "yes"))
    modes = {mode.name: mode for mode in modes_of(Benchmark("toy", None, runs), "default")}
    vote = modes["majority@3"]
    assert vote.symbolic.tolist() == vote.judge.tolist() == [1, 0]
    assert [side.tolist() for side in vote.pairs] == [[True, False]] * 2
    row = metrics_row("toy", vote)
    assert row["judge_only"] == row["symbolic_only"] == 0


def test_the_papers_two_votes_may_show_two_answers_and_their_verdicts_are_compared():
    codes = np.array([[0, 1, 1]])  # the grader's vote shows the second answer, the judge's vote the first
    judged = np.array([["yes", "no", "yes"]])
    runs = Graded(["a"], ["rs0", "rs1", "rs2"], ["1", "2"], codes, codes, codes >= 0, None, judged)
    vote = modes_of(Benchmark("toy", None, runs), "paper")[0]
    assert [side.tolist() for side in vote.pairs] == [[True], [True]]
    vote = modes_of(Benchmark("toy", None, runs), "default")[1]
    assert (vote.name, [side.tolist() for side in vote.pairs]) == (
        "majority@3",
        [[True], [False]],
    )  # of the answer shown


def test_curves_have_the_judges_verdicts_where_all_samples_are_judged():
    codes = np.array([[0, 0, 1], [0, 1, 2]])
    correct, judged = codes == 0, np.where(codes == 1, "yes", "no")
    runs = Graded(["a", "b"], ["rs0", "rs1", "rs2"], ["1", "2", "3"], codes, codes, correct, None, judged)
    rows = {
        (row["grading"], row["estimator"], row["k"]): row["estimate"] for row in curve_rows("toy", runs, "default", [2])
    }
    # Two of the three samples: pass unless both are wrong; a vote of one to one is shared.
    assert rows == {
        ("symbolic", "pass@k", 2): pytest.approx((1 + 2 / 3) / 2),
        ("judge", "pass@k", 2): pytest.approx((2 / 3 + 2 / 3) / 2),
        ("symbolic", "maj@k", 2): pytest.approx((2 / 3 + 1 / 3) / 2),
        ("judge", "maj@k", 2): pytest.approx((1 / 3 + 1 / 3) / 2),
    }


def test_an_answer_of_which_the_judge_says_neither_is_shown_whatever_the_grader_says():
    codes = np.zeros((3, 1), int)
    greedy = Graded(["a", "b", "c"], ["greedy"], ["1"], codes, codes, np.array([[False], [False], [True]]))
    judged = Judged(np.array(["unparsed", "no", "yes"]), ["1"] * 3, ["2", "2", "1"])
    benchmark = Benchmark("toy", greedy, None, {"greedy": judged})
    assert [row["id"] for row in disagreements(benchmark, modes_of(benchmark, "default"))] == ["a"]


def test_files_of_other_tools_are_voted_and_summarised_where_they_stand(tmp_path):
    folder = tmp_path / "eval-results" / "toy"
    folder.mkdir(parents=True)
    for seed, boxes in enumerate([("1/2", "7"), ("0.5", "8"), ("3", "8")]):
        rows = [
            {"problem": f"p{i}", "expected_answer": gold, "generation": f"so \\boxed{{{box}}}"}
            for i, (gold, box) in enumerate(zip(("\\frac12", 8), boxes, strict=True))
        ]
        (folder / f"output-rs{seed}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    reply = run_script("summarize_results.py", tmp_path)
    assert "majority@3       | 2           | 100.00" in reply.stdout, reply.stdout + reply.stderr
    reply = run_script("fill_majority.py", "--samples", *folder.iterdir(), "--output", tmp_path / "m.jsonl")
    assert reply.returncode == 0, reply.stderr
    rows = list(read_rows(tmp_path / "m.jsonl"))
    assert [(r["predicted_answer"], r["majority_votes"], r["is_correct"]) for r in rows] == [
        ("1/2", 2, True),
        ("8", 2, True),
    ]
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_recorded_verdicts_stay_and_only_the_paper_votes_by_spelling(tmp_path):
    files = [tmp_path / f"output-rs{seed}.jsonl" for seed in range(3)]
    for file, answer, correct in zip(files, ("1/2", "0.5", "3"), (False, True, None), strict=True):
        file.write_text(json.dumps({"expected_answer": "0.5", "predicted_answer": answer, "is_correct": correct}))
    default = read_sample_files(files, "default")
    assert default.correct.tolist() == [[False, True, False]]  # the last one is graded here
    assert default.classes.tolist() == [[0, 0, 1]]
    paper, again = (read_sample_files(files[:2], policy) for policy in ("paper", "default"))
    assert (paper.classes.tolist(), again.classes.tolist()) == ([[0, 1]], [[0, 0]])
    assert paper.correct.tolist() == again.correct.tolist() == [[False, True]]


def test_a_judged_greedy_run_stands_beside_sampled_runs_that_are_not(tmp_path, call):
    for name, judgements in {
        "greedy": ["Judgement: Yes"] * 2,
        "rs0": [None] * 2,
        "rs1": ["Judgement: No", None],
    }.items():
        rows = [
            {"problem": f"p{i}", "predicted_answer": "1", "expected_answer": "1", "is_correct": True}
            | ({"judgement": judgement} if judgement else {})
            for i, judgement in enumerate(judgements)
        ]
        path = tmp_path / "toy" / f"output-{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"(?s)Some of the sampled runs are judged.*rs0 has rows without"):
        call(summarize_results, tmp_path, "--policy", "paper")
    path.unlink()
    lines = [line.split() for line in call(summarize_results, tmp_path, "--policy", "paper").splitlines()]
    assert ["greedy", "|", "2", "|", "100.00", "|", "100.00", "|", "100.00", "|", "100.00", "|", "0.00"] in lines
    assert ["majority@1", "|", "2", "|", "100.00", "|", "-", "|", "-", "|", "-", "|", "0.00"] in lines


def test_an_empty_folder_is_one_message(tmp_path):
    reply = run_script("summarize_results.py", tmp_path)
    assert reply.returncode == 2 and "No sample files" in reply.stderr and "Traceback" not in reply.stderr


# Three problems, four sampled runs and greedy: class, verdict. Problem 1 is tied, problem 2 has no answer at all.
