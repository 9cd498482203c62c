"""Where a thought ends: the marks, the rows, and that every stage reads the same."""

import json

import pandas
import pytest
from unit.judging_cases import PROMPT

import fill_majority
import grade_answers
import judge_answers
import summarize_results
from openmath.answers import answer_of, is_unfinished
from openmath.files.rows import read_rows, write_rows
from openmath.results.cut_short import cut_short_warning
from openmath.thoughts import USUAL_MARKS, Marks, answer_start, marks_in, opened_by, thought_and_answer, tokens_in

BOX = r"\boxed{%d}"
# Text, what of it is the answer; None: the thought never ends.
TEXTS = [
    ("So it is \\boxed{4}.", "So it is \\boxed{4}."),
    ("", ""),
    ("<think>4?</think>5", "5"),
    ("4?</think>5", "5"),  # the template has opened it
    ("<think>4?", None),
    ("Well. <think>4?", None),
    ("<think>a</think>4<think>b</think>5", "5"),  # several thoughts
    ("<think>a</think>4<think>b", None),
    ("<think>a<think>b</think>4", "4"),  # a start mark inside a thought is a word of it
    ("<think>a</think>b</think>4", "4"),  # so is an end mark that more text and the real one follow
    ("<think>a</think>4</think>", "4</think>"),  # models close twice
    ("<think>a</think>4</think>\n</think> ", "4</think>\n</think> "),
    ("a</think>4</think>", "4</think>"),
    ("<think>a</think>", ""),
    ("a</think>", ""),
    ("<think>a</think>4<think>b</think>", ""),
    ("<think></think></think>", ""),
    ("<think>the other's [/THINK] and <thinking></think>4", "4"),  # the first marks are the model's
    ("[THINK]a[/THINK]4 </think>", "4 </think>"),
    ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>4", "4"),
    ("<|channel|>analysis<|message|>a", None),
    ("analysisIt is 4.assistantfinalIt is 4.", "It is 4."),  # special tokens left out
    ("<|channel>thought\na<channel|>4", "4"),
    ("◁think▷a◁/think▷4", "4"),
    ("I think that 3 < 4 and 5 > 4, [think] so.", "I think that 3 < 4 and 5 > 4, [think] so."),
]


@pytest.mark.parametrize(("text", "answer"), TEXTS)
def test_where_an_answer_begins(text, answer):
    start = answer_start(text)
    assert (None if start is None else text[start:]) == answer


@pytest.mark.parametrize("marks", dict.fromkeys(USUAL_MARKS))
def test_every_usual_mark_is_known_wherever_it_stands(marks):
    thought = f"{marks.start}It is 3.{marks.end}"
    assert answer_start(thought + "4") == len(thought)
    assert answer_start(thought.removeprefix(marks.start) + "4", opened=True) == len(thought) - len(marks.start)
    assert answer_start(marks.start + "It is 3.") is None and answer_start("Well. " + marks.start) is None
    assert opened_by(f"<user>4?<assistant>{marks.start}\n").start == marks.start
    assert opened_by(f"{marks.start}\n\n{marks.end}\n\n") is None  # a template that lets the model not think


def test_a_prompt_that_opens_a_thought_leaves_the_end_mark_only():
    assert answer_start("It is \\boxed{3}.", opened=True) is None
    assert answer_start("3</think>4", opened=True) == len("3</think>")


def test_what_a_tokenizer_may_know_as_one_token():
    tokens = tokens_in(USUAL_MARKS)
    assert {"[THINK]", "[/THINK]", "<|channel|>", "<|message|>", "<|channel>", "<channel|>", "◁/think▷"} <= {*tokens}
    assert len(tokens) == len({*tokens}) and "assistantfinal" not in tokens
    assert tokens_in([Marks("Thought:", "<answer>")]) == ["<answer>"]


def test_marks_of_ones_own_are_the_only_ones():
    mine = Marks("BEGIN", "END")
    assert answer_start("BEGIN <think>3 END 4", mine) == len("BEGIN <think>3 END")
    assert answer_start("<think>3</think>4", mine) == 0


def test_time_is_linear():
    for text in (
        "</think>" * 50_000,
        "<think>" * 50_000,
        "<" * 400_000,
        "</think> \n" * 40_000 + "4",
        "<think></think>" * 30_000,
    ):
        answer_start(text)
    assert marks_in("< " * 200_000) is None


