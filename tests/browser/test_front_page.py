"""The report in a real browser: front page and tables on a desk, a phone, in the dark, on paper; ways from numbers to problems."""

from pathlib import Path

import pytest
from conftest import wait
from in_process import run_script

from openmath.files.rows import write_rows
from openmath.report.summaries import read_csv

pytestmark = pytest.mark.timeout(1800)  # the first test waits for the report, which ten scripts make
FIRST, SECOND = "alpha", "a-model-with-a-name-as-long-as-those-of-merged-and-quantised-finetunes-are-Q4_K_M"
METHODS = "We evaluated <b>alpha</b>.\n\n@misc{key, title={A title}}\n"
PHONE, PAPER = 360, 673  # CSS pixels: a small phone; A4 within its margins
LIGHT, DARK = "light", "dark"


def solved(model: str, number: int) -> bool:
    return number % 3 != 0 if model == FIRST else number % 4 == 1


def rows_of(model: str) -> list[dict]:
    """Twelve problems; the second answer has a thought."""
    return [
        {
            "id": f"p{n}", "problem": f"What is ${n} + 1$?", "expected_answer": str(n + 1), "level": f"Level {n % 3}",
            "generation": f"So \\boxed{{{n + 1 if solved(model, n) else -1}}}.", "finish_reason": "stop",
            "num_generated_tokens": 20 + n, **({"reasoning": "A **long** thought."} if n == 1 else {}),
        }
        for n in range(12)
    ]  # fmt: skip


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """A report of two models under a judge, and of their comparison, made by the real scripts."""
    folder = tmp_path_factory.mktemp("report")

    def run(script: str, *options: object) -> None:
        reply = run_script(script, *options, cwd=folder)
        assert reply.returncode == 0, reply.stderr

    summaries = []
    for model in (FIRST, SECOND):
        results, rows = Path("results") / model, rows_of(model)
        samples, judged = results / "eval-results/b", results / "judged/j/b/greedy.jsonl"
        files = [samples / f"output-{run}.jsonl" for run in ("greedy", "rs0", "rs1")]
        write_rows(folder / "data/b.jsonl", rows)
        for path in files:
            write_rows(folder / path, rows)
        verdicts = [{"judge_verdict": "yes" if solved(model, n) else "no"} for n in range(len(rows))]
        verdicts[0]["judge_verdict"] = "unparsed"
        write_rows(folder / judged, [row | verdict for row, verdict in zip(rows, verdicts, strict=True)])
        grades, summary = results / "grades/b.parquet", results / "summary/j"
        run("grade_answers.py", "--benchmark", "data/b.jsonl", "--samples", *files, "--output", grades)
        run(
            "summarize_results.py", "--model", model, "--grades", grades, "--judged", judged, "--output-dir", summary,
            "--published", Path(__file__).parents[2] / "config/published.yaml",
        )  # fmt: skip
        run("draw_figures.py", summary, "--grades", grades, "--problems", "data/b.jsonl")
        run("show_samples.py", results, "--judges", "j", "--output", Path("results/report") / model)
        (folder / summary / "methods.md").write_text(METHODS)
        summaries.append(summary)
    compared = Path(f"results/compare/{FIRST}-vs-{SECOND}/j")
    run("compare_models.py", *summaries, "--names", FIRST, SECOND, "--output-dir", compared)
    beside = [Path("results/report") / model for model in (FIRST, SECOND)]
    run(
        "build_report.py", "--summaries", *summaries, "--comparisons", compared / "comparison.csv", "--samples", *beside,
        "--output", "results/report.html",
    )  # fmt: skip
    return folder


@pytest.fixture
def report_page(chromium, report):
    """Opens the report: so wide, in this scheme and medium."""

    def open_page(width: int = 1280, scheme: str = LIGHT, medium: str = "screen", hash_: str = ""):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        looks = {"media": medium, "features": [{"name": "prefers-color-scheme", "value": scheme}]}
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", looks)
        chromium.get("about:blank")
        chromium.get((report / "results/report.html").as_uri() + hash_)
        wait(chromium, "return performance.getEntriesByName('samples-ready').length > 0")
        return chromium

    yield open_page
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_the_front_page_answers_how_good_each_model_is(report_page):
    browser = report_page()
    sentences = [node.text for node in browser.find_elements("css selector", ".verdicts li")]
    assert len(sentences) == 2 and sentences[0].startswith("alpha solves ") and " of b greedily" in sentences[0]
    assert "only 12 problems" in browser.find_element("css selector", ".warnings").text
    dots = browser.execute_script("return document.querySelectorAll('.panel .dot').length")
    assert dots == 4, "greedy and majority of two models"
    methods = browser.find_element("css selector", "#overview details:has(.copy)")
    methods.find_element("css selector", "summary").click()
    assert methods.find_element("css selector", "pre").text == METHODS.strip()
    browser.find_element("css selector", ".line .name").click()
    wait(browser, "return Math.abs(document.querySelector(location.hash).getBoundingClientRect().top) < 5")


