"""The viewer's data, and that its KaTeX is the released one."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from unit.judging_cases import write

from openmath.errors import InputError
from openmath.grading.table import grade_files
from openmath.report import sample_files, sample_sets, viewer
from openmath.report.sample_blocks import (
    CORRECT,
    DISAGREE,
    MAX_SET,
    NO_ANSWER,
    REFUSED,
    SOLVED,
    TRUNCATED,
    UNFINISHED,
)
from openmath.report.sample_files import read_block, read_sets, write_samples
from openmath.report.sample_sets import SampleSet
from openmath.report.sample_texts import MAX_TEXT, LongText, cut, fitted
from openmath.report.section import Section
from openmath.report.viewer import KATEX, katex_styles, samples_section

# katex 0.19.1 of the npm registry; the files of its dist/ and its LICENSE, unchanged.
KATEX_FILES = "cd4fd0a37907acc882f82e99ebe3302feab92370e7d543a40c848ec70f6593b2"


def packed(section: Section) -> dict[str, str]:
    """Name -> data block as it stands in the page."""
    block = r'<script type="text/plain" data-block="([^"]+)">([A-Za-z0-9+/=]*)</script>'
    return dict(re.findall(block, section.html))


def unpacked(text: str):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def blocks_of(sample_set: SampleSet) -> dict:
    """Name -> content of the blocks that are written of a set."""
    folder = sample_set.grades.parent / "data"
    write_samples([sample_set], folder, "default")
    names = [path.stem for path in (folder / sample_set.benchmark).glob("*.js")]
    return {name: unpacked(read_block(folder / sample_set.benchmark, name)) for name in names}


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
    for model in ("m", "n"):
        one = SampleSet(model, "b", files["greedy"], grades, files)
        write_samples([one], tmp_path / f"results/{model}", "default")
    folders, page = [tmp_path / "results/m", tmp_path / "results/n"], tmp_path / "report.html"
    section = samples_section(folders, page)
    blocks = packed(section)
    assert section.html.count("<script") == section.html.count("</script>") == len(blocks)
    shared = [name for name in blocks if "/problems-" in name]
    assert shared == ["results/m/b/problems-index", "results/m/b/problems-0"]
    assert unpacked(blocks["results/n/b/index"])["flags"] == {"greedy": [65, 4], "majority": [65, 4]}
    first, second = unpacked(blocks["results/m/b/texts-0"])
    assert first["greedy"]["text"] == "</script><script>x</script>\ufffd \\boxed{2}"
    assert first["votes"]["candidates"] == [["2", 2, 1.0]] and second["votes"]["unanswered"] == 2
    half = "y" * (MAX_TEXT // 2)
    assert second["majority"]["text"] == f"{half}\n[... 7 characters left out ...]\n{half}"
    assert samples_section(folders, page).html == section.html
    beside = (tmp_path / "results/m/b/seeds-0-0.js").read_text()
    assert re.fullmatch(r'openmathSamples\("[A-Za-z0-9+/=]+"\);\n', beside), "a script that says one string"


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
    [text] = shown["texts-0"]
    assert text["majority"]["run"] == "rs9" and text["votes"]["total"] == 21 and not text["votes"]["tied"]
    assert [candidate[:2] for candidate in text["votes"]["candidates"]] == [["9", 3]] + [[str(n), 2] for n in range(7)]
    assert text["votes"]["others"] == [2, 4] and text["votes"]["unanswered"] == 0
    flags = [section(verdict)["index"]["flags"]["majority"] for verdict in ("yes", "no", "unparsed")]
    assert flags == [[CORRECT | SOLVED | differs] for differs in (0, DISAGREE, DISAGREE)]


def test_a_reply_without_a_verdict_disagrees_with_a_wrong_answer_too(tmp_path):
    problem = {"id": "p", "problem": "?", "expected_answer": "9"}
    greedy, judged = tmp_path / "output-greedy.jsonl", tmp_path / "greedy.jsonl"
    greedy.write_text(json.dumps(problem | {"generation": "\\boxed{8}"}) + "\n")
    judged.write_text(json.dumps(problem | {"judge_verdict": "unparsed", "judgement": "..."}) + "\n")
    grade_files([greedy], tmp_path / "grades.parquet", processes=1)
    verdicts = {"judge": {"greedy": judged}}
    one = SampleSet("m", "b", greedy, tmp_path / "grades.parquet", {"greedy": greedy}, verdicts)
    assert blocks_of(one)["index"]["flags"] == {"greedy": [DISAGREE]}


def test_a_refused_question_shows_the_servers_words(tmp_path):
    problem = {"id": "p", "problem": "?", "expected_answer": "9", "generation": "", "predicted_answer": None}
    greedy = tmp_path / "output-greedy.jsonl"
    greedy.write_text(json.dumps(problem | {"finish_reason": "refused", "refusal": "HTTP 400: <b>no</b>"}) + "\n")
    grade_files([greedy], tmp_path / "grades.parquet", processes=1)
    shown = blocks_of(SampleSet("m", "b", greedy, tmp_path / "grades.parquet", {"greedy": greedy}))
    assert shown["index"]["flags"] == {"greedy": [NO_ANSWER | REFUSED]}
    assert shown["texts-0"][0]["greedy"]["refusal"] == "HTTP 400: <b>no</b>"


def test_the_end_of_a_long_text_is_shown():
    text = LongText.of("head" + "x" * 100_000 + "\\boxed{7}")
    shown = text.shown()
    assert shown.startswith("head") and shown.endswith("\\boxed{7}") and len(shown) < MAX_TEXT + 60
    assert "[... 60,013 characters left out ...]" in shown
    assert LongText.of("short").shown() == "short" == cut("short")


@pytest.mark.parametrize("lengths", [[10, 20], [50, 60], [10, 80], [200, 200, 3], [30_000, 100]], ids=str)
def test_all_texts_of_a_set_fit_into_its_part_of_the_page(lengths):
    samples = fitted([{"run": "rs0", "text": LongText.of("x" * length)} for length in lengths], 100)
    left = [sample["text"].count("x") for sample in samples]
    assert sum(left) <= 100 and all(sample["run"] == "rs0" for sample in samples)
    if sum(lengths) > 100:
        assert sum(left) > 100 - 2 * len(lengths), "and no shorter than they have to be"
        assert left[lengths.index(min(lengths))] >= min(*lengths, 100 // len(lengths) - 1), (
            "the long ones are cut first"
        )
    assert fitted([{"text": None}], MAX_SET) == [{"text": None}]


def test_only_the_rows_that_are_shown_are_read(tmp_path, monkeypatch):
    texts = [f"a \\boxed{{{n}}}" for n in range(3)]
    rows = [
        {"id": f"p-{n}", "problem": "p", "expected_answer": str(n), "generation": text} for n, text in enumerate(texts)
    ]
    path = write(tmp_path / "output-rs0.jsonl", rows)
    grade_files([path], tmp_path / "grades/b.parquet", processes=1)
    samples = SampleSet("m", "b", path, tmp_path / "grades/b.parquet", {"rs0": path})
    with monkeypatch.context() as patch:
        patch.setattr(sample_sets, "read_rows", None)
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
    marked, apart, unfinished = (row["greedy"] for row in shown["texts-0"])
    assert (marked["text"], marked["thought_tokens"]) == ("\\boxed{2}", 7)
    assert marked["thought"].startswith("<think>aaa") and len(marked["thought"]) < MAX_TEXT + 40
    assert (apart["text"], apart["thought"], unfinished["text"], unfinished["thought"]) == (
        "\\boxed{2}",
        "1+1",
        "",
        "<think>1+1",
    )
    assert shown["index"]["flags"]["greedy"] == [CORRECT + SOLVED, CORRECT + SOLVED, NO_ANSWER + TRUNCATED + UNFINISHED]


def seeds_of(count: int, problems: int, folder: Path, text: str = "\\boxed{{{0}}}") -> SampleSet:
    """A set of `count` runs whose answer is their seed; every reference is 1."""
    files = {f"rs{n}": folder / f"output-rs{n}.jsonl" for n in range(count)}
    for n, path in enumerate(files.values()):
        row = {"problem": "?", "expected_answer": "1", "generation": text.format(n), "num_generated_tokens": n}
        write(path, [row | {"id": str(number)} for number in range(problems)])
    grade_files(list(files.values()), folder / "grades.parquet", processes=1)
    return SampleSet("m", "b", files["rs0"], folder / "grades.parquet", files)


def test_all_seeds_lie_beside_the_page_in_groups_and_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_files, "GROUP", 2)
    monkeypatch.setattr(sample_files, "CHUNK", 500)
    blocks = blocks_of(seeds_of(3, 7, tmp_path))
    [entry] = read_sets(tmp_path / "data")
    assert [group["runs"] for group in entry["seeds"]] == [["rs0", "rs1"], ["rs2"]]
    assert not [name for name in entry["names"] if name.startswith("seeds")], "never in the page"
    for number in range(7):
        found = []
        for place, group in enumerate(entry["seeds"]):
            assert 1 <= group["problems"] < 7
            block = blocks[f"seeds-{place}-{number // group['problems']}"]
            found += block[number % group["problems"]]
        assert [(one["answer"], one["tokens"], one["flags"] & CORRECT) for one in found] == [
            ("0", 0, 0), ("1", 1, CORRECT), ("2", 2, 0)
        ]  # fmt: skip


def test_a_chunk_of_seeds_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_files, "MAX_CHUNK", 300)
    blocks = blocks_of(seeds_of(4, 2, tmp_path, "x" * 90 + "\\boxed{{{0}}}"))
    texts = [one["text"] for row in blocks["seeds-0-0"] for one in row]
    assert len(texts) == 8 and sum(text.count("x") for text in texts) <= 300 and "left out" in texts[0]


def test_one_sampled_run_has_no_seeds_and_a_short_file_is_named(tmp_path):
    assert not [name for name in blocks_of(seeds_of(1, 2, tmp_path)) if name.startswith("seeds")]
    short = seeds_of(2, 3, tmp_path)
    write(short.samples["rs1"], [])
    with pytest.raises(InputError, match=r"(?s)ends before its grades.*output-rs1\.jsonl"):
        list(sample_files.problem_samples(short, sample_files.read_grades(short.grades)))


def test_a_page_of_too_many_samples_reads_them_from_beside(tmp_path, monkeypatch):
    write_samples([seeds_of(2, 3, tmp_path)], tmp_path / "m", "default")
    [entry] = read_sets(tmp_path / "m")
    for limit, inside in ((entry["characters"], True), (entry["characters"] - 1, False)):
        monkeypatch.setattr(viewer, "MAX_PAGE", limit)
        blocks = packed(samples_section([tmp_path / "m"], tmp_path / "page.html"))
        assert len(blocks) == 1 + inside * len(entry["names"])
        [one] = unpacked(blocks["sets"])["sets"]
        assert (one["place"], one["problems"]) == ("m/b", "m/b")
    (tmp_path / "m/b/index.js").write_text("alert(1)")
    with pytest.raises(InputError, match="not a block"):
        read_block(tmp_path / "m/b", "index")


def test_solved_is_as_the_tables_count(tmp_path):
    """Of two answers that tie one is right: half a credit, which comparisons call solved, whichever is shown."""
    tied = seeds_of(2, 1, tmp_path)
    assert blocks_of(tied)["index"]["flags"]["majority"] == [SOLVED], "0 is shown, which is wrong"
    write_samples([tied], tmp_path / "paper", "paper")
    assert unpacked(read_block(tmp_path / "paper/b", "index"))["flags"]["majority"] == [0], "the first seen counts"
