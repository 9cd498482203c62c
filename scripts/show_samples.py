r"""The samples of one model, as the viewer of the report reads them; --page: with a page of their own, which opens offline.

    python scripts/show_samples.py results/my-model --judges gpt-4o --output samples/my-model --page samples/my-model.html

Needs the grades (scripts/grade_answers.py); reads the judged files of the judges that are named.
"""

import argparse
from pathlib import Path

from openmath.errors import InputError, run_command
from openmath.files.json_files import read_json
from openmath.files.rows import write_text
from openmath.grading.grades import POLICIES
from openmath.settings import defaults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results/MODEL")
    parser.add_argument(
        "--grades", nargs="*", default=[], type=Path, help="in the order to show (default: all, by name)"
    )
    parser.add_argument("--judges", nargs="*", default=[], help="whose verdicts to show")
    parser.add_argument("--samples", type=Path, help="folder of BENCHMARK/output-*.jsonl, if not in results/MODEL")
    parser.add_argument("--policy", choices=POLICIES, default=defaults.POLICY, help="how votes are counted")
    parser.add_argument("--output", required=True, type=Path, help="folder")
    parser.add_argument("--page", type=Path, help="also a page, FILE.html, which holds all but the seeds")
    options = parser.parse_args()

    from openmath.report.sample_files import write_samples
    from openmath.report.sample_sets import sample_sets

    sets = sample_sets(options.results, options.judges, options.samples, options.grades)
    if not sets:
        raise InputError("There are no grades.", where=options.results, expected="grades/BENCHMARK.parquet")
    write_samples(sets, options.output, options.policy)
    if options.page:
        write_text(options.page, page(options))


def page(options: argparse.Namespace) -> str:
    from openmath.report.page import render_page
    from openmath.report.prompt_shown import prompts_of
    from openmath.report.viewer import samples_section

    model = options.results.name
    prompts: dict[tuple[str, str], list[dict]] = {}
    for manifest in sorted(options.results.glob("summary/*/manifest.json")):
        of_model = prompts_of(read_json(manifest, "the manifest"))
        prompts |= {(model, benchmark): found for benchmark, found in of_model.items()}
    return render_page(f"Samples of {model}", [samples_section([options.output], options.page, prompts)])


if __name__ == "__main__":
    run_command(main)
