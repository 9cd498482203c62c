"""A file or a split of a data set on the Hugging Face Hub: `hf:ORG/NAME@REVISION/PATH-OR-SPLIT`.

HF_TOKEN, HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE are respected; what was fetched once is in the Hub's cache.
"""

import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from openmath.api_keys import without_key
from openmath.benchmarks.sources import FORMATS, MAX_BYTES
from openmath.client.hub import hub_token
from openmath.errors import InputError

PREFIX = "hf:"
SOURCE = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^/\s]+))?(?:/(?P<part>\S+))?")
SHARD = re.compile(r"-\d+-of-\d+$")
SECONDS = 30.0  # of the request for the list of files


class HubSource(NamedTuple):
    """part: a file of the repository or the name of a split."""

    repo: str
    revision: str | None
    part: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}{f'@{self.revision}' if self.revision else ''}/{self.part}"


def parse_hub_source(source: str) -> HubSource:
    found = SOURCE.fullmatch(source)
    if not found or not found["part"]:
        raise InputError(
            "This is not a file or split on the Hub.",
            where=source,
            expected="hf:ORG/NAME@REVISION/PATH-OR-SPLIT",
            hint="for example hf:MathArena/aime_2026@main/train, or the path of a .jsonl, .csv or .parquet file in the repository.",
        )
    return HubSource(found["repo"], found["revision"], found["part"])


def files_of_part(part: str, names: list[str]) -> list[str]:
    """The files of a repository that are `part`: the file itself, or all shards of the split. [] where there are none.

    Raises InputError where several data sets in the repository have such a split.
    """
    if part in names:
        return [part]
    found = [name for name in names if PurePosixPath(name).suffix.lower() in FORMATS and _is_split(name, part)]
    data_sets = {SHARD.sub("", str(PurePosixPath(name).with_suffix(""))) for name in found}
    if len(data_sets) > 1:
        raise InputError(
            "Several files could be this split.",
            where=part,
            found=", ".join(sorted(found)),
            hint="give the path of one of them in place of the split.",
        )
    return sorted(found)


def _is_split(name: str, split: str) -> bool:
    stem = SHARD.sub("", PurePosixPath(name).stem)
    return stem == split or fnmatch(name, f"*/{split}/*") or name.startswith(f"{split}/")


def fetch_from_hub(source: str) -> tuple[list[Path], str]:
    """(files in the Hub's cache, the source with its commit). Raises OSError where it cannot be had, else InputError."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    repo, revision, part = parse_hub_source(source)
    token = hub_token()
    # The same patterns with a network and without: the cache is complete for what was once asked for.
    patterns = [part] + [f"{folder}{part}{rest}" for folder in ("", "*/") for rest in (".*", "-*", "/*")]
    which: dict = {"repo_type": "dataset", "revision": revision, "allow_patterns": patterns}
    try:
        try:
            info = HfApi().dataset_info(repo, revision=revision, files_metadata=True, timeout=SECONDS)
        except OfflineModeIsEnabled:
            folder = Path(snapshot_download(repo, **which, local_files_only=True))
            names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
            chosen = files_of_part(part, names)
        else:
            sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
            names, chosen = list(sizes), files_of_part(part, list(sizes))
            if (size := sum(sizes[name] for name in chosen)) > MAX_BYTES:
                expected, found = f"at most {MAX_BYTES} bytes", f"{size} bytes in {len(chosen)} files"
                raise InputError("The source is too large.", where=source, expected=expected, found=found)
            if chosen:
                folder = Path(snapshot_download(repo, **which))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        words = without_key(str(error), token).strip().splitlines() or [type(error).__name__]
        raise OSError(f"{words[0][:300]} (private and gated data sets need HF_TOKEN)") from None
    if not chosen:
        raise InputError(
            "The data set has no such file or split.",
            where=source,
            found=", ".join(sorted(n for n in names if PurePosixPath(n).suffix.lower() in FORMATS)[:20]) or "no table",
        )
    return [folder / name for name in chosen], str(HubSource(repo, folder.name, part))
