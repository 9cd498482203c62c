"""Results as NeMo-Skills' present summarize_results reads them: names of its files, and of what stands in its rows.

A folder of one benchmark holds output.jsonl (one greedy run) or output-rs*.jsonl (sampled runs), never both: it refuses both, and
its older versions count every other file as one more seed. The tool has been read at two ages (docs/export.md).
"""

import re

BENCHMARKS = {"math": "hendrycks_math"}  # by another name there; it knows no metrics of an unknown benchmark
ONE_RUN = "output.jsonl"  # greedy, or a majority answer
GREEDY, SAMPLED = "eval-results-greedy", "eval-results"
COUNTS = ("num_generated_tokens", "num_reasoning_tokens", "num_answer_tokens")  # it adds them up, and cannot add None
LABEL = re.compile(r"judgement\**\s*:", re.IGNORECASE)


def benchmark_name(name: str) -> str:
    """A benchmark's name there."""
    return BENCHMARKS.get(name, name)


def sample_file(benchmark: str, run: str) -> str:
    """Where it looks for one of our sample runs, below the folder of an export."""
    folder, file = (GREEDY, ONE_RUN) if run == "greedy" else (SAMPLED, f"output-{run}.jsonl")
    return f"{folder}/{benchmark_name(benchmark)}/{file}"


def as_its_row(row: dict) -> dict:
    """The row with what its metrics trip over or read otherwise than we do: counts that are none, words of a judge."""
    for key in COUNTS:
        if key in row and not isinstance(row[key], int):
            del row[key]
    if "judge_verdict" in row:
        row["judgement"] = plain_judgement(str(row.get("judgement") or ""), row["judge_verdict"] == "yes")
    return row


def plain_judgement(text: str, yes: bool) -> str:
    """A judge's words, such that it reads our verdict in them: yes, or not.

    In 2025 it read what follows the last label, in 2026 the first. Where one of them finds another verdict, ours stands at
    both ends of the text.
    """
    if all(found is yes for found in (_says_yes(text, "Judgement:", last=True), _says_yes(text, LABEL, last=False))):
        return text
    verdict = f"Judgement: {'Yes' if yes else 'No'}"
    return f"{verdict}\n\n{text}\n\n{verdict}"


def _says_yes(text: str, label: str | re.Pattern, last: bool) -> bool:
    """Whether `yes` follows the first or last label; without a label: no."""
    labels = list(re.finditer(label, text))
    return bool(labels) and text[labels[-last].end() :].strip().lower().startswith("yes")
