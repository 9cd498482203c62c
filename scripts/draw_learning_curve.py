r"""What a model solves after single steps of its training, with 95 % intervals; as SVG, PNG, PDF and CSV.

    python scripts/draw_learning_curve.py --output-dir training/mine --steps 0 10000 20000 --summaries \
        results/base/summary/none results/mine-10k/summary/none results/mine-20k/summary/none

Needs metrics.json and published.csv of each: scripts/summarize_results.py.
"""

import argparse
from pathlib import Path

from openmath.arguments import whole
from openmath.errors import InputError, parts_of, run_command
from openmath.files.rows import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--summaries", nargs="+", required=True, type=Path, help="results/MODEL/summary/JUDGE folders")
    add("--steps", nargs="+", required=True, type=whole(0), help="of each; 0: the model that the training started from")
    add("--output-dir", required=True, type=Path, help="gets learning_curve.svg, .png, .pdf and .csv")
    options = parser.parse_args()
    if len(options.steps) != len(options.summaries):
        raise InputError(
            "Each summary needs its step.", expected=f"{len(options.summaries)} --steps", found=len(options.steps)
        )
    with parts_of("summaries of finished evaluations", ", ".join(map(str, options.summaries))):
        draw(options.summaries, options.steps, options.output_dir)


def draw(summaries: list[Path], steps: list[int], folder: Path) -> None:
    from openmath.files.text_tables import csv_text
    from openmath.report.drawing import save_figure
    from openmath.report.figure_tables import model_rows
    from openmath.report.training_curve import draw_learning

    rows = model_rows(summaries)
    step_of = {path.parents[1].name: step for path, step in zip(summaries, steps, strict=True)}
    rows.insert(0, "step", rows["model"].map(step_of))
    save_figure(draw_learning(rows), folder, "learning_curve")
    write_text(folder / "learning_curve.csv", csv_text(rows))


if __name__ == "__main__":
    run_command(main)
