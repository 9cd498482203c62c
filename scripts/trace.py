r"""From a number in the tables back to the files that it was made from, with every hash checked and the number computed again.

    python scripts/trace.py results/my-model/summary/gpt-4o --cell math:greedy:judge_correct
    python scripts/trace.py results/my-model/summary/gpt-4o --cell math:majority@256:judge_correct --question math-17
    python scripts/trace.py results/my-model/summary/gpt-4o --cell math:greedy:symbolic_correct --regrade
    python scripts/trace.py datasets/demo/train.parquet --row 17

The number is computed from the recorded grades and verdicts; --regrade first makes these grades again from all samples.
--row leads a row of a training set, counted from 0, back to its sample and the votes on its label.
The folder may also be named by one of its files. Exit status: 0 all is as recorded; 1 a file has changed or is gone, or the number
comes out differently; 2 there is nothing to trace.
"""

import argparse
import json
import sys
from pathlib import Path

from openmath.arguments import whole
from openmath.errors import InputError, parts_of, printable, run_command


def main() -> int:
    options = parse_arguments()
    if options.row is not None:
        return trace_row(options)
    summary = options.summary if options.summary.is_dir() else options.summary.parent
    if not (summary / "manifest.json").exists():
        raise InputError(
            "There is no manifest here.",
            where=options.summary,
            expected="results/MODEL/summary/JUDGE, with manifest.json",
            hint="`snakemake` writes it; or name the folder, not one of its parents.",
        )
    with parts_of("a summary with its manifest", summary):
        return trace(options, summary)


def trace_row(options: argparse.Namespace) -> int:
    """Print what stands behind a row of a packed training set; the exit status."""
    from openmath.provenance.chain import broken
    from openmath.provenance.packed_row import history_text, row_history

    path = options.summary
    if not (path.is_file() and (path.parent / "manifest.json").exists()):
        expected = "datasets/NAME/train.parquet, with manifest.json beside it"
        raise InputError("There is no packed training set here.", where=path, expected=expected)
    with parts_of("a training set with its manifest", path.parent):
        history = row_history(path, options.row)
    files = history["files"]
    if options.json:
        print(json.dumps(history | {"files": [vars(file) | {"state": file.state} for file in files]}))
    else:
        print(printable(history_text(history)), end="")
    problems = broken(files)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def trace(options: argparse.Namespace, summary: Path) -> int:
    """Print the chain behind a cell; the exit status."""
    from openmath.provenance.cells import find_cell, read_benchmark, read_cells, recompute
    from openmath.provenance.chain import Chain, broken
    from openmath.provenance.places import root_of
    from openmath.provenance.problem import problem_history, problem_text
    from openmath.provenance.regrading import regrade
    from openmath.provenance.rendering import cell_text, chain_text
    from openmath.provenance.stages import read_record

    manifest = read_record(summary / "manifest.json")
    chain = Chain(manifest, root_of(summary, manifest), options.samples, options.training_set, verify=options.verify)
    cells = read_cells(summary)
    benchmark, mode, column = key = find_cell(options.cell, cells)
    links = chain.of_cell(benchmark, mode, column, list(cells[key]))
    linked = links.all_files()
    # A table needs the judged files of its other rows too. Of files that are not the recorded ones nothing is computed: they
    # may be anything.
    others = {*chain.judged_paths(benchmark), *chain.voted_paths(benchmark)} - {file.path for file in linked}
    problems = broken(linked + chain.files(sorted(others)))
    cell = history = None
    if not problems:
        grades = chain.local_path(chain.layout.grades_file(chain.model, benchmark))
        judged = [chain.local_path(path) for path in chain.judged_paths(benchmark)]
        data = read_benchmark(grades, judged)
        cell = recompute(data, chain.policy, mode, column)
        problems = differing(summary, cells[key], cell.reported)
        if options.regrade:
            problems += regrade(chain, benchmark)
        if options.question:
            history = problem_history(chain, data, options.question)
    if options.json:
        report = {"cell": options.cell, "stands": cells[key], "details": cell and cell.details}
        print(
            json.dumps(report | {"chain": links.as_dict(), "question": history, "problems": list(map(str, problems))})
        )
    else:
        print(printable((cell_text(cell) if cell else f"{options.cell}\n") + chain_text(links)), end="")
        if history:
            print("\n" + printable(problem_text(history)), end="")
        if not problems:
            graded = "all samples are graded as before; " if options.regrade else ""
            seen = sum(file.sampled for file in linked)
            unread = f" ({seen} by size, time and a part of their bytes: --verify reads all)" if seen else ""
            print(f"\n{len(linked)} files are as recorded{unread}; {graded}the number comes out the same.")
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def differing(summary: Path, reported: dict[str, object], computed: dict[str, object]) -> list[InputError]:
    """One error for each file in which the cell is not what comes out now."""
    return [
        InputError(
            "The number comes out differently.",
            where=summary / name,
            expected=value,
            found=computed.get(name),
            hint="other versions of the workflow or its libraries? The manifest names those that made it.",
        )
        for name, value in reported.items()
        if computed.get(name) != value
    ]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "summary", type=Path, help="results/MODEL/summary/JUDGE, or a file in it; or a packed training set"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--cell", help="BENCHMARK:MODE:COLUMN, as in the tables")
    what.add_argument("--row", type=whole(0), metavar="N", help="of a packed training set")
    parser.add_argument("--question", metavar="ID", help="also show what became of one problem")
    parser.add_argument("--regrade", action="store_true", help="also grade all samples of the benchmark again")
    parser.add_argument(
        "--verify", action="store_true", help="hash also the samples that seem unchanged since they were graded"
    )
    parser.add_argument("--samples", type=Path, help="where imported samples lie, if no configuration says it")
    parser.add_argument(
        "--training-set",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="where it lies, if outside the checkout",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
