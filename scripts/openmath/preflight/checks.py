"""What stands in the way of the files to be made (`due`), as two lists of problems, and the message of both."""

from openmath.errors import InputError
from openmath.preflight.benchmarks import check_benchmarks
from openmath.preflight.checkpoints import check_checkpoints
from openmath.preflight.datasets import check_embedders, check_library, check_searched, check_tokenizer
from openmath.preflight.endpoints import check_answers, check_keys
from openmath.preflight.engines import check_programs
from openmath.preflight.hub import check_hub
from openmath.preflight.needs import Needs
from openmath.preflight.prompts import check_prompts
from openmath.preflight.samples import check_samples
from openmath.preflight.slurm import check_nodes
from openmath.preflight.storage import check_disk, check_folders
from openmath.preflight.training import check_trainers, check_trainings


def configuration_problems(config: dict, due: set[str]) -> list[InputError]:
    """What in the configuration, or in a file that it names, makes the files `due` impossible, on whatever machine.

    A dry run, the plan, check_setup.py and a run all make these checks.
    """
    needs = Needs(config, due)
    problems = [*check_samples(needs), *check_benchmarks(needs), *check_checkpoints(needs)]
    return [
        *problems,
        *check_trainings(needs),
        *check_prompts(needs),
        *check_searched(needs),
        *check_embedders(needs),
        *check_tokenizer(needs),
        *check_keys(needs),
    ]


def machine_problems(
    config: dict, due: set[str], *, here: bool, containers: bool = False, conda: bool = False
) -> list[InputError]:
    """What this machine lacks to make the files `due`. For check_setup.py and a run.

    here: jobs run on this machine, so its programs and network are theirs too. containers, conda: what brings engines.
    """
    needs = Needs(config, due)
    problems = [*check_folders(), *check_hub(needs), *check_disk(needs), *check_nodes(needs, here=here)]
    problems += check_library(needs, conda=conda)
    if here:
        problems += [*check_programs(needs, containers=containers, conda=conda), *check_answers(needs)]
        problems += check_trainers(needs, conda=conda)
    return problems


def problems_text(problems: list[InputError]) -> str:
    """All problems as one message."""
    one = len(problems) == 1
    numbered = [str(problem) if one else f"{number}. {problem}" for number, problem in enumerate(problems, start=1)]
    return "\n\n".join(
        [f"{'A problem' if one else f'{len(problems)} problems'} found before the start; nothing ran.", *numbered]
    )
