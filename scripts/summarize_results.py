r"""The tables people read, in the recipe's layout.

    python scripts/summarize_results.py results/my-model/eval-results
    python scripts/summarize_results.py --model m --grades results/m/grades/*.parquet --output-dir results/m/summary/none

The first form takes any folder of BENCHMARK/output-*.jsonl, made by this workflow or not: rows without is_correct are graded.
The second reads grades and judged files, and writes tables.txt, metrics.json, metrics.csv and published.md.
"""

import argparse
import json
from pathlib import Path

import pandas
import pyarrow.parquet as parquet
import yaml

from openmath.answers import extract_answer
from openmath.errors import InputError, run_command
from openmath.grading import grade, vote_class
from openmath.judging import parse_verdict
from openmath.samples import read_rows, run_order, sample_run_of, write_text
from openmath.tables import Run, format_table, metrics_row, modes_of, table_row

ENGINE_SPREAD = 2.0  # points: "may vary by 1-2%" by server type, GPUs and batch size, says the recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "results", nargs="?", type=Path, help="folder of BENCHMARK/output-*.jsonl (or with eval-results in it)"
    )
    parser.add_argument("--order", nargs="*", default=[], help="benchmarks to print first, in this order")
    parser.add_argument("--model", help="name under which config/published.yaml knows it")
    parser.add_argument("--grades", nargs="+", type=Path, default=[], help="BENCHMARK.parquet of grade_answers.py")
    parser.add_argument(
        "--judged", nargs="*", type=Path, default=[], help="BENCHMARK/greedy.jsonl, BENCHMARK/majority.jsonl"
    )
    parser.add_argument("--published", type=Path)
    parser.add_argument("--output-dir", type=Path)
    parser.add_argument("--policy", choices=("default", "paper"), default="default")
    options = parser.parse_args()
    if options.results:
        benchmarks = benchmarks_of_folder(options.results, options.order, options.policy)
    elif options.grades:
        benchmarks = benchmarks_of_grades(options.grades, options.judged)
    else:
        raise InputError("Nothing to summarise.", expected="a results folder, or --grades")

    text, metrics = "", []
    for benchmark, (greedy, seeds, majority_judge) in benchmarks.items():
        modes = modes_of(greedy, seeds, majority_judge, options.policy)
        problems = len((greedy or seeds[0]).answers)
        text += format_table(benchmark, [table_row(mode, problems) for mode in modes])
        metrics += [
            {"benchmark": benchmark, **metrics_row(m, problems, 1 if m.name == "greedy" else len(seeds))} for m in modes
        ]
    print(text, end="")
    if options.output_dir:
        folder = options.output_dir
        write_text(folder / "tables.txt", text)
        write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
        write_text(folder / "metrics.csv", pandas.DataFrame(metrics).to_csv(index=False))
        write_text(folder / "published.md", published_text(options, metrics))


def benchmarks_of_folder(folder: Path, order: list[str], policy: str) -> dict:
    """Benchmark -> (greedy run, sampled runs, None) of every sub-folder with sample files."""
    root = folder / "eval-results" if (folder / "eval-results").is_dir() else folder
    folders = sorted({path.parent for path in root.glob("*/output-*.jsonl")}, key=lambda p: p.name)
    if not folders:
        raise InputError(
            "No sample files here.", where=root, expected="BENCHMARK/output-greedy.jsonl or output-rs*.jsonl"
        )
    folders.sort(key=lambda p: order.index(p.name) if p.name in order else len(order))
    found = {}
    for sub in folders:
        files = [path for path in sub.glob("output-*.jsonl") if path.name != "output-majority.jsonl"]
        runs = {sample_run_of(path): path for path in files}
        loaded = {name: run_of_file(runs[name], policy) for name in sorted(runs, key=run_order)}
        found[sub.name] = (loaded.pop("greedy", None), list(loaded.values()), None)
    return found


def run_of_file(path: Path, policy: str) -> Run:
    run = Run([], [], [])
    for number, row in enumerate(read_rows(path), start=1):
        answer = row["predicted_answer"] if "predicted_answer" in row else extract_answer(row.get("generation") or "")
        correct = row.get("is_correct")
        if correct is None:
            if "expected_answer" not in row:
                raise InputError("A row has neither is_correct nor expected_answer.", where=f"{path}:{number}")
            correct = grade(answer, str(row["expected_answer"])).correct
        run.answers.append(answer)
        run.classes.append(vote_class(answer) if policy == "default" else None)
        run.correct.append(bool(correct))
        run.finish_reasons.append(row.get("finish_reason"))
        if "judgement" in row:
            run.judge = run.judge or []
            run.judge.append(parse_verdict(row["judgement"], policy))
    if not run.answers:
        raise InputError("The file has no rows.", where=path)
    return run


def benchmarks_of_grades(grades: list[Path], judged: list[Path]) -> dict:
    """Benchmark -> (greedy run, sampled runs, judge verdicts on the majority answers), in the order of --grades."""
    verdicts = {(p.parent.name, p.stem): [row["judge_verdict"] for row in read_rows(p)] for p in judged}
    found = {}
    for path in grades:
        table = parquet.read_table(path).to_pandas()
        runs = {}
        for name, rows in table.groupby("sample_run", sort=False, observed=True):
            nulls = rows.astype(object).where(rows.notna(), None)
            runs[name] = Run(
                list(nulls.predicted_answer),
                list(nulls.vote_class),
                list(rows.is_correct),
                None,
                list(nulls.finish_reason),
            )
        greedy = runs.pop("greedy", None)
        if greedy:
            greedy.judge = verdicts.get((path.stem, "greedy"))
        seeds = [runs[name] for name in sorted(runs, key=run_order)]
        found[path.stem] = (greedy, seeds, verdicts.get((path.stem, "majority")))
    return found


def published_text(options: argparse.Namespace, metrics: list[dict]) -> str:
    """Ours beside the published numbers, with a verdict by our 95 % interval widened by the recipe's own spread."""
    known = yaml.safe_load(options.published.read_text()).get(options.model) if options.published else None
    if not known:
        return f"# {options.model} beside published numbers\n\nNo published numbers are registered for this model.\n"
    lines = [f"# {options.model} beside published numbers", "", f"Published: {known['source']}, LLM-judged.", ""]
    lines += ["| benchmark | mode | ours | 95 % interval | published | verdict |", "|---|---|---|---|---|---|"]
    for row in metrics:
        published = known.get(row["mode"].partition("@")[0], {}).get(row["benchmark"])
        if published is None:
            continue
        kind = "judge" if "accuracy_judge" in row else "symbolic"
        ours, low, high = (100 * row[f"{name}_{kind}"] for name in ("accuracy", "ci95_low", "ci95_high"))
        if low - ENGINE_SPREAD <= published <= high + ENGINE_SPREAD:
            verdict = "too small to tell" if high - low > 10 * ENGINE_SPREAD else "within"
        else:
            verdict = "differs"
        lines.append(
            f"| {row['benchmark']} | {row['mode']} ({kind}) | {ours:.2f} | {low:.1f} to {high:.1f} | {published} | {verdict} |"
        )
    lines += [
        "",
        f"within: the published number lies in our interval widened by {ENGINE_SPREAD:g} points, the spread that the",
    ]
    lines += [
        "recipe itself gives for engines and batch sizes. Other known reasons: judge snapshot, grader, prompt tokens."
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_command(main)
