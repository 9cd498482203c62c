r"""Show what is missing and what it will take, before anything runs. Reads files, writes nothing, uses no network.

    python scripts/plan_compute.py --configfile config/demo.yaml
    python scripts/plan_compute.py --configfile config/config.yaml --parallel-jobs 8 --json

`snakemake plan` does the same with the configuration that Snakemake has put together (--configfile, --config). What the
configuration makes impossible, such as a model whose checkpoint is not there, follows the plan on stderr; the status is then 2.
"""

import argparse
import json
import sys

from openmath.arguments import add_config_options, whole
from openmath.errors import run_command


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_options(parser)
    parser.add_argument("--parallel-jobs", nargs="+", type=whole(1), help="generation jobs at the same time")
    parser.add_argument("--json", action="store_true", help="all numbers, for programs")
    options = parser.parse_args()

    from openmath.plan import make_plan, plan_text
    from openmath.plan.cost import PARALLEL_JOBS
    from openmath.preflight.checks import configuration_problems, problems_text
    from openmath.preflight.needs import missing_files
    from openmath.settings.config_options import read_config

    config = read_config(options)
    plan = make_plan(config, parallel_jobs=options.parallel_jobs or PARALLEL_JOBS)
    print(json.dumps(plan, indent=2) if options.json else plan_text(plan), flush=True)
    problems = configuration_problems(config, missing_files(config))
    if problems:
        print(problems_text(problems), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    run_command(main)
