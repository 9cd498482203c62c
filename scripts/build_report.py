r"""One page of all results, results/report.html: self-contained, opens offline.

    python scripts/build_report.py --summaries results/my-model/summary/none --output results/report.html

Each summary folder needs its figures: scripts/draw_figures.py.
Grades, samples, verdicts and costs are read beside them: results/my-model/{grades,eval-results,judged,.staging}.
Training sets that lie beside the results, in datasets/NAME, are shown with their stages.
Of many models the samples are too much for one page: --sample-pages names pages of show_samples.py, to be linked instead.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.errors import parts_of, run_command
from openmath.files.rows import write_text
from openmath.grading.grades import POLICIES
from openmath.settings import defaults

if TYPE_CHECKING:
    from openmath.report.section import Section
    from openmath.report.summaries import Summary

TITLE = "Evaluation of math language models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--summaries", nargs="+", required=True, type=Path, help="results/MODEL/summary/JUDGE folders")
    add("--comparisons", nargs="*", default=[], type=Path, help="comparison.csv of compare_models.py")
    add("--samples", nargs="*", default=[], metavar="MODEL=FOLDER", help="samples that lie elsewhere")
    add("--sample-pages", nargs="*", default=[], type=Path, help="link these pages: no samples in the report itself")
    add("--policy", choices=POLICIES, default=defaults.POLICY, help="how votes are counted")
    add("--output", required=True, type=Path)
    options = parser.parse_args()
    with parts_of("a finished evaluation", ", ".join(map(str, options.summaries))):
        write_text(options.output, page(options))


def page(options: argparse.Namespace) -> str:
    from openmath.report.costs import cost_section
    from openmath.report.overview import masthead, overview_section
    from openmath.report.page import render_page
    from openmath.report.results import comparison_section, model_section, sample_links_section
    from openmath.report.summaries import read_summary
    from openmath.report.training_sets import training_sets_section

    summaries = [read_summary(folder) for folder in options.summaries]
    # The page, top to bottom.
    sections = [
        overview_section(summaries),
        *map(model_section, summaries),
        comparison_section(options.comparisons) if options.comparisons else None,
        training_sets_section(summaries[0].results.absolute().parents[1]),
        cost_section(summaries),
        sample_links_section(options.sample_pages, options.output)
        if options.sample_pages
        else all_samples_section(summaries, options),
    ]
    return render_page(TITLE, [section for section in sections if section], masthead(summaries))


def all_samples_section(summaries: "list[Summary]", options: argparse.Namespace) -> "Section":
    """The viewer with every model."""
    from openmath.report.sample_sets import sample_sets
    from openmath.report.viewer import samples_section

    elsewhere = {model: Path(folder) for model, _, folder in (text.partition("=") for text in options.samples)}
    judges: dict[Path, list[str]] = {}
    for summary in summaries:
        judges.setdefault(summary.results, []).append(summary.judge)
    sets = [one for results, of in judges.items() for one in sample_sets(results, of, elsewhere.get(results.name))]
    return samples_section(sets, options.policy)


if __name__ == "__main__":
    run_command(main)
