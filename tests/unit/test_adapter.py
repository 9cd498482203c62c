"""LoRA adapters: fetched with their base, told apart, served under the name that requests ask for, and refused before the start."""

import json
import shutil
from pathlib import Path

import pytest
from in_process import run_script
from tiny_checkpoints import tiny_checkpoint

from openmath.engines import engine_module, read_engine
from openmath.engines.adapter import Base, adapter_problem, serving_flags
from openmath.errors import InputError
from openmath.files.json_files import read_json

Q, DOWN = "model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"
SHAPES = {Q: (24, 16), DOWN: (16, 40)}  # module -> (writes, reads)
PLAIN = {
    "peft_type": "LORA",
    "r": 4,
    "lora_alpha": 8,
    "target_modules": ["q_proj"],
    "base_model_name_or_path": "a/base",
}


def write_tensors(path: Path, shapes: dict[str, tuple[int, ...]], dtype: str = "BF16") -> None:
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))


def lora(*modules: str, shapes: dict = SHAPES, rank: int = 4) -> dict[str, tuple[int, ...]]:
    tensors = {}
    for module in modules:
        writes, reads = shapes[module]
        tensors[f"base_model.model.{module}.lora_A.weight"] = (rank, reads)
        tensors[f"base_model.model.{module}.lora_B.weight"] = (writes, rank)
    return tensors


@pytest.fixture
def base(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiny_checkpoint(tmp_path / "base")
    write_tensors(tmp_path / "base/model.safetensors", {f"{module}.weight": shape for module, shape in SHAPES.items()})
    return tmp_path / "base"


def write_adapter(folder: Path, tensors: dict | None = None, **changes: object) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(PLAIN | changes))
    write_tensors(folder / "adapter_model.safetensors", lora(Q, DOWN) if tensors is None else tensors)
    return folder


REFUSED = [
    ({}, None, "a/other", "another base(.|\n)*a/other(.|\n)*a/base"),
    ({}, lora(Q, shapes={Q: (24, 32)}), None, "another base(.|\n)*q_proj of 24 x 16(.|\n)*lora_A of 4 x 32"),
    ({}, lora(Q, shapes={Q: (32, 16)}), None, "another base(.|\n)*lora_B of 32 x 4"),
    (
        {},
        lora("model.layers.7.self_attn.q_proj", shapes={"model.layers.7.self_attn.q_proj": (24, 16)}),
        None,
        "another base(.|\n)*layers.7",
    ),
    (
        {},
        lora("transformer.h.0.attn", shapes={"transformer.h.0.attn": (24, 16)}),
        None,
        "another base(.|\n)*transformer.h.0",
    ),
    ({}, {"base_model.model.x.hada_w1_a": (4, 4)}, None, "another base(.|\n)*hada_w1_a"),
    ({"r": 513}, None, None, "of this rank(.|\n)*1 to 512(.|\n)*513"),
    ({"rank_pattern": {"q_proj": 600}}, None, None, "of this rank(.|\n)*600"),
    ({"r": 0}, None, None, "of this rank"),
    ({"r": "many"}, None, None, "not whole"),
    ({"use_dora": True, "bias": "all"}, None, None, "cannot serve this kind(.|\n)*use_dora: True, bias: 'all'"),
    ({"peft_type": "IA3"}, None, None, "LoRA adapters only(.|\n)*IA3"),
]


@pytest.mark.parametrize(("changes", "tensors", "hf", "message"), REFUSED)
def test_what_vllm_cannot_serve_on_this_base_is_refused(base, changes, tensors, hf, message):
    folder = write_adapter(base.with_name("adapter"), tensors, **changes)
    problem = adapter_problem(folder, where="models: m: adapter", base=Base(base, hf))
    assert problem
    with pytest.raises(InputError, match=message):
        raise problem


