"""When Snakemake makes the checks: at the end of a dry run, which shows the plan too, and before the first job of a run.

The one place for what Snakemake has no documented way to do. Tested with the oldest version that the Snakefile accepts and with
the pinned one; where another version has changed, the checks are left out with a warning, and the run goes on.

    workflow.execute               it runs no handler (onstart, onsuccess, onerror) in a dry run, and an error of a function
                                   registered with atexit would not change the exit status
    workflow.dag.needrun_jobs, .jobs                which jobs will run; all whose files were asked for
    workflow.touch, .dryrun, .local_exec, .deployment_settings, .output_settings     how they will run
    workflow.modifier              whether another workflow moves our files
    logger                         after Ctrl-C it reports each job that was ended as a failed one, with its command and its log;
                                   its handler "DefaultStreamHandler" writes what is seen
    snakemake.shell.STDOUT         where jobs' output goes, beside their logs

Each job reads the Snakefile again, and with it this file: what only the checks need is imported by them.
"""

import os
import signal
import sys
import threading
from typing import Any, NamedTuple

import snakemake.shell  # noqa: F401  (a function of the same name hides the module)
from snakemake.exceptions import MissingInputException, WorkflowError
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake.settings.types import DeploymentMethod

from openmath.errors import InputError

shell_module: Any = sys.modules["snakemake.shell"]
INTERRUPTED = 128 + signal.SIGINT  # the exit status, as of a shell


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
        if getattr(workflow, "dryrun", False) and (planned := _planned(workflow)):
            _show_plan_and_check(planned, config, plan)
        return result

    workflow.execute = execute_and_check


def end_quietly(workflow, config: dict) -> None:
    """Let Ctrl-C end a run with one line that says what is kept. Jobs, which the terminal interrupts too, end without a word."""
    in_use = signal.getsignal(signal.SIGINT)
    if in_use is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        return  # somebody else decides
    interrupted = threading.Event()
    is_main = getattr(workflow, "is_main_process", True)

    def interrupt(*_: object) -> None:
        for handler in getattr(logger, "handlers", ()):
            getattr(handler, "freeze", lambda: None)()  # of the quiet terminal
        if is_main and not interrupted.is_set():
            os.write(
                2, b"\nInterrupted: the jobs at work are ending.\n"
            )  # print may be interrupted in the middle of a line
        interrupted.set()
        sys.exit(INTERRUPTED)  # the scheduler ends its jobs on it, as on KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    logger.addFilter(lambda record: not interrupted.is_set())
    execute = getattr(workflow, "execute", None)
    if execute is None or not is_main:
        return

    def execute_to_the_end(*args, **kwargs):
        try:
            return execute(*args, **kwargs)
        finally:
            if interrupted.is_set():
                print(f"{_kept(config)} kept; run the same command again to go on.", flush=True)
                sys.exit(INTERRUPTED)

    workflow.execute = execute_to_the_end


def be_quiet(workflow, plan: str) -> None:
    """At a terminal, let a run show stages, live lines and errors in place of Snakemake's own output.

    Snakemake's own stays for dry runs, --verbose, --printshellcmds, --debug-dag, --quiet rules, progress or all, a logger plugin,
    where standard error is no terminal, and with OPENMATH_TERMINAL=snakemake. plan: the rule whose output is what was asked for.
    """
    execute = getattr(workflow, "execute", None)
    if execute is None or not getattr(workflow, "is_main_process", True):
        return
    from openmath.preflight.terminal import Terminal

    def execute_quietly(*args, **kwargs):
        own = next((one for one in logger.handlers if one.name == "DefaultStreamHandler"), None)
        if own is None or not _quiet_wanted(workflow, own.stream):
            return execute(*args, **kwargs)
        terminal = Terminal(own.stream, here=getattr(workflow, "local_exec", True))
        printed = getattr(shell_module, "STDOUT", None)
        logger.removeHandler(own)
        logger.addHandler(terminal)
        asked = getattr(workflow.dag_settings, "targets", ()) or ()
        with open(os.devnull, "w") as nothing:
            if printed is not None and printed.isatty() and plan not in asked:
                shell_module.STDOUT = nothing
            terminal.start()
            try:
                return execute(*args, **kwargs)
            finally:
                terminal.stop()
                logger.removeHandler(terminal)
                logger.addHandler(own)
                if printed is not None:
                    shell_module.STDOUT = printed

    workflow.execute = execute_quietly


def _quiet_wanted(workflow, stream) -> bool:
    if (
        os.environ.get("OPENMATH_TERMINAL") == "snakemake"
        or os.environ.get("TERM", "dumb") == "dumb"
        or not stream.isatty()
    ):
        return False
    try:
        asked = workflow.output_settings
        loud = asked.dryrun or asked.verbose or asked.printshellcmds or asked.debug_dag or workflow.touch
        return not loud and not {Quietness.ALL, Quietness.RULES, Quietness.PROGRESS} & set(asked.quiet or ())
    except AttributeError:  # another version of Snakemake
        return False


def _kept(config: dict) -> str:
    """What a later run takes up: "37 finished samples and all verdicts"."""
    from openmath.plan.files import Inventory

    if "dataset" in config:
        return "All finished samples and verdicts"
    inventory, kept = Inventory(config), 0
    try:
        for model in (name for name, source in config["models"].items() if "samples" not in source):
            left = inventory.model_files(model).left
            runs = len(inventory.layout.sample_runs(model))
            kept += sum(runs * inventory.rows(benchmark) for benchmark in config["benchmarks"]) - sum(left.values())
    except (InputError, OSError):  # the next run says why they cannot be counted
        return "All finished samples and verdicts"
    return f"{kept} finished samples and all verdicts"


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


def end_with_tables(workflow, tables: list[str], report: str) -> None:
    """Print the tables where they were asked for, also where nothing was left to do. tables: of all models and judges."""
    from openmath.results.closing import closing_words

    try:
        asked = {str(file) for job in workflow.dag.jobs for file in job.output}
        wanted = set(tables) <= asked and Quietness.ALL not in (workflow.output_settings.quiet or ())
    except (AttributeError, TypeError):  # another version of Snakemake: what it made is there all the same
        return
    if wanted and not workflow.touch:
        print(closing_words(tables, report), flush=True)


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
    from openmath.preflight.needs import Needs, missing_files
    from openmath.preflight.samples import check_samples
    from openmath.preflight.training import check_sets

    due = missing_files(config)
    needs = Needs(config, due)
    if [*check_samples(needs), *check_sets(needs)]:
        _stop(configuration_problems(config, due))


def _stop(problems: list[InputError]) -> None:
    from openmath.preflight.checks import problems_text

    if problems:
        raise WorkflowError(problems_text(problems)) from None


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
