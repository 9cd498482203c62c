"""Checkpoints on the Hugging Face Hub: are they in the cache, or may they be downloaded?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from openmath.api_keys import without_key
from openmath.client.http import TransportError
from openmath.client.hub import hub_token
from openmath.client.within import within
from openmath.engines.adapter import adapter_problem
from openmath.engines.checkpoint_files import checkpoint_problem
from openmath.errors import InputError
from openmath.files.disk import free_bytes, nearest
from openmath.preflight.needs import Needs
from openmath.settings.sample_settings import adapter_source

SECONDS = 10.0  # a read
ALL_SECONDS = 30.0  # of all reads of one model
REQUESTS = 8  # at the same time
UNREACHED = "The Hub cannot be reached, and the checkpoint is not in the cache."
FETCH = "run `snakemake fetch` where there is a network (same HF_HOME), or give a local folder (path:)."
IGNORED = (".pth", ".bin")  # second copies of the weights, not downloaded; as in download_checkpoint.py


def check_hub(needs: Needs) -> list[InputError]:
    """Snapshots of the models whose checkpoint is to be fetched, and of their adapters."""
    snapshots: list[Snapshot] = []
    for model in needs.checkpoints:
        settings = needs.config["models"][model]
        if "hf" in settings:
            snapshots.append(Snapshot(f"models: {model}: hf", settings["hf"], checkpoint_problem))
        if "adapter" in settings and "hf" in (source := adapter_source(settings["adapter"])):
            snapshots.append(Snapshot(f"models: {model}: adapter", source["hf"], partial(adapter_problem, base=None)))
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(filter(None, pool.map(check_in_time, snapshots)))


class Snapshot(NamedTuple):
    """key: of the configuration, that names it. problem: what is wrong with its folder (where: the place that names it)."""

    key: str
    source: str
    problem: Callable[..., InputError | None]


def check_in_time(snapshot: Snapshot) -> InputError | None:
    """check_snapshot, of a Hub that may drip."""
    try:
        return within(ALL_SECONDS, lambda: check_snapshot(snapshot))
    except TimeoutError:
        found, where = f"no whole reply within {ALL_SECONDS:g} s", f"{snapshot.key}: {snapshot.source}"
        return InputError(UNREACHED, where=where, found=found, hint=FETCH)


def check_snapshot(snapshot: Snapshot) -> InputError | None:
    """Whether a Hub snapshot is in the cache, or may be downloaded and fits on the disk. One request, none if HF_HUB_OFFLINE."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    repo, _, revision = snapshot.source.partition("@")
    where = f"{snapshot.key}: {snapshot.source}"
    cached = hub_cache(repo, revision)
    damage = cached and snapshot.problem(cached, where=where)
    if cached and not damage:
        return None
    if constants.HF_HUB_OFFLINE:
        return damage or InputError(
            "The checkpoint is not in the cache, and HF_HUB_OFFLINE is set.", where=where, hint=FETCH
        )
    try:
        token = hub_token()
    except InputError as problem:
        return problem
    api = HfApi()
    try:
        info = api.model_info(repo, revision=revision or None, timeout=SECONDS, files_metadata=True)
        if info.gated:  # what is in it may be seen by all, fetched by some
            api.auth_check(repo)
    except GatedRepoError:
        hint = f"accept its licence at huggingface.co/{repo} and export HF_TOKEN."
        return InputError("The repository is gated, and this token has no access.", where=where, hint=hint)
    except RevisionNotFoundError:
        return InputError(
            "The repository has no such revision.", where=where, hint="a branch, a tag or a commit of it."
        )
    except RepositoryNotFoundError:
        hint = "check the name; private repositories need HF_TOKEN."
        return InputError("No such repository, or no access to it.", where=where, hint=hint)
    except (HfHubHTTPError, TransportError, OSError) as error:
        found = without_key(f"{error}\n", token).splitlines()[0][:200]
        return InputError(UNREACHED, where=where, found=found, hint=FETCH)
    size = sum(file.size or 0 for file in info.siblings or [] if not file.rfilename.endswith(IGNORED))
    cache = nearest(constants.HF_HUB_CACHE)
    free = free_bytes(cache)
    if size > free:
        found = f"{free / 1e9:.1f} GB free in {cache}"
        hint = "set HF_HOME to a folder on a larger disk."
        return InputError(
            "There is not enough disk space for the checkpoint.",
            where=where,
            expected=f"{size / 1e9:.1f} GB",
            found=found,
            hint=hint,
        )
    return None


def hub_cache(repo: str, revision: str) -> Path | None:
    """The folder of a snapshot in the cache, which may be a part of it."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(repo, revision=revision or None, local_files_only=True, cache_dir=constants.HF_HUB_CACHE)
        )
    except LocalEntryNotFoundError:
        return None