THINKING = [  # row, its answer, under the paper's policy, whether the thought is unfinished
    ({"generation": "<think>" + BOX % 3 + "</think>" + BOX % 4}, "4", "4", False),
    ({"generation": "<think>" + BOX % 3 + "</think>It is four."}, None, "3", False),
    ({"generation": "<think>" + BOX % 3, "finish_reason": "length"}, None, "3", True),
    ({"generation": BOX % 3, "answer_start": None, "predicted_answer": None}, None, "3", True),
    ({"generation": "a" + BOX % 4, "answer_start": 1, "predicted_answer": "4"}, "4", "4", False),
    ({"generation": BOX % 4, "answer_start": 99}, "4", "4", False),  # behind the end: it says nothing
    ({"generation": BOX % 4, "answer_start": "2"}, "4", "4", False),
    ({"generation": "", "reasoning": BOX % 3, "finish_reason": "length"}, None, None, True),
    ({"generation": None, "num_reasoning_tokens": 99, "finish_reason": "length"}, None, None, True),
    ({"generation": "", "reasoning": BOX % 3, "finish_reason": "stop"}, None, None, False),
    ({"generation": "\n", "finish_reason": "length"}, None, None, False),  # no word of a thought
    ({"generation": "<think>3", "predicted_answer": "7"}, "7", "7", True),  # theirs counts
]


@pytest.mark.parametrize(("row", "answer", "of_paper", "unfinished"), THINKING)
def test_the_answer_of_a_row_with_a_thought(row, answer, of_paper, unfinished):
    assert (answer_of(row), answer_of(row, "paper")) == (answer, of_paper)
    assert is_unfinished(row) == unfinished and not is_unfinished(row, "paper")


@pytest.mark.parametrize("row", [row for row, *_ in THINKING])
def test_the_two_parts_are_all_that_was_said(row):
    thought, answer = thought_and_answer(row)
    assert thought + answer == (row.get("reasoning") or "") + (row["generation"] or "")


def test_every_stage_leaves_the_thought_out(tmp_path, call):
    """Two of four samples have an answer behind their thought, one only in it, one never ends it."""
    texts = [BOX % 4, "<think>" + BOX % 4 + "</think>so", "<think>" + BOX % 4, "<think>9</think>" + BOX % 4]
    rows = [
        {"id": str(n), "problem": f"{n}?", "expected_answer": "4", "generation": text, "finish_reason": "length"}
        for n, text in enumerate(texts)
    ]
    rows[0]["num_generated_tokens"] = rows[3]["num_generated_tokens"] = 30
    rows[3]["num_reasoning_tokens"] = 20
    files = [tmp_path / f"theirs/b/output-{run}.jsonl" for run in ("greedy", "rs0")]
    for file in files:
        write_rows(file, rows)
    grades, majority = tmp_path / "b.parquet", tmp_path / "output-majority.jsonl"
    call(grade_answers, "--samples", *files, "--output", grades, "--processes", 1)
    table = pandas.read_parquet(grades)
    assert table["grade_status"].tolist() == ["ok", "no_answer", "unfinished", "ok"] * 2
    assert table["is_correct"].tolist() == [True, False, False, True] * 2
    assert table["num_reasoning_tokens"].fillna(0).tolist() == [0, 0, 0, 20] * 2
    call(fill_majority, "--grades", grades, "--samples", files[0], "--output", majority)
    assert [row["predicted_answer"] for row in read_rows(majority)] == ["4", None, None, "4"]
    judged = [tmp_path / f"b/{mode}.jsonl" for mode in ("greedy", "majority")]
    judge = ["--judge", "j", "--store", tmp_path / "store", "--prompt", PROMPT, "--model", "j", "--replay"]
    call(judge_answers, "--input", files[0], majority, "--output", *judged, *judge)
    assert [row["judge_prefilled"] for row in read_rows(judged[0])] == [
        "identical",
        "no_answer",
        "no_answer",
        "identical",
    ]
    tables = call(summarize_results, tmp_path / "theirs")
    out = ["--grades", grades, "--output-dir", tmp_path / "out"]
    call(summarize_results, *out)
    assert (tmp_path / "out/tables.txt").read_text().startswith(f"{tables}warning: ")
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert [(row["unfinished"], row["truncated"]) for row in metrics[:2]] == [(0.25, 1), (0.25, 1)]
    assert "unfinished | " in (tmp_path / "out/tables.md").read_text()
    paper = call(summarize_results, tmp_path / "theirs", "--policy", "paper")
    assert "100.00" in paper and "100.00" not in tables


def test_grades_of_models_that_do_not_think_have_no_column_more(tmp_path, call):
    write_rows(tmp_path / "output-rs0.jsonl", [{"problem": "?", "expected_answer": "4", "generation": BOX % 4}])
    call(
        grade_answers, "--samples", tmp_path / "output-rs0.jsonl", "--output", tmp_path / "b.parquet", "--processes", 1
    )
    assert pandas.read_parquet(tmp_path / "b.parquet").columns[-1] == "num_generated_tokens"


def test_runs_that_were_cut_short_are_named_in_one_sentence():
    assert cut_short_warning([("a", []), ("b", [])]) is None
    runs = [("greedy", 0.12), *((f"rs{n}", 0.08) for n in range(4))]
    text = cut_short_warning([("a", []), ("b", runs)])
    assert "(greedy 12%, rs0 8%, rs1 8% and 2 more runs)" in text and "max_new_tokens" in text and "a (" not in text