@pytest.mark.parametrize(
    ("changes", "tensors", "hf"),
    [
        ({}, None, None),
        ({}, None, "A/Base@0123"),
        ({"base_model_name_or_path": "/home/somebody/base"}, None, "a/other"),  # says nothing
        ({"r": 512, "bias": "none", "modules_to_save": None, "use_dora": False}, lora(Q, rank=512), None),
        ({}, lora(Q) | {"base_model.model.lm_head.lora_A.weight": (4, 99)}, None),  # tied: it has no weights of its own
    ],
)
def test_an_adapter_of_this_base_is_served(base, changes, tensors, hf):
    assert not adapter_problem(
        write_adapter(base.with_name("adapter"), tensors, **changes), where="", base=Base(base, hf)
    )


def test_packed_weights_have_other_shapes_than_their_adapters(base):
    folder = write_adapter(base.with_name("adapter"), lora(Q))
    write_tensors(base / "model.safetensors", {f"{Q}.weight": (7, 7)}, dtype="U8")
    assert not adapter_problem(folder, where="", base=Base(base, None))
    write_tensors(base / "model.safetensors", {f"{Q}.qweight": (7, 7)}, dtype="I32")
    assert not adapter_problem(folder, where="", base=Base(base, None))


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b"\xff"])
def test_a_folder_without_an_adapter_is_named(base, content):
    folder = write_adapter(base.with_name("adapter"))
    (folder / "adapter_config.json").unlink()
    if content is not None:
        (folder / "adapter_config.json").write_bytes(content)
    problem = str(adapter_problem(folder, where="here", base=None))
    assert "here" in problem and ("not whole" in problem or "not the folder" in problem)
    write_adapter(folder)
    (folder / "adapter_model.safetensors").write_bytes(b"cut")
    assert "not whole" in str(adapter_problem(folder, where="here", base=None))


@pytest.mark.parametrize(("rank", "room"), [(1, 1), (4, 8), (16, 16), (17, 32), (300, 320)])
def test_the_engine_makes_room_for_the_rank(tmp_path, rank, room):
    flags = serving_flags(write_adapter(tmp_path / "adapter", {"w": (1,)}, r=rank))
    assert flags[flags.index("--max-lora-rank") + 1] == str(room)
    assert flags[-2:] == ["--lora-modules", f"model={tmp_path / 'adapter'}"] and "--enable-lora" in flags


def make_engine(base: Path, *adapter: str) -> dict:
    """engine.json of the checkpoint, by the two scripts that the rules run."""
    words = ["--path", str(base), *adapter, "--output", "m/checkpoint", "--manifest", "m/manifest.json"]
    fetched = run_script("download_checkpoint.py", *words)
    assert fetched.returncode == 0, fetched.stderr
    words = [
        "--engine",
        "vllm",
        "--checkpoint",
        "m/checkpoint",
        "--manifest",
        "m/manifest.json",
        "--output",
        "m/engine",
    ]
    words += ["--adapter", "m/adapter"] * bool(adapter)
    built = run_script("build_engine.py", *words, "--version", "true")
    assert built.returncode == 0, built.stderr
    return read_engine("m/engine")


def test_an_adapter_is_part_of_what_the_model_is(base, monkeypatch):
    monkeypatch.setattr(engine_module("vllm"), "engine_version", lambda command: "vllm 0.33.0")
    plain, adapter = make_engine(base), write_adapter(base.with_name("lora"))
    one = make_engine(base, "--adapter", str(adapter))
    assert "adapter" not in plain and "adapter" not in plain["model"]
    assert one["model"].items() >= plain["model"].items() and one["adapter"] == "m/adapter"
    manifest = read_json(Path("m/manifest.json"), "")
    assert manifest["adapter"]["source"] == "path" and len(manifest["adapter"]["files"]) == 2
    assert str(base.parent) not in json.dumps(manifest)
    command = engine_module("vllm").server(one, command=None, args="", log=Path("log")).command(1)
    assert command[command.index("--served-model-name") + 1] == "base" and "model=m/adapter" in command
    write_adapter(adapter, lora_alpha=16)
    assert make_engine(base, "--adapter", str(adapter))["model"] != one["model"]
    assert make_engine(base) == plain, "without it all is as before"
    refused = run_script(
        "build_engine.py",
        *"--engine vllm --checkpoint m/checkpoint --manifest m/manifest.json".split(),
        "--output",
        "m/engine",
        "--adapter",
        "m/adapter",
    )
    assert refused.returncode == 2 and "together with its base" in refused.stderr
