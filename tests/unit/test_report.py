"""The report: figures hold what they should, the page takes hostile text as text and lets no foreign script run."""

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pandas
import pytest
from in_process import run_script

from openmath.errors import InputError
from openmath.files.rows import write_rows
from openmath.report.costs import generation_rows, judging_rows
from openmath.report.drawing import draw_curves, draw_lengths, draw_models, nice_ticks
from openmath.report.figure_tables import (
    group_name,
    group_table,
    length_table,
    matrix_table,
    model_rows,
    natural,
    sample_lengths,
)
from openmath.report.overview import overview_section
from openmath.report.page import percent, render_page
from openmath.report.prompt_shown import prompts_of
from openmath.report.results import comparison_section, flipped_addresses
from openmath.report.sample_files import write_samples
from openmath.report.sample_sets import sample_sets
from openmath.report.section import Section
from openmath.report.summaries import read_summary
from openmath.report.viewer import SCRIPTS

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script> $x^{ & \"'"


def run(script: str, *options: object) -> None:
    reply = run_script(script, *options)
    assert reply.returncode == 0, reply.stderr


def make_summary(folder: Path, *, seeds: int = 4, judge: bool = True, fields: bool = True) -> Path:
    """A summary of ten problems with its figures, made by the real scripts; text is hostile wherever it may be."""
    groups = {"level": HOSTILE, "type": "B"}, {"level": "Level 2", "type": HOSTILE}
    problems = [
        {"id": f"p{i}", "problem": HOSTILE, "expected_answer": str(i), **(groups[i % 2] if fields else {})}
        for i in range(10)
    ]
    write_rows(folder / "data/b.jsonl", problems)
    samples, grades, results = folder / "results/m/eval-results/b", folder / "grades.parquet", folder / "results/m"
    for name in ("greedy", *(f"rs{seed}" for seed in range(seeds))):
        rows = [
            row | {"predicted_answer": str(n % 7), "finish_reason": "stop" if n < 8 else "length"}
            | {"num_generated_tokens": 40 + 9 * n, "generation": f"{HOSTILE} \\boxed{{{n % 7}}}"}
            for n, row in enumerate(problems)
        ]  # fmt: skip
        write_rows(samples / f"output-{name}.jsonl", rows)
    grades = results / "grades/b.parquet"
    files = sorted(samples.glob("*.jsonl"), key=lambda path: ("greedy" not in path.name, path.name))
    run("grade_answers.py", "--benchmark", folder / "data/b.jsonl", "--samples", *files, "--output", grades)
    judged = []
    if judge:
        judged = [results / "judged/j/b/greedy.jsonl"]
        rows = [row | {"predicted_answer": str(n % 7), "judge_verdict": "yes"} for n, row in enumerate(problems)]
        rows[0]["judge_verdict"] = "unparsed"
        write_rows(judged[0], rows)
        manifest = {"rows": 10, "prefilled": {}, "verdicts_used": {"calls": 9, "usd": 1.5}}
        manifest["verdicts_used"] |= {"num_prompt_tokens": 1, "num_generated_tokens": 2}
        judged[0].with_suffix(".manifest.json").write_text(json.dumps(manifest))
    summary = results / "summary" / ("j" if judge else "none")
    published = ROOT / "config/published.yaml"
    run(
        "summarize_results.py", "--model", "m", "--grades", grades, *(["--judged", *judged] if judge else []),
        "--published", published, "--output-dir", summary,
    )  # fmt: skip
    run("draw_figures.py", summary, "--grades", grades, "--problems", folder / "data/b.jsonl")
    return summary


@pytest.fixture(scope="module")
def summary(tmp_path_factory) -> Path:
    return make_summary(tmp_path_factory.mktemp("report"))


class Elements(HTMLParser):
    """Names of all elements, and each address that a browser would fetch."""

    def __init__(self, page: str):
        super().__init__()
        self.names, self.addresses, self.script_types = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        if tag == "script":
            self.script_types.append(dict(attributes).get("type", "runs"))
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset")]


def test_page_is_one_file_and_hostile_text_is_text(summary, tmp_path):
    run("build_report.py", "--summaries", summary, "--output", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    elements = Elements(page)
    assert not elements.script_types and "script-src &#39;none&#39;" in page, "it has no samples"
    assert "<script>alert" not in page and elements.names.count("img") == 4
    assert all(address.startswith(("#", "data:image/svg+xml,")) for address in elements.addresses)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x^{" in page  # the level, in the table behind the figure
    assert "1.50" in page


def test_the_report_and_a_page_of_one_model_hold_its_samples(summary, tmp_path):
    data, page, report = (tmp_path / "results" / name for name in ("report/m", "report/m.html", "report.html"))
    run("show_samples.py", summary.parents[1], "--judges", "j", "--output", data, "--page", page)
    run("build_report.py", "--summaries", summary, "--samples", data, "--output", report)
    for made in (report, page):
        text = made.read_text()
        assert 'data-block="' in text and set(Elements(text).script_types) == {"runs", "text/plain"}
        assert "&#39;strict-dynamic&#39;" in text and text.count("sha256-") == len(SCRIPTS)
        assert text.index('id="samples"') < text.index("font/woff2"), (
            "the front page does not wait for fonts of formulas"
        )
    assert "<title>Samples of m</title>" in page.read_text() and (data / "b/seeds-0-0.js").exists()


def test_samples_that_are_gone_are_named(summary, tmp_path):
    results = Path(shutil.copytree(summary.parents[1], tmp_path / "m"))
    (results / "eval-results/b/output-rs0.jsonl").unlink()
    with pytest.raises(InputError, match=r"output-rs0\.jsonl"):
        write_samples(sample_sets(results, []), tmp_path / "data", "default")
    shutil.rmtree(results / "eval-results")
    with pytest.raises(InputError, match="--samples"):
        sample_sets(results, [])
    shutil.rmtree(results / "grades")
    reply = run_script("show_samples.py", results, "--output", tmp_path / "page")
    assert reply.returncode == 2 and "no grades" in reply.stderr and not (tmp_path / "page").exists()


def test_only_the_sections_own_scripts_may_run():
    script = "document.title = 'a < b && c'"
    page = render_page(HOSTILE, [Section("a", HOSTILE, "<p>x</p>", ".x {}", (script,))])
    shown = re.search(r"<script>(.*?)</script>\n</body>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(shown.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    assert shown == script and f"script-src 'sha256-{digest}';" in policy
    assert Elements(page).names.count("script") == 1 and "<p>x</p>" in page and ".x {}" in page
    with pytest.raises(InputError):
        render_page("t", [Section("a", "t", "", "", ("'</script><b>'",))])


def test_figures_have_the_same_bytes_again(summary):
    figures = sorted((summary / "figures").iterdir())
    assert len(figures) == 15
    before = [path.read_bytes() for path in figures]
    results = summary.parents[1]
    run(
        "draw_figures.py", summary, "--grades", results / "grades/b.parquet", "--problems",
        results.parents[1] / "data/b.jsonl",
    )  # fmt: skip
    assert [path.read_bytes() for path in figures] == before


def test_tables_behind_the_figures(summary):
    matrix = pandas.read_csv(summary / "figures/matrix.csv").set_index(["symbolic", "judge"])["answers"]
    assert (
        matrix.sum() == 10 and matrix["yes", "yes"] == 6 and matrix["yes", "unparsed"] == 1 and matrix["no", "yes"] == 3
    )
    groups = pandas.read_csv(summary / "figures/groups.csv")
    assert set(groups["field"]) == {"level", "type"} and set(groups["mode"]) == {"greedy", "majority@4"}
    assert (groups.groupby(["field", "mode"])["n_items"].sum() == 10).all()
    assert "warning: more than 5% of the samples" in (summary / "tables.txt").read_text()
    lengths = pandas.read_csv(summary / "figures/lengths.csv").set_index("outcome")["samples"]
    assert lengths.to_dict() == {"correct": 35, "wrong": 5, "cut off": 10}  # 7 not cut off; 8, 9 cut off


@pytest.mark.parametrize("options", [{"judge": False, "fields": False}, {"seeds": 0, "judge": False, "fields": False}])
def test_what_is_missing_is_left_out(tmp_path, options):
    summary = make_summary(tmp_path, **options)
    run("build_report.py", "--summaries", summary, "--output", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert Elements(page).names.count("img") == 1 + (options.get("seeds") != 0)
    assert "Cost and throughput" not in page and "symbolic grading" in page


def test_costs_are_summed_by_engine(tmp_path):
    job = {"engine": "vllm 1", "samples": 10, "tokens": 1500, "seconds": 1800.0}
    nothing = {"engine": "vllm 2", "samples": 0, "tokens": 0, "seconds": 0}
    write_rows(tmp_path / "results/m/.staging/jobs.jsonl", [job, nothing, job])
    assert generation_rows(tmp_path / "results/m") == [
        ["m", "vllm 1", "", "2", "20", "3,000", "1.00", "1", "150"],
        ["m", "vllm 2", "", "1", "0", "0", "0.00", "", ""],
    ]


def test_a_comparison_names_the_first_model_first(tmp_path):
    path = tmp_path / "ours-vs-theirs/none/comparison.csv"
    row = {"benchmark": "b", "mode": "greedy", "grading": "symbolic", "n_items": 40, "first": 0.5, "second": 0.25}
    row |= {"difference": 0.25, "ci95_low": 0.1, "ci95_high": 0.4, "only_first": 13, "only_second": 3, "p_holm": 0.01}
    path.parent.mkdir(parents=True)
    pandas.DataFrame([row | {"verdict": "higher"}]).to_csv(path, index=False)
    html = comparison_section([path]).html
    assert "only ours / only theirs" in html and "13 / 3" in html and "+25.00" in html and "[+10.0, +40.0]" in html


def test_overview_has_a_column_per_benchmark_and_the_judges_number(summary):
    html = overview_section([read_summary(summary)]).html
    assert "90.00" in html and "70.00" in html and "<th>b</th>" in html  # judged greedy; symbolic majority


def test_curves_show_every_series_with_its_band():
    points = [("b", estimator, kind, k, 0.5, 0.4, 0.6) for estimator in ("maj@k", "pass@k")
              for kind in ("symbolic", "judge") for k in (1, 2, 4)]  # fmt: skip
    columns = ["benchmark", "estimator", "grading", "k", "estimate", "ci95_low", "ci95_high"]
    (axes,) = draw_curves(pandas.DataFrame(points, columns=columns)).axes
    looks = {(line.get_linestyle(), line.get_marker()) for line in axes.lines}
    assert len(axes.lines) == len(looks) == len(axes.collections) == 4  # told apart without colour


def test_models_stand_side_by_side_with_published_numbers(summary, tmp_path):
    other = Path(shutil.copytree(summary, tmp_path / "other/summary/j"))
    row = {"benchmark": "b", "mode": "greedy", "grading": "judge", "published": 51.5}
    pandas.DataFrame([row, row | {"grading": "symbolic", "published": 1.0}]).to_csv(
        other / "published.csv", index=False
    )
    run("draw_models.py", "--summaries", summary, other, "--output-dir", tmp_path / "figures")
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".svg", ".png", ".pdf", ".csv"}
    rows = pandas.read_csv(tmp_path / "figures/models.csv").set_index(["model", "mode"])
    assert rows.loc[("m", "greedy"), "accuracy"] == 0.9 and rows.loc[("m", "majority@4"), "grading"] == "symbolic"
    assert rows.loc[("other", "greedy"), "published"] == 0.515 and rows["published"].notna().sum() == 1
    (axes,) = draw_models(model_rows([summary, other])).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["m", "other"]
    assert sum(
        len(line.get_xdata()) for line in axes.lines if line.get_marker() == "|" and line.get_label() == "published"
    )


def test_a_length_histogram_loses_no_sample():
    samples = pandas.DataFrame({"benchmark": "b", "outcome": ["correct", "wrong"] * 50, "tokens": range(1, 101)})
    for tokens in (samples["tokens"], 7, 0):
        (axes,) = draw_lengths(samples.assign(tokens=tokens)).axes
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)
    row = length_table(samples).iloc[0]
    assert (row["tokens_p10"], row["tokens_median"], row["tokens_p90"]) == pytest.approx((10.8, 50, 89.2))
    assert length_table(samples.iloc[:0]).empty


def test_thoughts_that_were_counted_are_lengths_of_their_own(tmp_path):
    row = {"predicted_answer": None, "is_correct": False, "finish_reason": "length", "grade_status": "unfinished"}
    rows = [row | {"num_generated_tokens": 9, "num_reasoning_tokens": count} for count in (9, None)]
    rows.append(rows[0] | {"is_correct": True, "grade_status": "ok", "num_reasoning_tokens": 5})
    pandas.DataFrame(rows).to_parquet(tmp_path / "b.parquet")
    lengths = sample_lengths(tmp_path / "b.parquet", "b")
    tokens = {name: of_part["tokens"].tolist() for name, of_part in lengths.groupby("benchmark", sort=False)}
    assert tokens == {"b": [9, 9, 9], "b, thought": [9, 5], "b, answer": [0, 4]}
    assert lengths["outcome"].tolist()[:3] == ["unfinished", "unfinished", "correct"]
    assert len(draw_lengths(lengths).axes) == 3


def test_lengths_that_nobody_counted_are_no_lengths(tmp_path):
    row = {"predicted_answer": "1", "is_correct": True, "finish_reason": None, "num_generated_tokens": None}
    row |= {"grade_status": "ok"}
    pandas.DataFrame([row]).to_parquet(tmp_path / "b.parquet")
    assert sample_lengths(tmp_path / "b.parquet", "b").empty


def test_small_helpers():
    assert group_name(["Mathematics -> Algebra -> Other"]) == group_name("['Mathematics -> Algebra -> X']") == "Algebra"
    assert (group_name(7.5), group_name("Level 3"), group_name(None), group_name("10.0")) == (
        "7",
        "Level 3",
        None,
        "10",
    )
    assert sorted(["Level 10", "Level 2", "x"], key=natural) == ["Level 2", "Level 10", "x"]
    assert percent(None) == percent(float("nan")) == "" and percent(0.125) == "12.50"
    assert nice_ticks(15, 48) == [20, 30, 40] and nice_ticks(10, 4096) == [10, 100, 1000] and nice_ticks(61, 62) == [62]
    assert matrix_table([{"benchmark": "b", "mode": "greedy"}], pandas.DataFrame()).empty


def test_figures_rest_on_the_judge_and_lose_no_answer():
    scores = {"benchmark": "b", "mode": "greedy", "id": ["1", "2", "3"], "symbolic": 0.0, "judge": [1.0, 1.0, 0.0]}
    groups = group_table(pandas.DataFrame(scores), {"b": {"level": {"1": "x", "2": "x", "3": "y"}}})
    assert groups[["group", "grading", "n_items", "accuracy"]].values.tolist() == [
        ["x", "judge", 2, 1],
        ["y", "judge", 1, 0],
    ]
    lengths = pandas.DataFrame({"benchmark": "b", "outcome": "correct", "tokens": [float(n) for n in range(101)]})
    [row] = length_table(lengths).to_dict("records")
    assert (row["tokens_p10"], row["tokens_median"], row["tokens_p90"]) == (10, 50, 90)
    metrics = [{"benchmark": "b", "mode": "greedy", "n_items": 30, "both": 7 / 30 - 1e-12}]
    differ = pandas.DataFrame({"benchmark": ["b"], "mode": ["greedy"], "symbolic": ["yes"], "judge": ["no"]})
    counts = matrix_table(metrics, differ).set_index(["symbolic", "judge"])["answers"]
    assert (counts["yes", "yes"], counts["yes", "no"], counts["no", "no"]) == (7, 1, 22)


def test_calls_and_answers_without_one_are_counted_over_all_benchmarks(tmp_path):
    used = {"calls": 4, "num_prompt_tokens": 50, "num_generated_tokens": 6, "usd": 0.25}
    record = {"rows": 10, "prefilled": {"no_answer": 1, "identical": 5}, "verdicts_used": used}
    for benchmark in ("a", "b"):
        path = tmp_path / f"judged/j/{benchmark}/greedy.manifest.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record))
    summary = SimpleNamespace(results=tmp_path, model="m", judge="j")
    assert judging_rows(summary) == [["m", "j", "greedy", "20", "12", "8", "100", "12", "0.50"]]


@pytest.mark.parametrize(
    ("mode", "grading", "chosen"),
    [
        ("greedy", "symbolic", "answer=greedy&against=b%26b"),
        ("majority@8", "judge", "answer=majority&against=b%26b&by=j%2F1"),
        ("pass@8", "symbolic", None),
        ("pass@1[avg]", "symbolic", None),
    ],
)
def test_flipped_problems_have_an_address(mode, grading, chosen):
    row = {"benchmark": "x/y", "mode": mode, "grading": grading}
    addresses = [f"#sample=a%2Fa/x%2Fy/&{chosen}&show={side}" for side in ("first", "second")] if chosen else []
    assert flipped_addresses(row, "a/a", "b&b", "j/1") == addresses


def test_the_prompt_is_that_of_the_samples():
    prompt = {"system": "", "user": "Q: {problem}!", "examples": [{"problem": "{problem}", "solution": "S"}]}

    def prompts(template: str, *benchmarks: str) -> dict:
        files = {benchmark: ["greedy"] for benchmark in benchmarks}
        known = {"settings": {"prompt": prompt, "prompt_template": template}, "files": files}
        return prompts_of({"generation": {"settings": [known, known]}})

    [chat] = prompts("chat", "a", "b")["b"]
    turns = [["user", ["Q: {problem}!"]], ["assistant", ["S"]], ["user", ["Q: ", "!"]]]
    assert chat == {"template": "chat", "turns": turns}, "an empty system turn is not sent"
    [[role, parts]] = prompts("completion", "a")["a"][0]["turns"]
    assert role is None and parts == ["Q: {problem}!S" + "\n" * 6 + "Q: ", "!"]
    assert prompts_of(None) == prompts_of({"generation": None}) == prompts_of({}) == {}
