r"""The samples of one model as a page of their own, with the viewer of the report: self-contained, opens offline.

    python scripts/show_samples.py results/my-model --judges gpt-4o --output results/report/my-model.html

Needs the grades (scripts/grade_answers.py); reads the judged files of the judges that are named.
"""

import argparse
from pathlib import Path

from openmath.errors import InputError, run_command
from openmath.files.rows import write_text
from openmath.grading.grades import POLICIES
from openmath.settings import defaults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results/MODEL")
    parser.add_argument("--judges", nargs="*", default=[], help="whose verdicts to show")
    parser.add_argument("--samples", type=Path, help="folder of BENCHMARK/output-*.jsonl, if not in results/MODEL")
    parser.add_argument("--policy", choices=POLICIES, default=defaults.POLICY, help="how votes are counted")
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()

    from openmath.report.page import render_page
    from openmath.report.sample_sets import sample_sets
    from openmath.report.viewer import samples_section

    sets = sample_sets(options.results, options.judges, options.samples)
    if not sets:
        raise InputError("There are no grades.", where=options.results, expected="grades/BENCHMARK.parquet")
    page = render_page(f"Samples of {options.results.name}", [samples_section(sets, options.policy)])
    write_text(options.output, page)


if __name__ == "__main__":
    run_command(main)
