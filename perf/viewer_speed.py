r"""Size of the report's sample viewer, and how soon it shows the first problem, on 5,000 problems with greedy and 8 seeds.

    python perf/viewer_speed.py
    python perf/viewer_speed.py --problems 500 --keep viewer.html
    python perf/viewer_speed.py --models 4                          as many as the report holds the samples of

Solutions are generated: sentences with formulas, random numbers and words of a skew distribution, so that they compress about as
real ones do (MATH's first 100 solutions: 2.8-fold; the script prints its own ratio). Prints the page in MB (limit 15 for 5,000
problems and model) and, where Chromium, its driver and selenium are there, first paint and the time until the first problem is
shown (limit 2 s), by the browser's Performance API: median and worst of fresh browsers.
"""

import argparse
import gzip
import itertools
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from openmath.grading.table import grade_files
from openmath.report.page import render_page
from openmath.report.sample_sets import sample_sets
from openmath.report.viewer import BLOCK, samples_section

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


def write_results(problems: int, seeds: int) -> Path:
    """Results of one model in the current folder, laid out as the workflow does; returns results/model."""
    writer = Writer(0)
    results, samples = Path("results/model"), Path("results/model/eval-results/math")
    judged = results / "judged/judge/math"
    for folder in (Path("data"), samples, judged, results / "grades"):
        folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": f"algebra/{n}", "problem": writer.sentence() + " " + writer.sentence(), "expected_answer": str(n % 97)}
        for n in range(problems)
    ]
    details = (
        {"reference_solution": writer.solution(n % 97, REFERENCE), "level": f"Level {n % 5}"} for n in range(problems)
    )
    write(Path("data/math.jsonl"), [row | more for row, more in zip(rows, details, strict=True)])
    files = [samples / "output-greedy.jsonl", *(samples / f"output-rs{seed}.jsonl" for seed in range(seeds))]
    for path in files:
        write(path, [row | generation(writer, n % 97) for n, row in enumerate(rows)])
    grade_files(files, results / "grades/math.parquet")
    for mode in ("greedy", "majority"):
        write(judged / f"{mode}.jsonl", [row | judgement(writer) for row in rows])
    return results


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


def opening_times(address: str) -> list[tuple[float, float]] | None:
    """Seconds until first paint and first problem shown, of each opening; None without a browser."""
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
            times.append(tuple(milliseconds / 1000 for milliseconds in browser.execute_script(TIMES)))
        finally:
            browser.quit()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--models", type=int, default=1, help="on the page, all with the same samples")
    parser.add_argument("--keep", type=Path, help="copy the page to this file")
    options = parser.parse_args()
    keep = options.keep and options.keep.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        results = write_results(options.problems, options.seeds)
        began = time.process_time()
        section = samples_section(sample_sets(results, ["judge"]) * options.models)
        cpu = time.process_time() - began
        html = Path("page.html")
        html.write_text(render_page("Samples", [section]), encoding="utf-8")
        if keep:
            shutil.copy(html, keep)
        ratio = compression(Path("results/model/eval-results/math/output-greedy.jsonl"))
        size = html.stat().st_size / 1e6
        print(f"{options.models} x {options.problems:,} problems, greedy and {options.seeds} seeds", end="; ")
        print(f"generations compress {ratio:.1f}-fold")
        limit = LIMIT_MB * options.models * options.problems / 5000
        print(f"page          {size:6.1f} MB  ratio to the limit of {limit:.0f} MB: {size / limit:.2f}")
        print(f"section       {cpu:6.1f} CPU s")
        times = opening_times(html.resolve().as_uri())
        if times is None:
            return print("times         not measured: chromium, chromedriver or selenium is missing")
        for name, values in zip(("first paint", "first problem"), zip(*times, strict=True), strict=True):
            middle, worst = statistics.median(values), max(values)
            print(
                f"{name:13} {middle:6.2f} s, worst of {OPENINGS} {worst:.2f} s  ratio to {LIMIT_S} s: {worst / LIMIT_S:.2f}"
            )


if __name__ == "__main__":
    main()
