"""New problems against test problems: the nearest, questions in both orders, and what the verdicts lead to."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from in_process import run_script
from unit.judge_server import judge_server
from unit.judging_cases import ROOT, SECRET

from openmath.dataset.decontamination import findings, report
from openmath.dataset.similar import QUESTION, nearest, ngram_vectors, questions
from openmath.files.rows import read_rows, write_rows
from openmath.judging.questions import prefilled, question_of

TESTS = ["Tom has 3 apples and buys 4 more. How many apples does he have?", "What is the area of a circle of radius 2?"]
NEW = ["Tom has 3 apples and he buys 4 more. How many apples does Tom have?", "Factor x^2 - 5x + 6.", "..."]


def test_the_nearest_are_those_of_the_whole_product(monkeypatch):
    monkeypatch.setattr("openmath.dataset.similar.BLOCK", 3)
    chance = np.random.default_rng(0)
    vectors = {f"{kind}{n}": chance.normal(size=8).astype(np.float32) for kind in "nt" for n in range(10)}
    new, tests = [f"n{n}" for n in range(10)], [f"t{n}" for n in range(10)]
    found = list(nearest(new, tests, 4, lambda texts: np.stack([vectors[text] for text in texts])))
    for name, near in zip(new, found, strict=True):
        products = [float(vectors[name] @ vectors[test]) for test in tests]
        assert [one.test for one in near] == sorted(range(10), key=lambda n: -products[n])[:4]
        assert [one.similarity for one in near] == pytest.approx(sorted(products, reverse=True)[:4], rel=1e-5)


def test_ngrams_see_common_words():
    vectors = ngram_vectors([*NEW, *TESTS])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    (close, far), (other, _), _ = (vectors[:3] @ vectors[3:].T).tolist()
    assert close > 0.8 > 0.3 > max(far, other)


def test_a_pair_is_asked_about_in_both_orders_in_the_form_of_the_judge():
    problem, test = {"id": "n-0", "problem": NEW[0]}, {"id": "t-0", "problem": TESTS[0]}
    first, second = questions(problem, test, "mini", 0.91)
    assert question_of(first) == {"problem": QUESTION, "predicted_answer": NEW[0], "expected_answer": TESTS[0]}
    assert question_of(second) == {"problem": QUESTION, "predicted_answer": TESTS[0], "expected_answer": NEW[0]}
    assert first["id"] != second["id"]
    assert prefilled(question_of(first)) is None  # and the same text needs no call
    assert prefilled(question_of(next(questions(problem, problem, "mini", 1)))) == "identical"


def rows(*verdicts):
    """Judged pairs of new problems n-0, n-1, ... with one test problem each; a pair of verdicts for each."""
    for number, pair in enumerate(verdicts):
        problem, test = {"id": f"n-{number}", "problem": f"new {number}"}, {"id": "t", "problem": "test"}
        for row, verdict in zip(
            questions(problem, test, "mini" if number % 2 else "other", 0.5 + number / 10), pair, strict=True
        ):
            yield row | {"judge_verdict": verdict}


def test_a_yes_in_either_order_is_contamination_and_an_unreadable_verdict_is_counted():
    pairs = (("yes", "no"), ("no", "yes"), ("no", "no"), ("unparsed", "no"), ("unparsed", "yes"))
    found = findings(rows(*pairs), None, ["mini", "other", "third"])
    assert list(found.contaminated) == ["n-0", "n-1", "n-4"]
    counts = found.counts()
    assert counts["by_benchmark"] == {"mini": 1, "other": 2, "third": 0}
    assert (counts["pairs"], counts["unparsed"], counts["undecided"]) == (5, 2, 1)
    assert counts["examples"] == {"other": [["new 0", "test"], ["new 4", "test"]], "mini": [["new 1", "test"]]}
    text = report(found, 6, None)
    assert "| other | 2 | 1 |" in text and "| third | 0 | 0 |" in text  # two repeat the same test problem
    assert "6 different problems" in text and "in 5 pairs" in text and "a judge's verdict in either order" in text
    assert "2 verdicts could not be read; 1 problems count as different in spite of one." in text
    found.examples["third"] = [["# no heading\n\n| no | table |", "```"]]
    assert "    # no heading\n    \n    | no | table |\n" in report(found, 6, None)


def test_without_a_judge_the_similarity_decides():
    found = findings(rows(("no", "no"), ("no", "no"), ("no", "no")), 0.6, ["mini", "other"])
    assert list(found.contaminated) == ["n-1", "n-2"]


def test_the_scripts_drop_what_stands_in_a_benchmark(tmp_path):
    write_rows(tmp_path / "mini.jsonl", [{"id": f"t-{n}", "problem": text} for n, text in enumerate(TESTS)])
    write_rows(tmp_path / "new.jsonl", [{"id": f"n-{n}", "problem": text} for n, text in enumerate(NEW)])
    options = ("--problems", tmp_path / "new.jsonl", "--benchmarks", tmp_path / "mini.jsonl")
    reply = run_script(
        "find_similar", *options, "--embedder", "ngrams", "--top", 1, "--output", tmp_path / "pairs.jsonl"
    )
    assert reply.returncode == 0, reply.stderr
    assert "3 pairs of 3 new and 2 test problems" in reply.stdout
    for least, left in (("0.8", ["n-1", "n-2"]), ("1", ["n-0", "n-1", "n-2"])):
        reply = run_script(
            *("decontaminate_problems", "--problems", tmp_path / "new.jsonl", "--benchmarks", "mini"),
            *("--similar", tmp_path / "pairs.jsonl", "--similarity", least, "--output", tmp_path / "clean.jsonl"),
        )
        assert reply.returncode == 0, reply.stderr
        assert [row["id"] for row in read_rows(tmp_path / "clean.jsonl")] == left
    assert json.loads((tmp_path / "clean.counts.json").read_text())["contaminated"] == 0


def test_any_training_set_is_compared_by_its_different_problems(tmp_path):
    write_rows(tmp_path / "mini.jsonl", [{"id": f"t-{n}", "problem": text} for n, text in enumerate(TESTS)])
    texts = [NEW[1], NEW[1], None, TESTS[0], NEW[1], TESTS[0]]
    parquet.write_table(pa.table({"question": texts}), tmp_path / "train.parquet")
    given = ("--problems", tmp_path / "train.parquet", "--field", "question")
    pairs = ("--embedder", "ngrams", "--top", 1, "--output", tmp_path / "pairs.jsonl")
    reply = run_script("find_similar", *given, "--benchmarks", tmp_path / "mini.jsonl", *pairs)
    assert "2 pairs of 2 new and 2 test problems" in reply.stdout, reply.stderr
    decided = ("--similar", tmp_path / "pairs.jsonl", "--similarity", 0.9, "--benchmarks", "mini")
    reply = run_script("decontaminate_problems", *given, *decided, "--output", tmp_path / "clean.jsonl")
    assert reply.returncode == 0, reply.stderr
    assert list(read_rows(tmp_path / "clean.jsonl")) == [{"id": "1", "problem": NEW[1]}]
    assert json.loads((tmp_path / "clean.counts.json").read_text())["by_benchmark"] == {"mini": 1}
    reply = run_script("find_similar", *given[:-1], "problem", "--benchmarks", tmp_path / "mini.jsonl", *pairs)
    assert reply.returncode == 2 and "no such field" in reply.stderr


def same(question: str) -> str:
    """A judge that sees apples, is unsure of circles, and reads the first problem only."""
    first = question.partition("Problem A:")[2].partition("Problem B:")[0]
    if "circle" in first:
        return "Hard to say."
    return (
        "Judgement: Yes" if "apples" in first and "apples" in question.partition("Problem B:")[2] else "Judgement: No"
    )


@pytest.mark.parametrize("way", [(), ("--mode", "batch", "--poll-seconds", "0.05")], ids=["online", "batch"])
def test_a_judge_is_asked_once_ever_within_its_budget_and_may_be_replayed(tmp_path, way):
    write_rows(tmp_path / "mini.jsonl", [{"id": f"t-{n}", "problem": text} for n, text in enumerate(TESTS)])
    problems = [{"id": f"n-{n}", "problem": text} for n, text in enumerate([NEW[0], NEW[1], TESTS[1]])]
    write_rows(tmp_path / "new.jsonl", problems)
    pairs = tmp_path / "pairs.jsonl"
    options = ("--benchmarks", tmp_path / "mini.jsonl", "--embedder", "ngrams", "--top", 2, "--output", pairs)
    assert run_script("find_similar", "--problems", tmp_path / "new.jsonl", *options).returncode == 0

    def judge(server, *more):
        return run_script(
            *("judge_answers", "--input", pairs, "--output", tmp_path / "same.jsonl", "--judge", "j"),
            *("--store", tmp_path / "store", "--prompt", ROOT / "config/prompts/judge-same-problem.yaml"),
            *("--base-url", server.base_url if server else "http://127.0.0.1:9/v1", "--model", "j-1"),
            *("--api-key-env", "JUDGE_KEY", "--prices", 1, 10, "--tries-unparsed", 1, *more),
            environment={"JUDGE_KEY": SECRET},
        )

    with judge_server(same) as server:
        reply = judge(server, *way, "--budget-usd", 0.000001)
        assert reply.returncode == 2 and "budget_usd" in reply.stderr, reply.stderr
        paid = server.batches.asked if way else server.bodies
        assert not paid and not (tmp_path / "same.jsonl").exists()
        for _ in range(2):
            reply = judge(server, *way)
            assert reply.returncode == 0, reply.stderr
            assert len(paid) == 10  # 3 x 2 pairs in both orders; the two rows of the same text need no call
    assert judge(None, "--replay").returncode == 0
    verdicts = {row["id"]: row["judge_verdict"] for row in read_rows(tmp_path / "same.jsonl")}
    assert verdicts["n-0 mini t-0 new first"] == verdicts["n-0 mini t-0 test first"] == "yes"
    assert verdicts["n-1 mini t-1 new first"] == "no" and verdicts["n-1 mini t-1 test first"] == "unparsed"
    clean = ("--similar", tmp_path / "same.jsonl", "--benchmarks", "mini", "--output", tmp_path / "clean.jsonl")
    assert run_script("decontaminate_problems", "--problems", tmp_path / "new.jsonl", *clean).returncode == 0
    assert [row["id"] for row in read_rows(tmp_path / "clean.jsonl")] == ["n-1"]
    counts = json.loads((tmp_path / "clean.counts.json").read_text())
    assert (counts["pairs"], counts["contaminated"], counts["undecided"]) == (6, 2, 1)
    assert counts["unparsed"] == list(verdicts.values()).count("unparsed") == 3


def test_an_embedder_that_is_not_there_is_one_message(tmp_path):
    write_rows(tmp_path / "new.jsonl", [{"id": "n", "problem": "x"}])
    options = ("--problems", tmp_path / "new.jsonl", "--benchmarks", tmp_path / "new.jsonl")
    reply = run_script("find_similar", *options, "--embedder", tmp_path / "none", "--output", tmp_path / "pairs.jsonl")
    assert reply.returncode == 2
    assert "sentence-transformers is not installed" in reply.stderr or "Cannot load the embedder" in reply.stderr
