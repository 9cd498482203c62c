"""What a judge is asked, how its replies are read, and the store that keeps them."""

import pytest
from unit.judging_cases import PROMPT, SECRET, write

from openmath.errors import InputError
from openmath.judging import parse_verdict
from openmath.judging.endpoints import check_judge_key, replayed_identity
from openmath.judging.questions import PREFILLED, prefilled, question_of, symbolically_equal
from openmath.judging.settings import JudgeSettings, judge_sampling, read_judge_prompt
from openmath.judging.store import VerdictStore


@pytest.mark.parametrize(
    ("text", "default", "paper"),
    [
        ("Same.\nJudgement: Yes", "yes", "yes"),
        ("Judgement: no", "no", "no"),
        ("Judgement: yes.", "yes", "no"),
        ("Judgement: **Yes**", "yes", "no"),
        ("**Judgement:** Yes", "yes", "no"),
        ("**Judgement**: No", "no", "no"),
        ("Judgement: Yes\n\nBecause they agree.", "yes", "no"),
        ("Judgment: Yes", "yes", "no"),
        ("Judgement：Yes", "yes", "no"),
        ("Judgement: \\boxed{Yes}", "yes", "no"),
        ("Judgement: Yes\nno wait\nJudgement: No", "no", "no"),
        ("They differ.\n**No.**", "no", "no"),
        ("Yes", "yes", "no"),
        ("Yes, they are", "unparsed", "no"),
        ("Judgement: Yes\nJudgement: not sure", "unparsed", "no"),
        ("Judgement: Yes/No", "unparsed", "no"),
        ("Judgement: Yes or No", "unparsed", "no"),
        ('I write either "Judgement: Yes" or "Judgement: No".', "unparsed", "no"),
        ('It asks for "Judgement: Yes" or "Judgement: No".\nJudgement: Yes', "yes", "yes"),
        ("Judgement: Not equal", "unparsed", "no"),
        # what a judge thinks is no verdict
        ("<think>So Judgement: Yes.</think>\nI cannot tell.", "unparsed", "no"),
        ("Judgement: Yes? No.</think>\n\nNo", "no", "no"),
        ("<think>Judgement: Yes", "unparsed", "yes"),
        ("The answer holds a <think>.\nJudgement: No", "no", "no"),
        ("", "unparsed", "no"),
    ],
)
def test_verdicts(text, default, paper):
    assert (parse_verdict(text, "default"), parse_verdict(text, "paper")) == (default, paper)


@pytest.mark.parametrize(
    ("predicted", "expected", "default", "paper"),
    [
        (None, "3", "no_answer", "no_answer"),
        (" 4 ", "4", "identical", "identical"),
        ("4", 4, "identical", "identical"),
        ("4", 4.0, "identical", "identical"),
        (4.0, "4", "identical", "identical"),
        (" ", "3", "no_answer", None),
        ("1/2", "0.5", None, None),
    ],
)
def test_prefill(predicted, expected, default, paper):
    question = question_of({"problem": "p", "predicted_answer": predicted, "expected_answer": expected})
    assert (prefilled(question, "default"), prefilled(question, "paper")) == (default, paper)


def test_prefilled_texts_hold_their_verdict():
    verdicts = {reason: (parse_verdict(text), parse_verdict(text, "paper")) for reason, text in PREFILLED.items()}
    assert verdicts == {"no_answer": ("no", "no"), "identical": ("yes", "yes"), "symbolic": ("yes", "yes")}


def test_cascade_takes_the_rows_grade_and_grades_where_there_is_none():
    rows = [{"is_correct": True}, {}, {}, {"is_correct": False}, {"symbolic_correct": True}]
    answers = [("x", "y"), (r"\frac{2}{4}", "0.5"), ("1", "2"), ("1", "1.0"), ("x", "z")]
    questions = [{"problem": "p", "predicted_answer": a, "expected_answer": b} for a, b in answers]
    assert symbolically_equal(rows, questions, "default") == [True, True, False, False, True]


