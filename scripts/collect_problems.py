r"""The new problems of one run that are good to solve: without empty, truncated, too long, copied and repeated ones.

    python scripts/collect_problems.py --samples datasets/d/problems/gsm8k-train/output-rs1.jsonl --seeds data/gsm8k-train.jsonl \
        --prompt config/prompts/gsm8k-problems.yaml --earlier datasets/d/new-problems/gsm8k-train-rs0.jsonl \
        --output datasets/d/new-problems/gsm8k-train-rs1.jsonl

A problem is copied if it stands, but for a few words, among --seeds or the prompt's examples, and repeated if it stands in
--earlier. It keeps the id of the problem that it was made from, not its answer. Beside the output stands OUTPUT.counts.json.
"""

import argparse
from pathlib import Path

from openmath.arguments import whole
from openmath.errors import run_command
from openmath.settings import defaults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--samples", required=True, type=Path, help="output-rsN.jsonl with a new problem in each generation")
    add("--seeds", required=True, nargs="+", type=Path, help="problems that may not be copied")
    add("--prompt", required=True, type=Path, help="whose examples may not be copied either")
    add("--earlier", nargs="*", default=[], type=Path, help="outputs of the runs before this one")
    add("--max-problem-tokens", type=whole(1), default=defaults.MAX_PROBLEM_TOKENS, help="as the engine counts them")
    add("--output", required=True, type=Path)
    options = parser.parse_args()

    from openmath.dataset.new_problems import Known, check_some, new_problems
    from openmath.files.fast_rows import read_rows
    from openmath.files.fingerprint import write_manifest
    from openmath.files.rows import write_rows
    from openmath.files.sample_runs import sample_run_of
    from openmath.generation.prompts import read_prompt

    seeds, earlier = Known(), Known()
    for path in options.seeds:
        for row in read_rows(path):
            seeds.add(row["problem"])
    for example in read_prompt(options.prompt)["examples"]:
        seeds.add(example["problem"])
        seeds.add(example["solution"])
    for path in options.earlier:
        for row in read_rows(path):
            earlier.add(row["problem"])
    counts: dict[str, int] = {}
    found = list(
        new_problems(
            read_rows(options.samples),
            sample_run_of(options.samples),
            seeds=seeds,
            earlier=earlier,
            max_tokens=options.max_problem_tokens,
            counts=counts,
        )
    )
    check_some(found, counts, options.samples)
    write_rows(options.output, found)
    write_manifest(options.output.with_suffix(".counts.json"), counts | {"left": len(found)})
    print(f"{options.output}: {len(found):,} of {counts['written']:,} new problems")


if __name__ == "__main__":
    run_command(main)
