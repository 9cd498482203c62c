"""When Snakemake makes the checks: at the end of a dry run, which shows the plan too, and before the first job of a run.

With snakemake_output.py the one place for what Snakemake has no documented way to do. Tested with the oldest version that the
Snakefile accepts and with the pinned one; where another version has changed, the checks are left out with a warning, and the run
goes on.

    workflow.execute               it runs no handler (onstart, onsuccess, onerror) in a dry run, and an error of a function
                                   registered with atexit would not change the exit status
    workflow.dag.needrun_jobs, .jobs                which jobs will run; all whose files were asked for
    workflow.touch, .dryrun, .local_exec, .deployment_settings, .output_settings     how they will run
    workflow.modifier              whether another workflow moves our files
    logger                         a filter of it may change what is said of an error

Each job reads the Snakefile again, and with it this file: what only the checks need is imported by them.
"""

import logging
from functools import partial
from typing import NamedTuple

from snakemake.exceptions import MissingInputException, MissingRuleException, WorkflowError
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake.settings.types import DeploymentMethod

from openmath.errors import InputError

SECTIONS = {"dataset": "dataset", "train": "training", "contamination": "contamination"}  # target -> what it needs


class Planned(NamedTuple):
    """What Snakemake is about to do, or in a dry run has just listed."""

    rules: set[str]  # names
    files: set[str]  # outputs
    touch: bool
    silent: bool  # --quiet all
    here: bool  # jobs run on this machine
    containers: bool
    conda: bool


def check_no_prefix(workflow) -> None:
    """Refuse to be moved by `prefix:` of a module statement: plan, records and reports name files as rules and jobs find them."""
    modifier = getattr(getattr(workflow, "modifier", None), "path_modifier", None)
    while modifier is not None:
        if getattr(modifier, "prefix", None) or getattr(modifier, "modifies_prefixes", False):
            raise WorkflowError(
                "This workflow cannot be used with `prefix:` or `replace_prefix:`: Snakemake would move the rules' files, but not "
                f"where plan, records and reports look for them.\n  where:    module {workflow.modifier.globals['__name__']}\n"
                "Hint: leave it out. The workflow writes only below data/, models/, results/, judgements/ and logs/; "
                "`use rule * from ... as openmath_*` keeps the names of rules apart."
            )
        modifier = getattr(modifier, "inner_modifier", None)  # a module's module; older versions modify once


def check_dry_runs(workflow, config: dict, plan: str) -> None:
    """Let every dry run end with the plan of its jobs, and with an error where the configuration makes them impossible.

    plan: name of the rule that prints the plan of the whole configuration.
    """
    if not getattr(workflow, "is_main_process", True):
        return
    execute = getattr(workflow, "execute", None)
    if execute is None:
        logger.warning("This version of Snakemake ends a dry run without the plan; `snakemake plan` shows it.")
        return

    def execute_and_check(*args, **kwargs):
        try:
            result = execute(*args, **kwargs)
        except MissingInputException:  # before any check; its list of files says less than ours
            _stop_without_sources(config)
            raise
        except MissingRuleException as error:
            _stop_without_section(config, str(error))
            raise
        if getattr(workflow, "dryrun", False) and (planned := _planned(workflow)):
            _show_plan_and_check(planned, config, plan)
        return result

    workflow.execute = execute_and_check


def check_before_start(workflow, config: dict, plan: str) -> None:
    """Stop a run with one list of all problems, if there are any. --touch makes nothing: nothing can fail."""
    planned = _planned(workflow)
    if not planned or planned.touch:
        return
    if not planned.files:
        _show_plan_and_check(planned, config, plan, only_with_problems=True)
        return
    from openmath.preflight.checks import configuration_problems, machine_problems
    from openmath.preflight.slurm import check_no_live_jobs

    where = {"here": planned.here, "containers": planned.containers, "conda": planned.conda}
    try:
        problems = check_no_live_jobs(planned.rules) + configuration_problems(config, planned.files)
        problems += machine_problems(config, planned.files, **where)
    except InputError as error:
        problems = [error]
    _stop(problems)


def _show_plan_and_check(planned: Planned, config: dict, plan: str, *, only_with_problems: bool = False) -> None:
    """only_with_problems: without any, the rule `plan` will print the plan."""
    from openmath.plan import make_plan, plan_text
    from openmath.preflight.checks import configuration_problems
    from openmath.preflight.needs import missing_files

    if not planned.files and plan not in planned.rules:
        return
    try:
        due = planned.files or missing_files(config)
        problems = configuration_problems(config, due)
        if not planned.silent and (problems or not only_with_problems):
            print("", plan_text(make_plan(config, due=planned.files or None)), sep="\n", flush=True)
    except InputError as error:
        problems = [error]
    _stop(problems)


def _stop_without_sources(config: dict) -> None:
    """Name imported samples and training sets that are not there."""
    from openmath.preflight.checks import configuration_problems
    from openmath.preflight.datasets import check_searched
    from openmath.preflight.needs import Needs, missing_files
    from openmath.preflight.samples import check_samples
    from openmath.preflight.training import check_sets

    due = missing_files(config)
    needs = Needs(config, due)
    if [*check_samples(needs), *check_sets(needs), *check_searched(needs)]:
        _stop(configuration_problems(config, due))


def _stop_without_section(config: dict, said: str) -> None:
    """Name the part of the configuration without which a target is not there. said: by Snakemake."""
    for target, section in SECTIONS.items():
        if section not in config and f" {target} " in said.partition("(")[0]:
            expected, hint = (
                f"a section `{section}`",
                "--configfile names the file that has it, or several that make one.",
            )
            where = f"target {target}"
            _stop(
                [InputError("The configuration asks for nothing of this.", where=where, expected=expected, hint=hint)]
            )


def _stop(problems: list[InputError]) -> None:
    from openmath.preflight.checks import problems_text

    if problems:
        raise plain_error(problems_text(problems)) from None


def plain_error(text: str) -> WorkflowError:
    """An error that Snakemake shows as it is, without where in our files it was raised: a reader would look there for it."""
    logger.addFilter(partial(_say_only, text))
    return WorkflowError(text)


def _say_only(text: str, record: logging.LogRecord) -> bool:
    if text in record.getMessage():
        record.msg, record.args = text, ()
    return True


def _planned(workflow) -> Planned | None:
    """None, with a warning, where this version of Snakemake does not say it."""
    try:
        jobs = list(workflow.dag.needrun_jobs(exclude_finished=False))
        methods = workflow.deployment_settings.deployment_method
        return Planned(
            rules={job.rule.name for job in jobs},
            files={str(file) for job in jobs for file in job.output},
            touch=workflow.touch,
            silent=Quietness.ALL in (workflow.output_settings.quiet or ()),
            here=workflow.local_exec,
            containers=DeploymentMethod.APPTAINER in methods,
            conda=DeploymentMethod.CONDA in methods,
        )
    except (AttributeError, TypeError) as error:
        logger.warning(
            f"This version of Snakemake does not say what it will run ({error}): no plan, no check before the start.\n"
            "Hint: python scripts/check_setup.py --configfile FILE makes the same checks."
        )
        return None
