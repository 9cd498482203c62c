"""Everything that can be known to fail before the first expensive job: one list of all problems, each with a hint.

    found = find_problems(config, due={"results/m/eval-results/gsm8k/output-greedy.jsonl", ...}, here=True)

Only what is about to be made is checked (`due`). Cheap: file names, small files, at most one request to each server.

    checkpoints   source of a checkpoint, access to it, tensor parallelism, context length, prompt template
    engines       the server program of an engine
    endpoints     keys and addresses of hosted judges and models
    storage       benchmarks, folders, disk space
    slurm         jobs of an earlier run that still work in this folder
"""

from openmath.errors import InputError
from openmath.preflight.checkpoints import check_checkpoints
from openmath.preflight.endpoints import check_endpoints
from openmath.preflight.engines import check_programs
from openmath.preflight.needs import Needs
from openmath.preflight.slurm import check_no_live_jobs
from openmath.preflight.storage import check_benchmarks, check_disk, check_folders

__all__ = ["check_no_live_jobs", "find_problems", "problems_text"]


def find_problems(
    config: dict, due: set[str], *, here: bool, containers: bool = False, conda: bool = False
) -> list[InputError]:
    """All problems in the way of making the files `due`.

    here: jobs run on this machine, so its programs and network are theirs too. containers, conda: what brings engines.
    """
    needs = Needs(config, due)
    problems = [*check_folders(), *check_benchmarks(needs), *check_checkpoints(needs), *check_disk(needs)]
    if here:
        problems += check_programs(needs, containers=containers, conda=conda)
    return problems + check_endpoints(needs, here=here)


def problems_text(problems: list[InputError]) -> str:
    """All problems as one message."""
    one = len(problems) == 1
    numbered = [str(problem) if one else f"{number}. {problem}" for number, problem in enumerate(problems, start=1)]
    return "\n\n".join(
        [f"{'A problem' if one else f'{len(problems)} problems'} found before the start; nothing ran.", *numbered]
    )
