"""TensorRT-LLM: `trtllm-serve` on an engine directory that `build` makes (1.2), or on the HF checkpoint (backend: pytorch).

Every flag here and in the build was checked against TensorRT-LLM's source; tests/engines/test_trtllm.py checks them again wherever
tensorrt_llm can be imported. From 1.3 on there is no engine to build any more (the TensorRT backend was removed).
"""

import shlex
import shutil
import subprocess
from pathlib import Path

from openmath.engines.launcher import LocalServer
from openmath.errors import InputError
from openmath.files.fingerprint import canonical_json
from openmath.files.records import EngineRecord
from openmath.files.rows import write_text
from openmath.settings.engine_kinds import KINDS

DISK_FACTOR = 2.2  # a build holds the converted checkpoint and the engine, each about the size of the weights

# Where the conversion script lies in NVIDIA's image nvcr.io/nvidia/tensorrt-llm/release:1.2.1.
CONVERT = "/app/tensorrt_llm/examples/models/core/llama/convert_checkpoint.py"


def engine_version(command: str | None) -> str:
    code = "import importlib.metadata as m; print(m.version('tensorrt_llm'))"
    try:
        reply = subprocess.run(["python3", "-c", code], capture_output=True, text=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        raise InputError(
            "TensorRT-LLM is not installed in this environment.",
            where="python3",
            hint="run the workflow with `--sdm apptainer` (docs/engines.md), or choose `engine: vllm`, which builds nothing.",
        ) from None
    return f"tensorrt_llm {reply.stdout.strip()}"


def convert_command(checkpoint: Path, converted: Path, settings: dict) -> list[str]:
    """HF checkpoint -> TensorRT-LLM checkpoint, split over the GPUs."""
    size = str(settings["tensor_parallel"])
    command = ["python3", CONVERT, "--model_dir", str(checkpoint), "--output_dir", str(converted)]
    return [*command, "--dtype", settings["dtype"], "--tp_size", size, "--workers", size]


def build_command(converted: Path, engine: Path, settings: dict) -> list[str]:
    """TensorRT-LLM checkpoint -> engine, one file for each GPU."""
    build = settings["build"]
    command = ["trtllm-build", "--checkpoint_dir", str(converted), "--output_dir", str(engine)]
    command += ["--gpt_attention_plugin", settings["dtype"], "--use_paged_context_fmha", "enable"]
    command += ["--max_input_len", str(build["max_input_len"]), "--max_seq_len", str(settings["context_length"])]
    command += ["--max_num_tokens", str(build["max_num_tokens"]), "--max_batch_size", str(build["max_batch_size"])]
    return [*command, "--workers", str(settings["tensor_parallel"])]


def build(checkpoint: Path, folder: Path, description: EngineRecord) -> Path:
    """HF checkpoint -> TensorRT-LLM checkpoint -> engine, whose weights are returned. description: engine.json without them.

    The intermediate checkpoint is reused by a second try, and then removed.
    """
    _check_version(description["version"])
    _check_room(checkpoint, folder, description["settings"]["tensor_parallel"])
    converted, built, unfinished = folder / "converted", folder / "weights", folder / "converted.tmp"
    made_from = canonical_json({key: description[key] for key in ("version", "model", "settings")})
    stamp = folder / "converted.json"
    if not (converted.is_dir() and stamp.is_file() and stamp.read_text() == made_from):
        for path in (converted, unfinished):
            shutil.rmtree(path, ignore_errors=True)
        _run(convert_command(checkpoint, unfinished, description["settings"]))
        unfinished.rename(converted)
        write_text(stamp, made_from)
    shutil.rmtree(built, ignore_errors=True)
    _run(build_command(converted, built, description["settings"]))
    if not (built / "config.json").is_file():
        raise InputError(
            "trtllm-build ended without making an engine.", where=built, hint="its own messages are above."
        )
    shutil.rmtree(converted)
    stamp.unlink()
    return built


def _check_version(version: str) -> None:
    if not version.startswith("tensorrt_llm 1.2."):
        raise InputError(
            "This version of TensorRT-LLM cannot build the engine.",
            where="tensorrt_llm",
            expected="1.2.x (1.3 removed the TensorRT backend)",
            found=version,
            hint="engines: trtllm: backend: pytorch, the image nvcr.io/nvidia/tensorrt-llm/release:1.2.1, or `engine: vllm`.",
        )


def check_numbers(checkpoint: Path, config: dict, dtype: str) -> None:
    """The PyTorch backend has no flag for the type of numbers: it computes in the checkpoint's. config: its config.json."""
    own = config.get("dtype") or config.get("torch_dtype")
    if own is not None and own != dtype:
        raise InputError(
            "The PyTorch backend of TensorRT-LLM computes in the checkpoint's own type of numbers.",
            where=checkpoint / "config.json",
            expected=f"dtype: {dtype}, as configured",
            found=own,
            hint=f"dtype: {own}, or `engine: vllm`.",
        )


def _check_room(checkpoint: Path, folder: Path, tensor_parallel: int) -> None:
    """Fail before the conversion: room on the disk, GPUs of the right number and memory."""
    weights = sum(path.stat().st_size for path in checkpoint.glob("*.safetensors"))
    free, needed = shutil.disk_usage(folder).free, int(weights * DISK_FACTOR)
    if free < needed:
        raise InputError(
            "There is not enough disk space for the build.",
            where=folder,
            expected=f"{needed / 1e9:.0f} GB free",
            found=f"{free / 1e9:.0f} GB",
        )
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        reply = subprocess.run(query, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        raise InputError(
            "TensorRT-LLM builds an engine on the type of GPU that will run it, and there is no GPU here.",
            where="nvidia-smi",
            hint="give the rule build_engine a GPU (profiles/slurm), and the container `--nv`.",
        ) from None
    memory = [int(line) * 2**20 for line in reply.stdout.split()]
    if len(memory) < tensor_parallel:
        raise InputError("There are too few GPUs.", where="nvidia-smi", expected=tensor_parallel, found=len(memory))
    if weights / tensor_parallel > min(memory):
        raise InputError(
            "A GPU is too small for its share of the weights.",
            where="tensor_parallel",
            expected=f"{weights / tensor_parallel / 2**30:.0f} GiB and room for the cache",
            found=f"{min(memory) / 2**30:.0f} GiB",
            hint="raise tensor_parallel.",
        )


def _run(command: list[str]) -> None:
    print("+", *command, flush=True)
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(
            "The TensorRT-LLM build failed.", where=command[0], found=error, hint="its own messages are above."
        ) from None


def serve_flags(description: EngineRecord) -> list[str]:
    settings = description["settings"]
    backend, build = settings.get("backend", "tensorrt"), settings.get("build")
    flags = ["--backend", backend, "--tokenizer", description["checkpoint"], "--host", "127.0.0.1"]
    flags += ["--tp_size", str(settings["tensor_parallel"]), "--max_seq_len", str(settings["context_length"])]
    if build:
        flags += ["--max_batch_size", str(build["max_batch_size"]), "--max_num_tokens", str(build["max_num_tokens"])]
    return flags


def server(description: EngineRecord, *, command: str | None, args: str, log: Path) -> LocalServer:
    program, flags = shlex.split(command or KINDS["trtllm"].program), serve_flags(description)
    served = description.get("weights", description["checkpoint"])
    # FORCE_DETERMINISTIC switches the reuse of cached prefixes off.
    environment = {"FORCE_DETERMINISTIC": "1"} if description["settings"].get("deterministic") else {}
    return LocalServer(
        name="trtllm",
        command=lambda port: [*program, served, *flags, "--port", str(port), *shlex.split(args)],
        model=Path(served).name,
        environment=environment,
        log=log,
    )
