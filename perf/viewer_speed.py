r"""Size of the report, and how soon it shows the first problem: 5,000 problems of one model, with greedy and 8 seeds.

    python perf/viewer_speed.py
    python perf/viewer_speed.py --models 8 --benchmarks 5 --problems 1000
    python perf/viewer_speed.py --problems 500 --keep folder        the report and its samples, to look at

Solutions are generated: sentences with formulas, random numbers and words of a skew distribution, so that they compress about as
real ones do (MATH's first 100 solutions: 2.8-fold; the script prints its own ratio). All else is made by the workflow's scripts.
Prints the page in MB (limit 15 for 5,000 problems and model), what lies beside it, CPU seconds and memory of the script that writes
the samples, and, where Chromium, its driver and selenium are there, first paint, the time until the first problem is shown (limit
2 s), and until all its seeds are, by the browser's Performance API: median and worst of fresh browsers.
"""

import argparse
import gzip
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from openmath.grading.table import grade_files
from openmath.report.sample_blocks import BLOCK

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
LIMIT_MB, LIMIT_S = 15, 2  # for 5,000 problems of one model
OPENINGS = 7  # of the page, each in a fresh browser
GENERATION, REFERENCE = (900, 2200), (200, 1000)  # characters of a solution, uniform
SYLLABLES = [
    a + b for a in ("b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "th", "st") for b in "aeiou"
]
SENTENCES = (
    "We {w} the {w} {w} of ${v} = {n}{v}^2 - {n}$, {w} {w} {w} is {w}.",
    "{w} $\\frac{{{n}}}{{{n}}} < \\sqrt{{{n}}}$, {w} {w} of {w} {w} must {w} {w} {w}.",
    "By {w} {w}, \\[{v}_{{{n}}} + {n}{v} = \\binom{{{n}}}{{{d}}} \\cdot {n}.\\]",
    "Now {w} {w} by ${n}$ to {w} ${n}{v} + {n} = {n}$, {w} {w} {w} for {w} {w}.",
    "Let ${v}$ {w} {w} {w}; \\begin{{align*}} {v} &= {n} + {n} \\\\ &= {n} \\cdot {d} \\end{{align*}} {w}.",
    "{w} {w} {w} {w} does not {w} {w} {w} is {w}, so we {w} {w} {w} {w}.",
    "It {w} \\${n} for {d} {w}, {w} {w} have \\({v} \\equiv {d} \\pmod{{{n}}}\\) in {w} {w}.",
)
SHOWN = "return performance.getEntriesByName('sample-shown').length > 0"
OPEN_SEEDS = "document.querySelector('.seeds').open = true; document.querySelector('.seeds').scrollIntoView()"
SEEDS_SHOWN = "return document.querySelectorAll('.chip').length > 0"
TIMES = (
    "return [performance.getEntriesByType('paint').find(e => e.name === 'first-contentful-paint')?.startTime ?? null,"
    " performance.getEntriesByName('sample-shown')[0].startTime]"
)


class Writer:
    """Generated solutions: the same seed writes the same."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.words = ["".join(self.random.choices(SYLLABLES, k=self.random.randint(1, 4))) for _ in range(4000)]
        self.weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(self.words))))

    def sentence(self) -> str:
        pick = self.random
        pieces = pick.choice(SENTENCES).split("{w}")
        words = pick.choices(self.words, cum_weights=self.weights, k=len(pieces))
        text = "{w}".join(pieces).replace("{w}", "%s") % tuple(words[:-1])
        return text.format(v=pick.choice("abcdkmnpqrstxyz"), n=pick.randint(2, 999), d=pick.randint(2, 9))

    def solution(self, answer: int, lengths: tuple[int, int]) -> str:
        length, parts = self.random.randint(*lengths), []
        while sum(map(len, parts)) < length:
            parts.append(self.sentence())
        return " ".join(parts) + f" The answer is $\\boxed{{{answer}}}$."


def write_results(models: int, benchmarks: int, problems: int, seeds: int) -> list[Path]:
    """Results of so many models in the current folder, laid out as the workflow does; returns their summaries."""
    summaries = []
    names = [f"benchmark-{number}" for number in range(benchmarks)]
    for number in range(models):
        results, writer = Path(f"results/model-{number}"), Writer(number)
        grades, judged, data = [], [], []
        for place, name in enumerate(names):
            data.append(write_problems(Writer(1000 + place), name, problems))
            rows = [json.loads(line) for line in data[-1].read_text().splitlines()]
            samples, verdicts = results / f"eval-results/{name}", results / f"judged/judge/{name}"
            for folder in (samples, verdicts, results / "grades"):
                folder.mkdir(parents=True, exist_ok=True)
            files = [samples / f"output-{run}.jsonl" for run in ("greedy", *(f"rs{seed}" for seed in range(seeds)))]
            for path in files:
                write(path, [row | generation(writer, n % 97) for n, row in enumerate(rows)])
            grades.append(results / f"grades/{name}.parquet")
            grade_files(files, grades[-1])
            run("fill_majority.py", "--grades", grades[-1], "--benchmark", data[-1], "--output", "majority.jsonl")
            for mode, path in (("greedy", files[0]), ("majority", Path("majority.jsonl"))):
                judged.append(verdicts / f"{mode}.jsonl")
                write(judged[-1], [json.loads(line) | judgement(writer) for line in path.read_text().splitlines()])
        summaries.append(results / "summary/judge")
        run(
            "summarize_results.py", "--model", results.name, "--grades", *grades, "--judged", *judged,
            "--published", SCRIPTS.parent / "config/published.yaml", "--output-dir", summaries[-1],
        )  # fmt: skip
        run("draw_figures.py", summaries[-1], "--grades", *grades, "--problems", *data)
    return summaries


def write_problems(writer: Writer, name: str, problems: int) -> Path:
    """A prepared benchmark; the same for the same seed of `writer`."""
    path = Path(f"data/{name}.jsonl")
    path.parent.mkdir(exist_ok=True)
    rows = [
        {"id": f"algebra/{n}", "problem": writer.sentence() + " " + writer.sentence(), "expected_answer": str(n % 97)}
        | {"reference_solution": writer.solution(n % 97, REFERENCE), "level": f"Level {n % 5}"}
        for n in range(problems)
    ]
    write(path, rows)
    return path


def run(script: str, *options: object) -> tuple[float, float]:
    """CPU seconds and megabytes of memory of a script of the workflow."""
    process = subprocess.Popen([sys.executable, SCRIPTS / script, *map(str, options)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{script} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def generation(writer: Writer, answer: int) -> dict:
    """Seven of ten are right."""
    guess = answer if writer.random.random() < 0.7 else writer.random.randint(100, 120)
    text = writer.solution(guess, GENERATION)
    return {"generation": text, "finish_reason": "stop", "num_generated_tokens": len(text) // 3}


def judgement(writer: Writer) -> dict:
    verdict = writer.random.choice(["yes", "no"])
    reply = f"Reasoning: {writer.sentence()} {writer.sentence()}\nJudgement: {verdict}"
    return {"judge_verdict": verdict, "judge_prefilled": None, "judgement": reply}


def write(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def compression(path: Path) -> float:
    """Size of the generations of one block beside their gzip."""
    lines = path.read_text().splitlines()[:BLOCK]
    text = "\n".join(json.loads(line)["generation"] for line in lines).encode()
    return len(text) / len(gzip.compress(text))


def opening_times(address: str) -> list[tuple[float, float, float]] | None:
    """Seconds until first paint and first problem, and from a click to all its seeds, of each opening; None without a browser."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    try:
        from selenium import webdriver
        from selenium.webdriver.support.ui import WebDriverWait
    except ImportError:
        return None
    if not (program and driver):
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(argument)
    times = []
    for _ in range(OPENINGS):
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            browser.get(address)
            WebDriverWait(browser, 60).until(lambda b: b.execute_script(SHOWN) and None not in b.execute_script(TIMES))
            paint, shown = (milliseconds / 1000 for milliseconds in browser.execute_script(TIMES))
            began = time.monotonic()
            browser.execute_script(OPEN_SEEDS)
            WebDriverWait(browser, 60, poll_frequency=0.02).until(lambda b: b.execute_script(SEEDS_SHOWN))
            times.append((paint, shown, time.monotonic() - began))
        finally:
            browser.quit()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=1)
    parser.add_argument("--benchmarks", type=int, default=1)
    parser.add_argument("--problems", type=int, default=5000, help="of each benchmark")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--keep", type=Path, help="copy the report and its samples to this folder")
    options = parser.parse_args()
    keep = options.keep and options.keep.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        summaries = write_results(options.models, options.benchmarks, options.problems, options.seeds)
        used = [
            run("show_samples.py", results, "--judges", "judge", "--output", f"results/report/{results.name}")
            for results in (summary.parents[1] for summary in summaries)
        ]
        beside = sorted(Path("results/report").iterdir())
        pair = ("--names", "model-0", "model-1", "--output-dir", "results/compare/model-0-vs-model-1/judge")
        compared = ["results/compare/model-0-vs-model-1/judge/comparison.csv"] if options.models > 1 else []
        if compared:
            run("compare_models.py", *summaries[:2], *pair)
        page = Path("results/report.html")
        run(
            "build_report.py",
            "--summaries",
            *summaries,
            "--comparisons",
            *compared,
            "--samples",
            *beside,
            "--output",
            page,
        )
        if keep:
            shutil.copytree("results/report", keep / "report", dirs_exist_ok=True)
            shutil.copy(page, keep)
        ratio = compression(Path("results/model-0/eval-results/benchmark-0/output-greedy.jsonl"))
        size = page.stat().st_size / 1e6
        samples = sum(path.stat().st_size for path in Path("results").glob("*/eval-results/*/*.jsonl")) / 1e6
        apart = sum(path.stat().st_size for path in Path("results/report").rglob("*.js")) / 1e6
        print(f"{options.models} models x {options.benchmarks} benchmarks x {options.problems:,} problems,", end=" ")
        print(f"greedy and {options.seeds} seeds; generations compress {ratio:.1f}-fold")
        limit = LIMIT_MB * options.models * options.benchmarks * options.problems / 5000
        print(f"page          {size:6.1f} MB  ratio to the limit of {limit:.0f} MB: {size / limit:.2f}")
        print(f"beside it     {apart:6.1f} MB, of {samples:.0f} MB of samples")
        print(
            f"show_samples  {sum(cpu for cpu, _ in used):6.1f} CPU s in all, {max(memory for _, memory in used):.0f} MB of memory"
        )
        times = opening_times(page.resolve().as_uri())
        if times is None:
            return print("times         not measured: chromium, chromedriver or selenium is missing")
        for name, values in zip(("first paint", "first problem", "its seeds"), zip(*times, strict=True), strict=True):
            middle, worst = statistics.median(values), max(values)
            print(
                f"{name:13} {middle:6.2f} s, worst of {OPENINGS} {worst:.2f} s  ratio to {LIMIT_S} s: {worst / LIMIT_S:.2f}"
            )


if __name__ == "__main__":
    main()