def settings() -> JudgeSettings:
    return JudgeSettings("judge-1", read_judge_prompt(PROMPT), judge_sampling(2048, "default"))


def test_values_are_inserted_as_they_are():
    question = {
        "problem": r"{expected_answer} \frac{1}{2} \1",
        "predicted_answer": "<{problem}>",
        "expected_answer": "<{}>",
    }
    content = settings().messages(question, [])[-1]["content"]
    assert all(value in content for value in question.values())


def test_a_key_changes_with_everything_that_can_change_a_verdict():
    question = {"problem": "p", "predicted_answer": "1", "expected_answer": "2"}
    base = settings()
    other = [
        JudgeSettings("judge-2", base.prompt, base.sampling),
        JudgeSettings("judge-1", {**base.prompt, "user": base.prompt["user"] + " "}, base.sampling),
        JudgeSettings("judge-1", base.prompt, judge_sampling(101, "default")),
        JudgeSettings("judge-1", base.prompt, judge_sampling(2048, "paper")),
    ]
    keys = {base.key(question), base.key(question, 2), *(judge.key(question) for judge in other)}
    keys |= {base.key({**question, field: "3"}) for field in question}
    assert len(keys) == 9
    assert base.key({**question, "id": "x"}) == base.key(question)


def record(key: str, judgement: str = "Judgement: Yes", **more) -> dict:
    return {"key": key, "judgement": judgement, **more}


def test_store_reads_every_writer_and_a_torn_line(tmp_path):
    one, two = VerdictStore(tmp_path), VerdictStore(tmp_path)
    one.add(record("k1"), settings())
    two.add(record("k2"), settings())
    written = sorted(tmp_path.glob("*.jsonl"))
    assert len(written) == 2  # already on disk, one file a writer
    with open(written[0], "ab") as file:
        file.write(b'{"key": "k3", "judg')
    again = VerdictStore(tmp_path)
    assert set(again.records) == {"k1", "k2"}
    assert again.described == {settings().fingerprint: settings().described()}


def test_the_first_of_two_verdicts_stays(tmp_path):
    for number, (asked_at, text) in enumerate([(7, "Judgement: No"), (5, "Judgement: Yes"), (6, "Judgement: No")]):
        write(tmp_path / f"verdicts-{number}.jsonl", [record("k", text, asked_at=asked_at, usd=0.5)])
    write(tmp_path / "import-x.jsonl", [record("other", usd=9.0)])
    store = VerdictStore(tmp_path)
    assert store.records["k"]["judgement"] == "Judgement: Yes"
    assert store.spent == 1.5  # all that was paid from here, and nothing that others have paid


def test_a_missing_key_is_named(monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(InputError, match="SOME_KEY"):
        check_judge_key("SOME_KEY")


def test_a_key_is_cleaned_and_a_broken_one_is_not_repeated(monkeypatch):
    monkeypatch.setenv("SOME_KEY", f"{SECRET}\n")
    assert check_judge_key("SOME_KEY") == SECRET
    for broken in (f"{SECRET}\n{SECRET}", f"Bearer {SECRET}", f"{SECRET}\u00e9"):
        monkeypatch.setenv("SOME_KEY", broken)
        with pytest.raises(InputError, match="SOME_KEY") as error:
            check_judge_key("SOME_KEY")
        assert SECRET not in str(error.value)


def test_a_replay_is_of_the_judge_with_this_sampling(tmp_path):
    store, base = VerdictStore(tmp_path), settings()
    for identity, tokens in (("long", 2048), ("short", 100)):
        judge = JudgeSettings(identity, base.prompt, judge_sampling(tokens, "default"))
        store.add(record(f"k{tokens}"), judge)
    assert replayed_identity(store, tmp_path, base.prompt, judge_sampling(100, "default")) == "short"
    with pytest.raises(InputError, match="which engine is replayed"):
        replayed_identity(store, tmp_path, base.prompt, judge_sampling(7, "default"))
