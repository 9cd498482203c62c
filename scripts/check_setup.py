r"""Check everything that can be known to fail before the first expensive job: all problems at once, each with a hint.

    python scripts/check_setup.py --configfile config/config.yaml
    srun -p gpu -G 1 python scripts/check_setup.py --configfile config/config.yaml --start-engines

Snakemake makes the same checks by itself before it starts, for the files that it is about to make. A dry run and the plan make
those that need no more than the configuration and the files that it names. By hand all are made, for all files that are missing;
on a node of the kind that will run the jobs, --start-engines also loads each engine's program.
"""

import argparse

from openmath.arguments import add_config_options
from openmath.errors import InputError, run_command


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_options(parser)
    parser.add_argument("--start-engines", action="store_true", help="ask each engine's program for its version")
    options = parser.parse_args()

    from openmath.preflight.checks import configuration_problems, machine_problems, problems_text
    from openmath.preflight.needs import missing_files
    from openmath.preflight.storage import check_cache
    from openmath.settings.config_options import read_config

    config = read_config(options)
    due = missing_files(config)
    problems = configuration_problems(config, due) + check_cache() + machine_problems(config, due, here=True)
    if options.start_engines and not problems:
        problems = start_engines(config, due)
    if problems:
        print(problems_text(problems))
        return 2
    print(f"{len(due):,} files are missing; nothing was found that would prevent making them")
    return 0


def start_engines(config: dict, due: set[str]) -> list[InputError]:
    """Problems of the engine programs that the missing files need."""
    from openmath.preflight.engines import start_program
    from openmath.preflight.needs import Needs

    problems = []
    for engine in sorted({config["models"][model]["engine"] for model in Needs(config, due).running}):
        try:
            print(f"{engine}: {start_program(engine, config['engines'].get(engine, {}))}", flush=True)
        except InputError as problem:
            problems.append(problem)
    return problems


if __name__ == "__main__":
    run_command(main)
