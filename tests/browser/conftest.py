"""Real headless Chromium, and a page of samples that the real grader has graded. Run: make test-browser."""

import json
import shutil
from pathlib import Path

import pytest

from openmath.grading.table import grade_files
from openmath.report import viewer
from openmath.report.page import render_page
from openmath.report.prompt_shown import shown_prompt
from openmath.report.sample_files import write_samples
from openmath.report.sample_sets import SampleSet

PATIENCE = 120  # seconds: a thousand formulas on a machine with much other work; pytest's own limit is behind it
RUNS = ["greedy", "rs0", "rs1", "rs2", "rs3"]
ATTACK = "<script>window.attacked = 1</script><img src=x onerror='window.attacked = 2'></script><!-- ]]> --> "
DEFINITIONS = [  # each would show something else than it says
    r"\def\sum{0}\sum",
    r"\newcommand{\x}{7}\x",
    r"\renewcommand{\pi}{3}\pi",
    r"\providecommand{\y}{8}\y",
    r"\let\leq\geq 1 \leq 0",
    r"\gdef\frac#1#2{1}\frac{2}{3}",
    r"\global\def\z{9}\z",
]
ESCAPES = [  # each would paint outside its place
    r"\kern-15em\text{✓ symbolic}",
    r"\mathllap{\text{✓ symbolic right right right right right right right right}}",
    r"\smash{\rule{18em}{18em}}",
    r"\raisebox{15em}{\smash{\rule{18em}{5em}}}",
    r"x\hspace{9999em}\hspace{9999em}\hspace{9999em}\hspace{9999em}\hspace{9999em}\rule{20em}{2em}",
    r"\rlap{\rule{9999em}{9999em}}",
    r"\raisebox{-9999em}{x}",
    r"\smash{\raisebox{-9999em}{x}}",
    r"\vphantom{\rule{1em}{9999em}}\rule[-9999em]{1em}{1em}",
]
HOSTILE = [
    ATTACK + r"$\href{javascript:window.attacked=3}{click}$ \(\url{javascript:alert(1)}\) [x](javascript:alert(2))",
    r"$\htmlData{x=y}{a} \htmlId{root}{b} \htmlStyle{position:fixed}{c} \includegraphics{http://example.org/a.png}$",
    r"$\def\a{xxxxxxxxxx}\def\b{\a\a\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b\b\b}\def\d{\c\c\c\c\c\c\c\c}\d\d\d\d\d\d$",
    r"$\edef\a{xx}" + r"\edef\a{\a\a}" * 60 + r"\a$ " + r"$\rule{9999999em}{9999999em}$",
    "$" + r"\sqrt{" * 600 + "x" + "}" * 600 + "$ $" + "{" * 3000 + "$ $" + r"\color{red}" * 300 + "x$",
    "\u202egnp.exe\u0000\u0007 \U0001f600 \ud800 \\begin{pmatrix} $ \\[ \\( " * 40,
    "$x$ " * 300_000,  # more than a megabyte on one line
    "$$ \\[ \\( `" * 5_000 + "\\boxed{" * 5_000,
    "\\boxed{" + "y" * 100_000 + "}",
    "<style>body{display:none}</style><iframe src=javascript:alert(1)></iframe>&lt;b&gt; &#x3c;",
    " ".join(f"${formula}$" for formula in DEFINITIONS) + " $x^2$",
    *(f"${formula}$ and \\boxed{{{formula}}}" for formula in ESCAPES),
]


