"""The front page: the sentence of each model, its chart, what it warns of, the health of judges."""

from pathlib import Path

import pytest

from openmath.report.overview import (
    code_marked,
    judge_health,
    masthead,
    overview_section,
    sampling_line,
    sentence,
    warnings,
)
from openmath.report.results import published_table
from openmath.report.summaries import Summary

HOSTILE = "<script>alert(1)</script>"


def mode(benchmark: str, name: str, accuracy: float, n: int = 5000, grading: str = "judge", **more) -> dict:
    row = {"benchmark": benchmark, "mode": name, "n_items": n, "n_samples": int(name.partition("@")[2] or 1)}
    row |= {f"accuracy_{grading}": accuracy, f"ci95_low_{grading}": accuracy - 0.013}
    return row | {f"ci95_high_{grading}": accuracy + 0.013} | more


def published(mode: str, ours: float, theirs: str, verdict: str, **more) -> dict:
    row = {
        "set": "paper",
        "benchmark": "math",
        "mode": mode,
        "grading": "judge",
        "ours": ours,
        "published": float(theirs),
    }
    row |= {
        "ci95_low": ours - 1.3,
        "ci95_high": ours + 1.3,
        "published_text": theirs,
        "verdict": verdict,
        "remarks": "",
    }
    return row | more


def summary(metrics: list[dict], *, model: str = "m", judge: str = "j", **more) -> Summary:
    given = {"tables": "", "published": [], "figures": {}, "figure_tables": {}} | more
    return Summary(model=model, judge=judge, results=Path("results") / model, metrics=metrics, **given)


TWO = [mode("math", "greedy", 0.677), mode("math", "majority@256", 0.761), mode("aime24", "greedy", 0.1, n=30)]


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        ([], "<b>m</b> solves 67.7 % of math greedily, 76.1 % by majority of 256 (judged by j, 5,000 problems)."),
        (
            [published("greedy", 67.7, "68.0", "within")],
            "; 0.3 points below the published 68.0 (paper), within noise.",
        ),
        (
            [published("greedy", 67.7, "51.9", "differs")],
            "; 15.8 points above the published 51.9 (paper), more than noise.",
        ),
        ([published("greedy", 67.7, "67.7", "within")], "; equal to the published 67.7 (paper), within noise."),
        ([published("majority@256", 76.1, "70.0", "differs")], "(judged by j, 5,000 problems)."),
        (
            [published("greedy", 67.7, "60", "differs", grading="symbolic"), published("greedy", 67.7, "68", "within")],
            "; 0.3 points below the published 68 (paper), within noise.",
        ),
    ],
)
def test_a_model_in_one_sentence(theirs, says):
    assert str(sentence(summary(TWO, published=theirs))).endswith(says)


def test_without_a_judge_or_a_greedy_run():
    rows = [mode("math", "majority@4", 0.5, grading="symbolic")]
    text = sentence(summary(rows, judge="none", model=HOSTILE))
    assert "solves 50.0 % of math by majority of 4 (graded symbolically" in text and "<script>" not in text


def test_what_a_reader_has_to_know_first():
    tiny = [row | {"ci95_low_judge": 0.02, "ci95_high_judge": 0.26} if row["n_items"] == 30 else row for row in TWO]
    manifest = {"benchmarks": {"math": {"registered_rows": 5003}, "aime24": {"rows": 30}}}
    manifest["config"] = {"judges": {"j": {"self_hosted": "m"}}}
    health = {"asked": 100, "unparsed": 6 / 5000, "judge_refused": 2, "judge_words": 0}
    tiny[0] |= health
    found = warnings([summary(tiny, manifest=manifest), summary(tiny[:2], model="other")])
    assert found[0] == "aime24 has only 30 problems: intervals reach 16 points to a side."
    assert found[1] == (
        "<b>m, judged by j</b>: 5,000 of the 5,003 problems of math only; the judge is the model itself; "
        "j said neither yes nor no to 6 of 100 answers, which count as wrong; "
        "2 questions were refused by the service of j, their answers count as wrong."
    )
    assert len(found) == 3 and "itself" not in found[2]
    tiny[0] |= {"unparsed": 5 / 5000, "judge_refused": 0}
    assert warnings([summary(tiny[:2])]) == []
    tiny[0] |= {"agreement_asked": 0.15}
    said = "j and the symbolic grading agree on only 15% of the answers that it was asked about"
    assert said in warnings([summary(tiny[:2])])[0]
    tiny[0] |= {"agreement_asked": 0.5}
    assert warnings([summary(tiny[:2])]) == []
    tiny[0] |= {"agreement_asked": 0.15, "asked": 14}  # of which 5 have no verdict
    assert "agree on only" not in str(warnings([summary(tiny[:2])]))
    [imported] = warnings([summary([mode("gsm8k", "greedy", 0.5, n=300)])])
    assert "300 of the 1,319 problems of gsm8k only" in imported
    part = [mode("gsm8k", "greedy", 0.5, n=300)]
    alike, alone = warnings([summary(part), summary([*part, mode("math", "greedy", 0.5, n=400)], model="other")])
    assert alike == "<b>All models</b>: 300 of the 1,319 problems of gsm8k only."
    assert alone == "<b>other, judged by j</b>: 400 of the 5,000 problems of math only."


