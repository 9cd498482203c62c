"""Plan: what is missing and what it will cost, before anything runs; also shown at the end of a dry run.

Needs: nothing. Makes: nothing; prints a table.
"""

import atexit
import json

from snakemake.settings.enums import Quietness


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


def files_to_make():
    """What the jobs that Snakemake has planned will write."""
    return {str(file) for job in workflow.dag.needrun_jobs(exclude_finished=False) for file in job.output}


@atexit.register
def show_plan_after_dry_run():
    """The plan of the jobs just listed. Snakemake calls no handler in a dry run; other runs and their jobs stay silent."""
    if not workflow.dryrun or workflow.scheduler is None or Quietness.ALL in workflow.output_settings.quiet:
        return
    due = files_to_make()
    if due:
        from openmath.plan import make_plan, plan_text

        print("", plan_text(make_plan(config, due=due)), sep="\n", flush=True)
