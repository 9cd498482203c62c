r"""Show what is missing and what it will take, before anything runs. Reads files, writes nothing, uses no network.

    python scripts/plan_compute.py --configfile config/demo.yaml
    python scripts/plan_compute.py --configfile config/config.yaml --parallel-jobs 8 --json

`snakemake plan` does the same with the configuration that Snakemake has put together (--configfile, --config).
"""

import argparse
import json

from openmath.arguments import add_config_options, whole
from openmath.errors import run_command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_options(parser)
    parser.add_argument("--parallel-jobs", nargs="+", type=whole(1), help="generation jobs at the same time")
    parser.add_argument("--json", action="store_true", help="all numbers, for programs")
    options = parser.parse_args()

    from openmath.plan import make_plan, plan_text
    from openmath.plan.cost import PARALLEL_JOBS
    from openmath.settings.config_options import read_config

    plan = make_plan(read_config(options), parallel_jobs=options.parallel_jobs or PARALLEL_JOBS)
    print(json.dumps(plan, indent=2) if options.json else plan_text(plan))


if __name__ == "__main__":
    run_command(main)