def test_keys_of_the_configuration_are_shown_as_code():
    assert (
        code_marked("raise `sampling: max_new_tokens` <b>") == "raise <code>sampling: max_new_tokens</code> &lt;b&gt;"
    )


def test_the_agreement_of_a_judge_is_over_answers_that_it_was_asked_about():
    health = {"asked": 10, "unparsed": 4 / 5000, "judge_refused": 1, "judge_words": 0, "agreement": 1.0}
    rows = [mode("math", "greedy", 0.6, agreement_asked=0.5, **health)]
    rows += [
        mode(
            "math",
            "majority@8",
            0.7,
            agreement_asked=None,
            **(health | {"asked": 0, "unparsed": 0.0, "judge_refused": 0}),
        )
    ]
    assert judge_health(summary(rows)) == ["m", "j", "10,000", "10", "4", "1", "50.00"]
    assert judge_health(summary([mode("math", "greedy", 0.6)]))[-1] == ""  # a file that does not say who was asked


def test_the_chart_marks_published_numbers_and_takes_hostile_names_as_text():
    both = [summary(TWO, published=[published("greedy", 67.7, "68.0", "within")]), summary(TWO[:1], model=HOSTILE)]
    html = overview_section(both).html
    assert html.count('class="dot"') == 4 and html.count('class="theirs"') == 1 and 'style="left:68.0%"' in html
    assert "published: 68.0 by paper" in html and "<script>" not in html and 'href="#model-m-j"' in html
    assert "n = 5,000" in html and "n = 30" in html


def test_sampling_version_and_day_stand_at_the_top():
    settings = {"temperature": 0.7, "top_p": 0.95, "max_new_tokens": 2048}
    files = {"math": ["greedy", "rs0", "rs1"]}
    manifest = {"generation": {"settings": [{"settings": settings, "files": files}]}, "times": {"generation": []}}
    manifest["workflow"] = {"version": None, "commit": "0123456789abcdef", "code": "x"}
    one = summary(TWO, manifest=manifest, methods="We evaluated <m>.")
    assert sampling_line(one) == "greedy and 2 samples at temperature 0.7, top-p 0.95; at most 2,048 tokens an answer"
    assert masthead([one]) == "openmath-evaluation 0123456789ab" and masthead([summary(TWO)]) == ""
    manifest["times"]["generation"] = [{"started": 1795999982.1}]
    assert masthead([one]).startswith("30 November 2026, ")
    html = overview_section([one]).html
    assert "Sampling: greedy and 2 samples" in html and "We evaluated &lt;m&gt;." in html


def test_published_numbers_show_each_of_ours_once():
    rows = [published("greedy", 67.7, "68.0", "within"), published("greedy", 67.7, "51.9", "differs", set="recipe")]
    rows[1]["remarks"] = "ours has 5 problems"
    rows += [published("greedy", 66.1, "66.0", "within", set="recipe", grading="symbolic")]
    table = published_table(rows)
    [[benchmark, name, symbolic, theirs, ours, first, second]] = table["published_rows"]
    assert table["published_header"] == [
        "benchmark", "mode", "ours, symbolic", "recipe, symbolic", "ours, judge", "paper, judge", "recipe, judge",
    ]  # fmt: skip
    assert (benchmark, name) == ("math", "greedy") and "66.10" in symbolic and "66.0" in theirs
    assert "67.70" in ours and "68.0" in first and "within" in first
    assert "differs*" in second and table["published_remarks"] == ["ours has 5 problems"]
    assert set(table["published_meanings"]) == set(table["published_header"]) - {"benchmark"}
