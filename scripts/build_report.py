r"""One page of all results, results/report.html: self-contained, opens offline.

    python scripts/build_report.py --summaries results/my-model/summary/none --output results/report.html

Each summary folder needs its figures: scripts/draw_figures.py.
Grades, samples, verdicts and costs are read beside them: results/my-model/{grades,eval-results,judged,.staging}.
"""

import argparse
from pathlib import Path

from openmath.errors import parts_of, run_command
from openmath.grading import POLICIES
from openmath.report.costs import cost_section
from openmath.report.page import render_page
from openmath.report.results import comparison_section, model_section, overview_section
from openmath.report.sample_sets import sample_sets
from openmath.report.summaries import read_summary
from openmath.report.viewer import samples_section
from openmath.samples import write_text

TITLE = "Evaluation of math language models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--summaries", nargs="+", required=True, type=Path, help="results/MODEL/summary/JUDGE folders")
    parser.add_argument("--comparisons", nargs="*", default=[], type=Path, help="comparison.csv of compare_models.py")
    parser.add_argument("--samples", nargs="*", default=[], metavar="MODEL=FOLDER", help="samples that lie elsewhere")
    parser.add_argument("--policy", choices=POLICIES, default="default", help="how votes are counted")
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()
    with parts_of("a finished evaluation", ", ".join(map(str, options.summaries))):
        write_text(options.output, page(options))


def page(options: argparse.Namespace) -> str:
    summaries = [read_summary(folder) for folder in options.summaries]
    elsewhere = {model: Path(folder) for model, _, folder in (text.partition("=") for text in options.samples)}
    # The page, top to bottom.
    sections = [
        overview_section(summaries),
        *map(model_section, summaries),
        comparison_section(options.comparisons) if options.comparisons else None,
        cost_section(summaries),
        samples_section(sample_sets(summaries, elsewhere), options.policy),
    ]
    return render_page(TITLE, [section for section in sections if section])


if __name__ == "__main__":
    run_command(main)