@pytest.mark.parametrize("link", [0, 1], ids=["first", "second"])
def test_numbers_of_the_comparison_lead_to_their_problems(report_page, report, link):
    [row] = [
        row
        for row in read_csv(report / f"results/compare/{FIRST}-vs-{SECOND}/j/comparison.csv")
        if row["mode"] == "greedy" and row["grading"] == "symbolic"
    ]
    only = [{n for n in range(12) if solved(a, n) and not solved(b, n)} for a, b in ((FIRST, SECOND), (SECOND, FIRST))]
    assert [row["only_first"], row["only_second"]] == [len(numbers) for numbers in only]
    browser = report_page()
    heads = [node.text for node in browser.find_elements("css selector", "#comparisons th")]
    assert FIRST in heads and SECOND in heads and f"only {FIRST} / only {SECOND} solves" in heads
    browser.execute_script(
        "[...document.querySelectorAll('#comparisons tbody tr')].find((row) => /greedy.*symbolic/s.test(row.textContent))"
        ".querySelectorAll('a')[arguments[0]].click()",
        link,
    )
    wait(browser, f"return document.querySelector('.count').textContent === '{len(only[link])} of 12 problems'")
    shown = browser.execute_script(
        "return [...document.querySelectorAll('.row .name')].map((node) => node.textContent)"
    )
    assert shown == [f"p{n}" for n in sorted(only[link])]
    wait(browser, "return document.querySelectorAll('.columns section').length === 2")


def test_each_head_explains_itself_and_the_legend_says_the_same(report_page):
    """On a phone there are no tooltips."""
    browser = report_page()
    tables = browser.execute_script("""
        return [...document.querySelectorAll(":is(#overview, #comparisons, [id^=model-]) > .scroll table")].map((table) => ({
          titled: [...table.querySelectorAll("th[title]")].map((head) => [head.textContent, head.title]),
          plain: [...table.querySelectorAll("th:not([title])")].map((head) => head.textContent),
          section: table.closest("section").id,
        }));""")
    legends = browser.execute_script("""
        return [...document.querySelectorAll("section > .meanings")].map((legend) => [legend.closest("section").id,
          Object.fromEntries([...legend.querySelectorAll("dt")].map((head) =>
            [head.textContent, head.nextElementSibling.textContent]))]);""")
    assert len(tables) >= 5
    for table in tables:
        assert set(table["plain"]) <= {
            "model",
            "benchmark",
            "judge",
            "b",
            FIRST,
            SECOND,
            f"only {FIRST} / only {SECOND} solves",
        }
        assert any(
            dict(table["titled"]).items() <= legend.items()
            for section, legend in legends
            if section == table["section"]
        )


@pytest.mark.parametrize(("width", "medium"), [(PHONE, "screen"), (768, "screen"), (1280, "screen"), (PAPER, "print")])
def test_nothing_is_wider_than_the_page(report_page, width, medium):
    browser = report_page(width, medium=medium)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    reach = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].map((box) => box.scrollWidth - box.clientWidth)"
    )
    if medium == "print":
        assert max(reach) <= 1, "paper does not scroll"
        assert not browser.find_element("css selector", ".filters").is_displayed()
    elif width == PHONE:
        assert max(reach) > 0, "a table scrolls in a box of its own"


def test_figures_are_drawn_two_in_a_row(report_page):
    browser = report_page()
    browser.execute_script("for (const image of document.images) image.loading = 'eager'")
    wait(browser, "return [...document.images].every((image) => image.complete)")
    sizes = browser.execute_script(
        "return [...document.images].map((image) => [image.naturalWidth, image.naturalHeight])"
    )
    assert len(sizes) >= 6 and all(width > 100 and height > 100 for width, height in sizes)
    lines = browser.execute_script(
        "return [...document.querySelectorAll('.figures')[0].children].map((one) => one.offsetTop)"
    )
    assert lines[0] == lines[1] < lines[2]


CONTRAST = """
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (colour) => channels(colour).slice(0, 3).map((c) => c / 255)
  .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
const behind = (node) => { for (; node; node = node.parentElement) {
  const colour = getComputedStyle(node).backgroundColor, alpha = channels(colour)[3];
  if (alpha === undefined || alpha === 1) return colour;
} };
const WITH_TEXT = "p, li, a, td, th, dt, summary, h1, h2, h3, h4, label, output, .note, .badge, .value, .snippet";
const texts = [...document.querySelectorAll(`body :is(${WITH_TEXT})`)];
return texts.filter((node) => node.textContent.trim() && node.getClientRects().length).map((node) => {
  const [ink, paper] = [getComputedStyle(node).color, behind(node)].map(luminance).sort((a, b) => b - a);
  return [(ink + 0.05) / (paper + 0.05), node.tagName, node.className, node.textContent.slice(0, 40)];
}).filter(([contrast]) => contrast < 4.5);
"""


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_all_text_can_be_read_in_both_schemes(report_page, scheme):
    browser = report_page(scheme=scheme)
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == LIGHT)
    assert browser.execute_script(CONTRAST) == []
    inverted = browser.execute_script("return getComputedStyle(document.images[0]).filter")
    assert (inverted == "none") == (scheme == LIGHT)


def test_a_thought_is_folded_until_it_is_opened(report_page):
    browser = report_page(hash_=f"#sample={FIRST}/b/p1")
    said = "return document.querySelector('.detail').textContent.includes('A long thought.')"
    wait(browser, "return document.querySelector('.thought') !== null")
    assert not browser.execute_script(said)
    browser.find_element("css selector", ".thought summary").click()
    wait(browser, said)
    assert browser.find_element("css selector", ".thought strong").text == "long"
