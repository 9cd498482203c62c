r"""One page of all results, results/report.html: self-contained, opens offline.

    python scripts/build_report.py --summaries results/my-model/summary/none --output results/report.html

Each summary folder needs its figures: scripts/draw_figures.py. Costs are read beside them: results/my-model/{judged,.staging}.
Training sets and trainings that lie beside the results, in datasets/NAME and training/RUN, are shown with their figures.
--samples: what show_samples.py has written. The page holds it, but for all seeds, which it reads when they are opened.
"""

import argparse
from pathlib import Path

from openmath.errors import parts_of, run_command
from openmath.files.rows import write_text

TITLE = "Evaluation of math language models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--summaries", nargs="+", required=True, type=Path, help="results/MODEL/summary/JUDGE folders")
    add("--comparisons", nargs="*", default=[], type=Path, help="comparison.csv of compare_models.py")
    add("--samples", nargs="*", default=[], type=Path, help="results/report/MODEL folders of show_samples.py")
    add("--output", required=True, type=Path)
    options = parser.parse_args()
    with parts_of("a finished evaluation", ", ".join(map(str, options.summaries))):
        write_text(options.output, page(options))


def page(options: argparse.Namespace) -> str:
    from openmath.report.costs import cost_section
    from openmath.report.overview import masthead, overview_section
    from openmath.report.page import render_page
    from openmath.report.prompt_shown import prompts_of
    from openmath.report.results import comparison_section, model_section
    from openmath.report.summaries import read_summary
    from openmath.report.training_sets import training_sets_section
    from openmath.report.trainings import trainings_section
    from openmath.report.viewer import samples_section

    summaries = [read_summary(folder) for folder in options.summaries]
    prompts = {
        (summary.model, benchmark): found
        for summary in summaries
        for benchmark, found in prompts_of(summary.manifest).items()
    }
    root = summaries[0].results.absolute().parents[1]
    # The page, top to bottom.
    sections = [
        overview_section(summaries, options.comparisons),
        *map(model_section, summaries),
        comparison_section(options.comparisons, linked=bool(options.samples)) if options.comparisons else None,
        training_sets_section(root),
        trainings_section(root, summaries),
        cost_section(summaries),
        samples_section(options.samples, options.output, prompts) if options.samples else None,
    ]
    return render_page(TITLE, [section for section in sections if section], masthead(summaries))


if __name__ == "__main__":
    run_command(main)
