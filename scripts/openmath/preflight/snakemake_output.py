"""What a run of Snakemake says: our lines in place of its own, one line after Ctrl-C, the tables at the end.

Stands on what Snakemake does not document, as snakemake_hooks.py does and in the same way: where another version has changed it,
Snakemake's own output is left as it is.

    workflow.execute               all that a run does is inside it
    workflow.modifier              whether another workflow uses ours
    workflow.dag.jobs, .rules, .output_settings, .dag_settings, .touch, .dryrun     what was asked for
    workflow.local_exec            whether jobs run on this machine
    logger                         its handler "DefaultStreamHandler" writes what is seen; after Ctrl-C it reports each job that was
                                   ended as a failed one, with its command and its log
    snakemake.shell.STDOUT         where jobs' output goes, beside their logs

Each job reads the Snakefile again, and with it this file: what only the main process needs is imported by its functions.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import snakemake.shell  # noqa: F401  (a function of the same name hides the module)
from snakemake.logging import logger
from snakemake.settings.enums import Quietness

from openmath.errors import InputError

shell_module: Any = sys.modules["snakemake.shell"]
INTERRUPTED = 128 + signal.SIGINT  # the exit status, as of a shell


def be_quiet(workflow, plan: str) -> None:
    """Let a run show stages, running jobs and errors in place of Snakemake's own output: live at a terminal, else line by line.

    Snakemake's own stays for dry runs, --touch, --verbose, --printshellcmds, --debug-dag, --quiet rules, progress or all, a logger
    plugin, another workflow that uses this one, and with OPENMATH_TERMINAL=snakemake. plan: the rule whose output is what was asked
    for.
    """
    execute = _our_execute(workflow)
    if execute is None:
        return
    from openmath.preflight.terminal import Terminal, said_better

    def execute_quietly(*args, **kwargs):
        own = next((one for one in logger.handlers if one.name == "DefaultStreamHandler"), None)
        if own is None or not _quiet_wanted(workflow):
            return execute(*args, **kwargs)
        live = own.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        terminal = Terminal(
            own.stream,
            here=lambda: getattr(workflow, "local_exec", True),  # true of every executor until it is chosen
            columns=(lambda: shutil.get_terminal_size().columns) if live else None,
            untold={rule.name for rule in workflow.rules if not rule.log}
            | {plan},  # a live line would lie over the plan
        )
        printed = getattr(shell_module, "STDOUT", None)
        logger.removeHandler(own)
        logger.addHandler(terminal)
        with open(os.devnull, "w") as nothing:
            if plan not in (getattr(workflow.dag_settings, "targets", ()) or ()):
                shell_module.STDOUT = nothing
            terminal.start()
            try:
                return execute(*args, **kwargs)
            finally:
                terminal.stop()
                logger.removeHandler(terminal)
                logger.addHandler(own)
                own.addFilter(lambda record: not said_better(record.getMessage()))
                shell_module.STDOUT = printed

    workflow.execute = execute_quietly


def _quiet_wanted(workflow) -> bool:
    if os.environ.get("OPENMATH_TERMINAL") == "snakemake":
        return False
    try:
        asked = workflow.output_settings
        loud = asked.dryrun or asked.verbose or asked.printshellcmds or asked.debug_dag or workflow.touch
        return not loud and not {Quietness.ALL, Quietness.RULES, Quietness.PROGRESS} & set(asked.quiet or ())
    except AttributeError:  # another version of Snakemake
        return False


def end_with_tables(workflow, tables: list[str], report: str) -> None:
    """Let a run end with the tables where they were asked for, also where nothing was left to do.

    tables: of all models and judges. report: the page, named where it exists.
    """
    execute = _our_execute(workflow)
    if execute is None:
        return
    from openmath.results.closing import closing_words

    def execute_and_tell(*args, **kwargs):
        result = execute(*args, **kwargs)
        try:
            asked = {str(file) for job in workflow.dag.jobs for file in job.output}
            silent = workflow.dryrun or workflow.touch or Quietness.ALL in (workflow.output_settings.quiet or ())
        except (AttributeError, TypeError):  # another version of Snakemake: what it made is there all the same
            return result
        if not silent and set(tables) <= asked:
            print(closing_words(tables, report, _columns()), flush=True)
        return result

    workflow.execute = execute_and_tell


def _columns() -> int | None:
    """Of the terminal that is printed to; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


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


def _our_execute(workflow) -> Callable | None:
    """None in a job of a run, in a workflow that uses ours as a module, and where another version of Snakemake has it elsewhere."""
    is_ours = getattr(getattr(workflow, "modifier", None), "is_main_snakefile", lambda: True)
    if not getattr(workflow, "is_main_process", True) or not is_ours():
        return None
    return getattr(workflow, "execute", None)
