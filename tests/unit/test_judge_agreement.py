"""Several judges on the same answers."""

import pandas
import pytest
from unit.judge_server import judge_server
from unit.judging_cases import different_rows, write
from unit.test_judging import judge
from unit.test_parameters import gemini

import compare_judges as compare_judges_script
from openmath.errors import InputError
from openmath.files.rows import read_rows, write_rows
from openmath.judging.agreement import compare_judges, disagreements
from openmath.judging.exchange import export_verdicts
from openmath.judging.stored_judgements import stored_judgements


def judged(verdicts: str, prefilled: int = 0) -> list[dict]:
    """Rows from letters (y, n, u); the first `prefilled` of them needed no call."""
    words = {"y": "yes", "n": "no", "u": "unparsed"}
    return [
        {
            "id": str(number),
            "problem": f"p{number}",
            "predicted_answer": "1",
            "expected_answer": "2",
            "judgement": f"Judgement: {words[letter]}",
            "judge_verdict": words[letter],
            "judge_prefilled": "identical" if number < prefilled else None,
        }
        for number, letter in enumerate(verdicts)
    ]


def test_agreement_and_kappa_are_taken_where_both_judges_could_differ():
    (row,) = compare_judges({"a": judged("yyyynnnnu", 2), "b": judged("yyyynynny", 2)})
    assert (row["n"], row["n_asked"], row["unparsed_a"], row["unparsed_b"]) == (9, 6, 1, 0)
    assert (row["accuracy_a"], row["accuracy_b"]) == pytest.approx((4 / 9, 6 / 9))
    assert (row["agreement"], row["agreement_asked"]) == pytest.approx((7 / 8, 5 / 6))
    # Of the 6 asked a says yes 2, b 3 times: chance 1/3 x 1/2 + 2/3 x 1/2 = 1/2, kappa (5/6 - 1/2) / (1 - 1/2) = 2/3.
    assert row["kappa"] == pytest.approx(2 / 3)


def test_three_judges_make_three_pairs():
    rows = compare_judges({"a": judged("yn"), "b": judged("yn"), "c": judged("ny")})
    assert [(r["judge_a"], r["judge_b"], r["agreement"], r["kappa"]) for r in rows] == [
        ("a", "b", 1.0, 1.0),
        ("a", "c", 0.0, -1.0),
        ("b", "c", 0.0, -1.0),
    ]


def test_nothing_asked_has_no_kappa():
    (row,) = compare_judges({"a": judged("yy", 2), "b": judged("yy", 2)})
    assert (row["n_asked"], row["agreement"], row["agreement_asked"], row["kappa"]) == (0, 1.0, None, None)


def test_disagreements_hold_what_each_judge_said():
    (row,) = disagreements({"a": judged("yun"), "b": judged("yyn")})
    assert row["id"] == "1" and row["verdicts"] == {"a": "unparsed", "b": "yes"}
    assert row["judgements"] == {"a": "Judgement: unparsed", "b": "Judgement: yes"}


def test_judges_of_different_answers_are_not_compared():
    other = judged("yy")
    other[1]["predicted_answer"] = "3"
    with pytest.raises(InputError, match=r"different answers[\s\S]*row 2 of 2 and 2[\s\S]*'1' to 'p1'; '3' to 'p1'"):
        compare_judges({"a": judged("yy"), "b": other})
    with pytest.raises(InputError, match=r"row 2 of 2 and 1[\s\S]*; nothing"):
        compare_judges({"a": judged("yy"), "b": judged("y")})


def test_a_word_that_is_no_verdict_is_not_counted_as_no():
    rows = judged("yy")
    rows[1]["judge_verdict"] = "Yes"
    with pytest.raises(InputError, match=r"b, row 2: judge_verdict[\s\S]*yes, no, unparsed[\s\S]*'Yes'"):
        compare_judges({"a": judged("yy"), "b": rows})


