r"""New problems without those that repeat a test problem.

    python scripts/decontaminate_problems.py --problems datasets/d/new-problems/gsm8k-train-rs0.jsonl --benchmarks gsm8k math \
        --similar datasets/d/same/gpt-4o/gsm8k-train-rs0.jsonl --output datasets/d/clean-problems/gsm8k-train-rs0.jsonl

--similar holds the pairs of find_similar.py as judge_answers.py has judged them: a yes in either order drops the problem. With
--similarity no judge is needed: the cosine alone decides. Beside the output stands OUTPUT.counts.json.
"""

import argparse
from pathlib import Path

from openmath.arguments import real
from openmath.errors import run_command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--problems", required=True, nargs="+", type=Path, help="new problems")
    add("--field", help="as of find_similar.py")
    add("--similar", required=True, type=Path, help="pairs, judged unless --similarity is given")
    add("--similarity", type=real(0, 1), help="least cosine of two statements of the same problem")
    add("--benchmarks", required=True, nargs="+", help="names, for the counts")
    add("--output", required=True, type=Path)
    add("--report", type=Path, help="Markdown file that says what was found")
    options = parser.parse_args()

    from openmath.dataset.decontamination import findings, report
    from openmath.dataset.new_problems import check_some
    from openmath.dataset.similar import problems_of
    from openmath.files.fast_rows import read_rows
    from openmath.files.fingerprint import write_manifest
    from openmath.files.rows import write_rows, write_text

    found = findings(read_rows(options.similar), options.similarity, options.benchmarks)
    problems = list(problems_of(options.problems, options.field))
    clean = [row for row in problems if row["id"] not in found.contaminated]
    if not options.field:
        check_some(clean, {"contaminated": len(found.contaminated)}, options.problems[0])
    if options.report:
        write_text(options.report, report(found, len(problems), options.similarity))
    write_rows(options.output, clean)
    write_manifest(options.output.with_suffix(".counts.json"), found.counts())
    print(
        f"{options.output}: {len(clean):,} of {len(problems):,} problems; {found.unparsed:,} verdicts were not readable"
    )


if __name__ == "__main__":
    run_command(main)
