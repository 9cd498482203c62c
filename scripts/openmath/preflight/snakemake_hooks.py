"""What Snakemake's main process does before it starts jobs: the plan after a dry run, the check before a real one."""

import sys

from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness
from snakemake.settings.types import DeploymentMethod

from openmath.errors import InputError


def check_no_prefix(workflow) -> None:
    """Refuse to be moved by `prefix:` of a module statement: plan, records and reports name files as rules and jobs find them."""
    modifier = workflow.modifier.path_modifier
    while modifier is not None:  # a module's module
        if modifier.prefix or modifier.modifies_prefixes:
            raise WorkflowError(
                "This workflow cannot be used with `prefix:` or `replace_prefix:`: Snakemake would move the rules' files, but not "
                f"where plan, records and reports look for them.\n  where:    module {workflow.modifier.globals['__name__']}\n"
                "Hint: leave it out. The workflow writes only below data/, models/, results/, judgements/ and logs/; "
                "`use rule * from ... as openmath_*` keeps the names of rules apart."
            )
        modifier = modifier.inner_modifier


def show_plan_after_dry_run(workflow, config: dict) -> None:
    """Print the plan of the jobs just listed. Real runs and their jobs stay silent."""
    if not workflow.dryrun or workflow.scheduler is None or Quietness.ALL in (workflow.output_settings.quiet or ()):
        return
    due = _files_to_make(workflow)
    if due:
        from openmath.plan import make_plan, plan_text

        try:
            print("", plan_text(make_plan(config, due=due)), sep="\n", flush=True)
        except InputError as error:  # nobody is left to catch it
            print(f"No plan: {error}", file=sys.stderr)


def check_before_start(workflow, config: dict) -> None:
    """Stop with one list of all problems, if there are any. --touch and the plan make nothing: nothing can fail."""
    due = _files_to_make(workflow)
    if not due or workflow.touch:
        return
    from openmath.preflight import check_no_live_jobs, find_problems, problems_text

    methods = workflow.deployment_settings.deployment_method
    brought = {"containers": DeploymentMethod.APPTAINER in methods, "conda": DeploymentMethod.CONDA in methods}
    try:
        problems = check_no_live_jobs({job.rule.name for job in _planned_jobs(workflow)})
        problems += find_problems(config, due, here=workflow.local_exec, **brought)
    except InputError as error:
        problems = [error]
    if problems:
        raise WorkflowError(problems_text(problems))


def _planned_jobs(workflow) -> list:
    """The jobs that Snakemake runs or, in a dry run, has just listed."""
    return list(workflow.dag.needrun_jobs(exclude_finished=False))


def _files_to_make(workflow) -> set[str]:
    return {str(file) for job in _planned_jobs(workflow) for file in job.output}