def test_answers_of_two_models_are_not_mixed(tmp_path, call):
    files = [tmp_path / f"{model}/judged/{judge}/b/greedy.jsonl" for judge in ("a", "b") for model in ("m", "n")]
    for path in files:
        write_rows(path, judged("yn"))
    with pytest.raises(InputError, match="Two files are by one judge"):
        call(compare_judges_script, "--judges", "a", "b", "--judged", *files, "--output", tmp_path / "agreement.md")


def test_judges_stand_in_the_order_they_are_named_in(tmp_path, call):
    files = [tmp_path / f"{judge}/b/greedy.jsonl" for judge in ("a", "b", "c")]
    for path in files:
        write_rows(path, judged("yn"))
    call(compare_judges_script, "--judges", "c", "a", "b", "--judged", *files, "--output", tmp_path / "agreement.md")
    pairs = pandas.read_csv(tmp_path / "agreement.csv")[["judge_a", "judge_b"]].values.tolist()
    assert pairs == [["c", "a"], ["c", "b"], ["a", "b"]]


def test_flips_are_counted_from_the_first_judge_to_the_second():
    (row,) = compare_judges({"old": judged("yyyynnu"), "new": judged("nyyyyyy")})
    assert (row["yes_to_no"], row["no_to_yes"]) == (1, 2) and row["accuracy_change"] == pytest.approx(2 / 7)


def test_two_stores_are_compared_on_the_questions_that_both_were_asked(tmp_path, call):
    """The new judge refuses a temperature and was asked one question less; a question that the old one left without a verdict."""
    rows = different_rows(5)
    write(tmp_path / "bench.jsonl", rows[:4])

    def old(question):
        return "Hard to say." if "p4" in question or "Problem:" not in question else "Judgement: Yes"

    for name, reply, refuse, asked in (
        ("old", old, lambda request: None, rows),
        ("new", lambda question: "Judgement: No" if "p1" in question else "Judgement: Yes", gemini, rows[1:]),
    ):
        with judge_server(reply) as server:
            server.refuse = refuse
            assert judge(tmp_path, server, "--store", tmp_path / name, rows=asked).returncode == 0
    options = ("--stores", tmp_path / "old", tmp_path / "new", "--benchmarks", tmp_path / "bench.jsonl")
    said = call(compare_judges_script, *options, "--output", tmp_path / "agreement.md")
    assert "different questions that were asked: old 5, new 4; both 4, which are compared" in said
    table = pandas.read_csv(tmp_path / "agreement.csv").set_index("benchmark")
    assert list(table["n"]) == [3, 1] and list(table.index) == ["bench", "other"]
    assert (table.yes_to_no["bench"], table.no_to_yes["bench"]) == (1, 0)
    assert table.accuracy_change["bench"] == pytest.approx(-1 / 3) and table.unparsed_a["other"] == 1
    assert "judge_a" in (tmp_path / "agreement.md").read_text()


def test_what_somebody_ships_is_a_file_of_questions_for_another_judge(tmp_path):
    with judge_server() as server:
        assert judge(tmp_path, server, rows=different_rows(3)).returncode == 0
        export_verdicts(tmp_path / "store", tmp_path / "shipped.jsonl")
        shipped = [row for row in read_rows(tmp_path / "shipped.jsonl") if "key" in row]
        assert judge(tmp_path, server, "--model", "judge-2", "--store", tmp_path / "new", rows=shipped).returncode == 0
    assert [body["model"] for body in server.bodies] == ["judge-1"] * 3 + ["judge-2"] * 3
    assert stored_judgements(tmp_path / "store") == stored_judgements(tmp_path / "new")


def test_questions_under_other_settings_are_spoken_of(tmp_path, capsys):
    with judge_server() as server:
        judge(tmp_path, server, rows=different_rows(3))
        judge(tmp_path, server, "--model", "judge-2", rows=different_rows(5)[3:])
    assert len(stored_judgements(tmp_path / "store")) == 3
    assert "2 questions are not compared, as they were asked under other settings" in capsys.readouterr().out


def test_stores_without_a_shared_question_are_one_message(tmp_path, call):
    with pytest.raises(InputError, match="The store holds no verdicts"):
        call(compare_judges_script, "--stores", tmp_path / "a", tmp_path / "b", "--output", tmp_path / "agreement.md")
