r"""One page of all results, results/report.html: self-contained, opens offline.

    python scripts/build_report.py --summaries results/my-model/summary/none --output results/report.html

Each summary folder needs its figures: scripts/draw_figures.py.
What generation and judging have cost is read beside them, where it is.
"""

import argparse
from pathlib import Path

from openmath.errors import run_command
from openmath.report.costs import cost_section
from openmath.report.page import render_page
from openmath.report.results import comparison_section, model_section, overview_section
from openmath.report.summaries import read_summary
from openmath.samples import write_text

TITLE = "Evaluation of math language models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--summaries", nargs="+", required=True, type=Path, help="results/MODEL/summary/JUDGE folders")
    parser.add_argument("--comparisons", nargs="*", default=[], type=Path, help="comparison.csv of compare_models.py")
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()
    summaries = [read_summary(folder) for folder in options.summaries]
    # The page, top to bottom.
    sections = [
        overview_section(summaries),
        *map(model_section, summaries),
        comparison_section(options.comparisons) if options.comparisons else None,
        cost_section(summaries),
    ]
    write_text(options.output, render_page(TITLE, [section for section in sections if section]))


if __name__ == "__main__":
    run_command(main)
