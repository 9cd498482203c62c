"""Plan: what is missing and what it will cost, before anything runs; and the check of all that could fail later.

Needs: nothing. Makes: nothing. `snakemake plan` prints the plan, a dry run ends with it, and no run starts that cannot succeed.
"""

import atexit
import json
import sys

from snakemake.settings.enums import Quietness
from snakemake.settings.types import DeploymentMethod


localrules:
    plan,


rule plan:
    """Print which files are present, partial and missing, engine starts, hours, judge calls, dollars and disk."""
    params:
        config=json.dumps(config),
    shell:
        r"""
        python {SCRIPTS:q}/plan_compute.py --config-json <<<{params.config:q}
        """


def planned_jobs():
    """The jobs that Snakemake runs or, in a dry run, has just listed."""
    return list(workflow.dag.needrun_jobs(exclude_finished=False))


def files_to_make():
    """What these jobs will write."""
    return {str(file) for job in planned_jobs() for file in job.output}


@atexit.register
def show_plan_after_dry_run():
    """Print the plan of the jobs just listed. Snakemake calls no handler in a dry run; real runs and their jobs stay silent."""
    if not workflow.dryrun or workflow.scheduler is None or Quietness.ALL in workflow.output_settings.quiet:
        return
    due = files_to_make()
    if due:
        from openmath.plan import make_plan, plan_text

        try:
            print("", plan_text(make_plan(config, due=due)), sep="\n", flush=True)
        except InputError as error:  # nobody is left to catch it
            print(f"No plan: {error}", file=sys.stderr)


def check_before_start():
    """Stop with one list of all problems, if there are any."""
    from openmath.preflight import check_no_live_jobs, find_problems, problems_text

    containers = DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
    try:
        problems = check_no_live_jobs({job.rule.name for job in planned_jobs()})
        problems += find_problems(config, files_to_make(), here=workflow.local_exec, containers=containers)
    except InputError as error:
        problems = [error]
    if problems:
        raise WorkflowError(problems_text(problems))


onstart:
    # The main process only: Snakemake starts its jobs without handlers. --touch and the plan make nothing.
    if files_to_make() and not workflow.touch:
        check_before_start()
