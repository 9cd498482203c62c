r"""All models side by side: greedy and majority with 95 % intervals, beside published numbers; as SVG, PNG, PDF and CSV.

    python scripts/draw_models.py --summaries results/*/summary/none --output-dir results/figures

Needs metrics.json and published.csv of each: scripts/summarize_results.py.
"""

import argparse
from pathlib import Path

from openmath.errors import parts_of, run_command
from openmath.files.rows import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--summaries", nargs="+", required=True, type=Path, help="results/MODEL/summary/JUDGE folders")
    parser.add_argument("--output-dir", required=True, type=Path)
    options = parser.parse_args()
    with parts_of("summaries of finished evaluations", ", ".join(map(str, options.summaries))):
        draw(options.summaries, options.output_dir)


def draw(summaries: list[Path], folder: Path) -> None:
    from openmath.files.text_tables import csv_text
    from openmath.report.drawing import draw_models, save_figure
    from openmath.report.figure_tables import model_rows

    rows = model_rows(summaries)
    save_figure(draw_models(rows), folder, "models")
    write_text(folder / "models.csv", csv_text(rows))


if __name__ == "__main__":
    run_command(main)
