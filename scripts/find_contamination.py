r"""Which problems of the benchmarks stand in a training set, exactly or nearly.

    python scripts/find_contamination.py --benchmarks data/math.jsonl data/gsm8k.jsonl --training-set train-*.parquet \
        --field problem --output-dir results/contamination

Writes BENCHMARK.csv (one row per problem and type of overlap, with the most similar training row) and report.md. What is compared:
scripts/openmath/benchmarks/contamination.py; how to read it: docs/contamination.md.
"""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.arguments import real, whole
from openmath.errors import InputError, run_command
from openmath.files.rows import read_rows, write_text
from openmath.files.sample_rows import id_of
from openmath.settings import defaults

if TYPE_CHECKING:
    from openmath.benchmarks.contamination import Overlap

PROGRESS_SECONDS = 5.0
# Of a problem's runs of 8 words (Chowdhery et al. 2022; sources: openmath/benchmarks/contamination.py)
PALM_SHARE = 0.7
COLUMNS = ["id", "kind", "similarity", "training_rows", "training_row", "problem", "training_problem"]


def main() -> None:
    options = parse_arguments()

    from openmath.benchmarks.contamination import OVERLAP_TYPES, Overlap, training_problems
    from openmath.files.text_tables import write_csv

    names, ids, problems = [], [], []
    for path in options.benchmarks:
        for number, row in enumerate(read_rows(path)):
            if not isinstance(row.get("problem"), str):
                raise InputError("A benchmark row has no problem.", where=f"{path}:{number + 1}")
            names.append(path.stem)
            ids.append(id_of(row, number))
            problems.append(row["problem"])
    if not names:
        raise InputError("The benchmarks have no problems.", where=", ".join(map(str, options.benchmarks)))
    overlap = Overlap(problems, ngram=options.ngram, similarity=options.similarity)
    started = told = time.monotonic()
    count = 0
    for count, problem in enumerate(training_problems(options.training_set, options.field), start=1):
        overlap.add(count, problem)
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"find_contamination: {count:,} rows, {count / (told - started):,.0f} rows/s", flush=True)
    if count == 0:
        raise InputError("The training set is empty.", where=options.training_set[0])

    lines = []
    for benchmark in dict.fromkeys(names):
        numbers = [number for number, name in enumerate(names) if name == benchmark]
        pairs = [
            dict(
                zip(
                    COLUMNS,
                    [ids[n], overlap_type, round(m.similarity, 4), m.rows, m.row, problems[n], m.text],
                    strict=True,
                )
            )
            for n in numbers
            for overlap_type in OVERLAP_TYPES
            if (m := overlap.matches[overlap_type].get(n))
        ]
        write_csv(options.output_dir / f"{benchmark}.csv", pairs, COLUMNS)
        lines.append(
            {"benchmark": benchmark, "problems": f"{len(numbers):,}"} | shares(overlap, numbers, options.ngram)
        )
    write_text(options.output_dir / "report.md", report(options, count, lines))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--benchmarks", nargs="+", required=True, type=Path, help="prepared benchmarks, data/*.jsonl")
    add("--training-set", nargs="+", required=True, type=Path, help=".parquet or JSON lines files")
    add("--field", default=defaults.FIELD, help="where a training row holds the problem")
    add("--ngram", type=whole(2), default=defaults.NGRAM, help="words of a run: 13 as for GPT-3, or 8 as for PaLM")
    add(
        "--similarity",
        type=real(0, 1, above=True),
        default=defaults.SIMILARITY,
        help="least Jaccard similarity of a near duplicate",
    )
    add("--output-dir", required=True, type=Path)
    return parser.parse_args()


def shares(overlap: "Overlap", numbers: list[int], ngram: int) -> dict[str, str]:
    """How many of these problems overlap in each way, or are too short for runs of words."""
    from openmath.benchmarks.contamination import OVERLAP_TYPES

    names = ["exact", "near", f"{ngram}-gram"]
    counts = {
        name: sum(n in overlap.matches[overlap_type] for n in numbers)
        for name, overlap_type in zip(names, OVERLAP_TYPES, strict=True)
    }
    counts[f"{ngram}-grams >= 70 %"] = sum(overlap.containment(n) >= PALM_SHARE for n in numbers)
    counts["too short"] = sum(len(overlap.texts[n].words) < ngram for n in numbers)
    return {name: f"{count:,} ({100 * count / len(numbers):.1f} %)" for name, count in counts.items()}


def report(options: argparse.Namespace, rows: int, lines: list[dict]) -> str:
    from openmath.benchmarks.contamination import FEWEST_WORDS
    from openmath.files.text_tables import markdown_table

    n, least, files = options.ngram, FEWEST_WORDS, ", ".join(path.name for path in options.training_set)
    return f"""# Contamination

Problems of the benchmarks that stand in the training set: {rows:,} rows of {files}, field `{options.field}`.
The pairs lie in BENCHMARK.csv.

{markdown_table(lines)}
- **exact**: the same text, but for case, spaces and dollar signs.
- **near**: Jaccard similarity of the sets of word triples >= {options.similarity:g}; problems of {least} words and more.
- **{n}-gram**: {n} words in a row also stand in one training problem (GPT-3: 13; Brown et al. 2020).
- **>= 70 %**: of the problem's {n}-grams stand anywhere in the training set (PaLM: 8-grams; Chowdhery et al. 2022).
- **too short**: fewer than {n} words; only the first two columns can find these.

An overlap does not prove memorisation, and a paraphrase is not counted as an overlap.
"""


if __name__ == "__main__":
    run_command(main)