def rows_of(run: str, count: int) -> list[dict]:
    """Two of three answers right in every run; row 3 has none, row 4 is cut, from row 10 on hostile."""
    rows = []
    for n in range(count):
        answer = n + 1 if (n + len(run)) % 3 else n + 2
        text = rf"It costs $5 and $7. We have \(\frac{{{n}}}{{2}}\) and $$x^2 = {n}$$ so \boxed{{{answer}}}"
        if n == 3:
            text = "I do not know."
        if 10 <= n < 10 + len(HOSTILE):
            text = HOSTILE[n - 10]
        rows.append({
            "id": f"p/{n} ü", "problem": f"Let $n={n}$. What is $n+1$?", "expected_answer": str(n + 1),
            "reference_solution": f"Add one: $n+1={n + 1}$.", "level": "Level 1", "generation": text,
            "finish_reason": "length" if n == 4 else "stop", "num_generated_tokens": 10 + n,
        })  # fmt: skip
    return rows


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory):
    """A folder with the viewer's data of three models."""
    folder = tmp_path_factory.mktemp("samples")
    files = {run: folder / f"output-{run}.jsonl" for run in RUNS}
    for run, path in files.items():  # json.dumps keeps lone surrogates as escapes, as engines write them
        path.write_text("".join(json.dumps(row) + "\n" for row in rows_of(run, 150)))
    grade_files(list(files.values()), folder / "grades.parquet", processes=1)
    judged = folder / "greedy.jsonl"
    judged.write_text("".join(json.dumps({
        "id": row["id"], "judge_verdict": "yes" if n == 5 else "no", "judge_prefilled": None,
        "judgement": ATTACK + "Judgement: ..."}) + "\n" for n, row in enumerate(rows_of("greedy", 150))))  # fmt: skip
    other = {run: folder / f"other/output-{run}.jsonl" for run in RUNS}
    (folder / "other").mkdir()
    for run, path in other.items():  # the same, but problem 20 is solved and problem 34 is not
        rows = rows_of(run, 60)
        rows[20]["generation"], rows[34]["generation"] = "\\boxed{21}", "\\boxed{0}"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    grade_files(list(other.values()), folder / "other/grades.parquet", processes=1)
    for model, verdicts in (("first", {"judge": {"greedy": judged}}), ("second", {})):
        sets = [SampleSet(model, "bench", files["greedy"], folder / "grades.parquet", files, verdicts)]
        if model == "second":
            sets.insert(0, SampleSet(model, "zoo/é", files["greedy"], folder / "grades.parquet", files))
        write_samples(sets, folder / "data é" / model, "default")
    third = SampleSet("third", "bench", other["greedy"], folder / "other/grades.parquet", other)
    write_samples([third], folder / "data é/third", "default")
    return folder


@pytest.fixture(scope="session")
def sample_page(sample_folder):
    """file:// address of a page with three models: the second without a judge and with two benchmarks, the third on 60 problems."""
    return write_page(sample_folder)


@pytest.fixture(scope="session")
def page_beside_data(sample_folder):
    """The same with all data beside the page, as with very many samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(viewer, "MAX_PAGE", 0)
        return write_page(sample_folder, "beside.html")


def write_page(folder: Path, name: str = "page.html") -> str:
    folders = [folder / "data é" / model for model in ("first", "second", "third")]
    prompt = {"system": "", "user": "Solve **this**:\n{problem}", "examples": [{"problem": "1+1?", "solution": ATTACK}]}
    prompts = {
        ("first", "bench"): [shown_prompt(prompt, "chat")],
        ("second", "bench"): [shown_prompt(prompt, "llama3-instruct")],
    }
    section = viewer.samples_section(folders, folder / name, prompts)
    (folder / name).write_text(render_page("Samples", [section]), encoding="utf-8")
    return (folder / name).as_uri()


@pytest.fixture(scope="session")
def chromium():
    webdriver = pytest.importorskip("selenium.webdriver")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("chromium and chromedriver are not installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def viewer_page(chromium, sample_page):
    """Opens the page, at a hash where one is given, and waits until it is usable; not afresh: only the hash changes."""

    def open_page(hash_: str = "", afresh: bool = True, page: str = sample_page):
        if not afresh and chromium.current_url.startswith(page):
            chromium.execute_script("location.hash = arguments[0]", hash_)
            return chromium
        chromium.get("about:blank")
        chromium.get(page + hash_)
        wait(chromium, "return performance.getEntriesByName('samples-ready').length > 0")
        return chromium

    return open_page


def wait(browser, script: str):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, PATIENCE).until(lambda b: b.execute_script(script))
