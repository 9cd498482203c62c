"""Checkpoints on the Hugging Face Hub: are they in the cache, or may they be downloaded?"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from openmath.api_keys import checked_key, without_key
from openmath.client.http import TransportError, open_client
from openmath.errors import InputError
from openmath.preflight.needs import Needs

SECONDS = 10.0  # a request
REQUESTS = 8  # at the same time
IGNORED = (".pth", ".bin")  # second copies of the weights, not downloaded; as in download_checkpoint.py


def check_hub(needs: Needs) -> list[InputError]:
    """Snapshots of the models whose checkpoint is to be fetched."""
    models = needs.config["models"]
    hub = [model for model in needs.checkpoints if "hf" in models[model]]
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(filter(None, pool.map(lambda model: check_hub_checkpoint(model, models[model]["hf"]), hub)))


def check_hub_checkpoint(model: str, source: str) -> InputError | None:
    """Whether a Hub snapshot is in the cache, or may be downloaded and fits on the disk. One request, none if HF_HUB_OFFLINE."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    repo, _, revision = source.partition("@")
    where = f"models: {model}: hf: {source}"
    if in_hub_cache(repo, revision):
        return None
    fetch = "run `snakemake fetch` where there is a network (same HF_HOME), or give a local folder (path:)."
    if constants.HF_HUB_OFFLINE:
        return InputError("The checkpoint is not in the cache, and HF_HUB_OFFLINE is set.", where=where, hint=fetch)
    try:
        open_client(constants.ENDPOINT)  # as the Hub's library will: are proxy and certificates of use?
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
        return InputError(
            "The Hub cannot be reached, and the checkpoint is not in the cache.", where=where, found=found, hint=fetch
        )
    size = sum(file.size or 0 for file in info.siblings or [] if not file.rfilename.endswith(IGNORED))
    cache = next(p for p in (Path(constants.HF_HUB_CACHE), *Path(constants.HF_HUB_CACHE).parents) if p.exists())
    free = shutil.disk_usage(cache).free
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


def hub_token() -> str:
    """The token that the Hub's library sends, empty where there is none. Raises InputError where it cannot be one."""
    from huggingface_hub import get_token

    return checked_key(get_token() or "", where="HF_TOKEN, or the file of `hf auth login`", what="The Hub's token")


def in_hub_cache(repo: str, revision: str) -> bool:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        snapshot_download(repo, revision=revision or None, local_files_only=True, cache_dir=constants.HF_HUB_CACHE)
    except LocalEntryNotFoundError:
        return False
    return True
