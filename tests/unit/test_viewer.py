"""The viewer's data, and that its KaTeX is the released one."""

import base64
import gzip
import hashlib
import json
import re

import pytest
from unit.judging_cases import write

from openmath.grading.table import grade_files
from openmath.report import viewer
from openmath.report.section import Section
from openmath.report.viewer import (
    CORRECT,
    DISAGREE,
    KATEX,
    MAX_TEXT,
    NO_ANSWER,
    REFUSED,
    TRUNCATED,
    UNFINISHED,
    SampleSet,
    katex_styles,
    samples_section,
)

# katex 0.19.1 of the npm registry; the files of its dist/ and its LICENSE, unchanged.
KATEX_FILES = "cd4fd0a37907acc882f82e99ebe3302feab92370e7d543a40c848ec70f6593b2"


def packed(section: Section) -> dict[str, str]:
    """Name -> data block as it stands in the page."""
    block = r'<script type="text/plain" data-block="([^"]+)">([A-Za-z0-9+/=]*)</script>'
    return dict(re.findall(block, section.html))


def blocks_of(*sets: SampleSet) -> dict:
    """Name -> content of the data blocks."""
    texts = packed(samples_section(sets))
    return {name: json.loads(gzip.decompress(base64.b64decode(text))) for name, text in texts.items()}


def test_katex_is_the_release():
    listing = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(KATEX)}\n"
        for path in sorted(KATEX.rglob("*"))
        if path.is_file()
    )
    assert hashlib.sha256(listing.encode()).hexdigest() == KATEX_FILES, listing


def test_styles_hold_their_fonts():
    css = katex_styles()
    assert css.count("data:font/woff2;base64,") == 20
    assert not re.search(r"url\((?!data:)", css)


