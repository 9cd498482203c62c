"""Snakemake that looks at its Slurm jobs every two seconds; the plugin looks ten seconds later each time, for busy controllers."""

import asyncio

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

SECONDS = 2


async def sleep(self: RemoteExecutor) -> None:
    await asyncio.sleep(SECONDS)


RemoteExecutor.sleep = sleep
main()