def test_data_cannot_leave_its_block(tmp_path):
    texts = ["</script><script>x</script>\ud800 \\boxed{2}", "y" * (MAX_TEXT + 7)]
    files = {run: tmp_path / f"output-{run}.jsonl" for run in ("greedy", "rs0", "rs1")}
    for path in files.values():
        rows = [
            {"id": f"<{n}>", "problem": "1+1?", "expected_answer": "2", "generation": text}
            for n, text in enumerate(texts)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    grades = tmp_path / "grades.parquet"
    grade_files(list(files.values()), grades, processes=1)
    sets = [SampleSet(model, "b", files["greedy"], grades, files) for model in ("m", "n")]
    section = samples_section(sets)
    blocks = packed(section)
    assert section.html.count("<script") == section.html.count("</script>") == len(blocks)
    assert [name for name in blocks if name.startswith("problems/")] == ["problems/0/index", "problems/0/0"]  # shared
    shown = blocks_of(*sets)
    assert shown["index/1"]["flags"] == {"greedy": [1, 4], "majority": [1, 4]}
    first, second = shown["texts/0/0"]
    assert first["greedy"]["text"] == "</script><script>x</script>\ufffd \\boxed{2}"
    assert first["votes"]["candidates"] == [["2", 2, 1.0]] and second["votes"]["unanswered"] == 2
    half = "y" * (MAX_TEXT // 2)
    assert second["majority"]["text"] == f"{half}\n[... 7 characters left out ...]\n{half}"
    assert samples_section(sets).html == section.html


def test_votes_are_sorted_and_counted_and_judges_that_differ_are_flagged(tmp_path):
    answers = [*range(10), *range(10), 9]  # of 21 runs; 9 has most votes
    problem = {"id": "p", "problem": "?", "expected_answer": "9"}
    files = {f"rs{n}": tmp_path / f"output-rs{n}.jsonl" for n in range(len(answers))}
    for path, answer in zip(files.values(), answers, strict=True):
        path.write_text(json.dumps(problem | {"generation": f"\\boxed{{{answer}}}"}) + "\n")
    grade_files(list(files.values()), tmp_path / "grades.parquet", processes=1)

    def section(verdict: str) -> dict:
        judged = tmp_path / "majority.jsonl"
        judged.write_text(json.dumps(problem | {"judge_verdict": verdict, "judgement": "..."}) + "\n")
        verdicts = {"judge": {"majority": judged}}
        return blocks_of(SampleSet("m", "b", files["rs0"], tmp_path / "grades.parquet", files, verdicts))

    shown = section("yes")
    [text] = shown["texts/0/0"]
    assert text["majority"]["run"] == "rs9" and text["votes"]["total"] == 21 and not text["votes"]["tied"]
    assert [candidate[:2] for candidate in text["votes"]["candidates"]] == [["9", 3]] + [[str(n), 2] for n in range(7)]
    assert text["votes"]["others"] == [2, 4] and text["votes"]["unanswered"] == 0
    flags = [section(verdict)["index/0"]["flags"]["majority"] for verdict in ("yes", "no", "unparsed")]
    assert flags == [[CORRECT], [CORRECT | DISAGREE], [CORRECT | DISAGREE]]


def test_a_reply_without_a_verdict_disagrees_with_a_wrong_answer_too(tmp_path):
    problem = {"id": "p", "problem": "?", "expected_answer": "9"}
    greedy, judged = tmp_path / "output-greedy.jsonl", tmp_path / "greedy.jsonl"
    greedy.write_text(json.dumps(problem | {"generation": "\\boxed{8}"}) + "\n")
    judged.write_text(json.dumps(problem | {"judge_verdict": "unparsed", "judgement": "..."}) + "\n")
    grade_files([greedy], tmp_path / "grades.parquet", processes=1)
    verdicts = {"judge": {"greedy": judged}}
    one = SampleSet("m", "b", greedy, tmp_path / "grades.parquet", {"greedy": greedy}, verdicts)
    assert blocks_of(one)["index/0"]["flags"] == {"greedy": [DISAGREE]}


def test_a_refused_question_shows_the_servers_words(tmp_path):
    problem = {"id": "p", "problem": "?", "expected_answer": "9", "generation": "", "predicted_answer": None}
    greedy = tmp_path / "output-greedy.jsonl"
    greedy.write_text(json.dumps(problem | {"finish_reason": "refused", "refusal": "HTTP 400: <b>no</b>"}) + "\n")
    grade_files([greedy], tmp_path / "grades.parquet", processes=1)
    shown = blocks_of(SampleSet("m", "b", greedy, tmp_path / "grades.parquet", {"greedy": greedy}))
    assert shown["index/0"]["flags"] == {"greedy": [NO_ANSWER | REFUSED]}
    assert shown["texts/0/0"][0]["greedy"]["refusal"] == "HTTP 400: <b>no</b>"


def test_the_end_of_a_long_text_is_shown():
    text = viewer.LongText.of("head" + "x" * 100_000 + "\\boxed{7}")
    shown = text.shown()
    assert shown.startswith("head") and shown.endswith("\\boxed{7}") and len(shown) < MAX_TEXT + 60
    assert "[... 60,013 characters left out ...]" in shown
    assert viewer.LongText.of("short").shown() == "short" == viewer.cut("short")


@pytest.mark.parametrize("lengths", [[10, 20], [50, 60], [10, 80], [200, 200, 3], [30_000, 100]], ids=str)
def test_all_texts_of_a_set_fit_into_its_part_of_the_page(monkeypatch, lengths):
    monkeypatch.setattr(viewer, "MAX_SET", 100)
    samples = viewer.fitted([{"run": "rs0", "text": viewer.LongText.of("x" * length)} for length in lengths])
    left = [sample["text"].count("x") for sample in samples]
    assert sum(left) <= 100 and all(sample["run"] == "rs0" for sample in samples)
    if sum(lengths) > 100:
        assert sum(left) > 100 - 2 * len(lengths), "and no shorter than they have to be"
        assert left[lengths.index(min(lengths))] >= min(*lengths, 100 // len(lengths) - 1), (
            "the long ones are cut first"
        )
    assert viewer.fitted([{"text": None}]) == [{"text": None}]


def test_only_the_rows_that_are_shown_are_read(tmp_path, monkeypatch):
    texts = [f"a \\boxed{{{n}}}" for n in range(3)]
    rows = [
        {"id": f"p-{n}", "problem": "p", "expected_answer": str(n), "generation": text} for n, text in enumerate(texts)
    ]
    path = write(tmp_path / "output-rs0.jsonl", rows)
    grade_files([path], tmp_path / "grades/b.parquet", processes=1)
    samples = viewer.SampleSet("m", "b", path, tmp_path / "grades/b.parquet", {"rs0": path})
    with monkeypatch.context() as patch:
        patch.setattr(viewer, "read_rows", None)
        assert list(samples.rows("rs0", [0, 2])) == [(0, rows[0]), (2, rows[2])]
    write(path, [rows[0] | {"generation": "another"}, *rows[1:]])
    assert [row["generation"] for _, row in samples.rows("rs0", [0, 2])] == ["another", texts[2]]


def test_a_thought_is_apart_and_bounded(tmp_path):
    """Of a text with marks, of one that the server kept apart, and one that never ends."""
    said = [
        {
            "generation": "<think>" + "a" * MAX_TEXT + "</think>\\boxed{2}",
            "num_reasoning_tokens": 7,
            "num_generated_tokens": 9,
        },
        {"generation": "\\boxed{2}", "reasoning": "1+1"},
        {"generation": "<think>1+1", "finish_reason": "length"},
    ]
    path, grades = tmp_path / "output-greedy.jsonl", tmp_path / "grades.parquet"
    rows = [{"id": str(n), "problem": "1+1?", "expected_answer": "2", **row} for n, row in enumerate(said)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    grade_files([path], grades, processes=1)
    shown = blocks_of(SampleSet("m", "b", path, grades, {"greedy": path}))
    marked, apart, unfinished = (row["greedy"] for row in shown["texts/0/0"])
    assert (marked["text"], marked["thought_tokens"]) == ("\\boxed{2}", 7)
    assert marked["thought"].startswith("<think>aaa") and len(marked["thought"]) < MAX_TEXT + 40
    assert (apart["text"], apart["thought"], unfinished["text"], unfinished["thought"]) == (
        "\\boxed{2}",
        "1+1",
        "",
        "<think>1+1",
    )
    assert shown["index/0"]["flags"]["greedy"] == [CORRECT, CORRECT, NO_ANSWER + TRUNCATED + UNFINISHED]
