"""An engine is one entry and one module: a new one is known wherever engines are asked about, and the docs list them all."""

import copy
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from test_methods import RECORD
from tiny_checkpoints import tiny_checkpoint

from openmath.engines import engine_module, read_engine
from openmath.errors import InputError
from openmath.machine import versions
from openmath.plan import make_plan
from openmath.preflight.checks import configuration_problems, machine_problems
from openmath.preflight.needs import missing_files
from openmath.provenance.methods import methods_text
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config
from openmath.settings.engine_kinds import KINDS, OWN, TOKENIZERS, EngineKind

DOCS = (Path(__file__).parents[2] / "docs/engines.md").read_text()
TOY = EngineKind(
    on_gpus=True,
    start_seconds=7200.0,
    environment=None,
    installing="toy: ask its maker.",
    program="toy-serve",
    builder="toy-build",
    described_by=("checkpoint", "toys"),
    tokenizer="checkpoint",
    concurrency=3,
    deterministic=True,
    title="The Toy {version}",
    package="pytest",  # one that is installed
    citation="flint",  # any entry of references.bib
)


@pytest.fixture
def toy(monkeypatch, tmp_path) -> ModuleType:
    monkeypatch.setitem(KINDS, "toy", TOY)
    monkeypatch.setitem(sys.modules, "openmath.engines.toy", ModuleType("openmath.engines.toy"))
    monkeypatch.chdir(tmp_path)
    return sys.modules["openmath.engines.toy"]


def configuration(**model) -> dict:
    model = {"path": "checkpoint", "engine": "toy", "deterministic": True, "tensor_parallel": 2, **model}
    Path("own.jsonl").write_text('{"problem": "p", "expected_answer": "1"}\n')
    return checked_config(
        {
            "benchmarks": ["own"],
            "benchmark_sources": {"own": "own.jsonl"},
            "models": {"m": model},
            "generation": {"seeds": 0},
        }
    )


def test_the_configuration_and_the_command_lines_know_a_new_engine(toy):
    config = configuration()
    assert {"--deterministic", "--max-batch-size"} <= set(Options(config).build_engine(type("W", (), {"model": "m"})))
    with pytest.raises(InputError, match="no engine 'toys'; did you mean 'toy'"):
        configuration(engine="toys")


def test_the_plan_counts_its_gpus_and_the_seconds_of_its_start(toy):
    [cost] = make_plan(configuration())["generation"]
    assert cost["gpu_hours"] == pytest.approx(2 * TOY.start_seconds / 3600, rel=0.01)


def test_the_preflight_looks_for_its_programs(toy):
    tiny_checkpoint(Path("checkpoint"))
    config = configuration()
    found = configuration_problems(config, missing_files(config)) + machine_problems(
        config, missing_files(config), here=True
    )
    missing = {str(problem.where) for problem in found if problem.hint == TOY.installing}
    assert missing == {"toy-serve", "toy-build"}


def test_its_module_and_its_description_are_found(toy, tmp_path):
    assert engine_module("toy") is toy and engine_module("another").__name__ == "openmath.engines.own"
    description = {"engine": "toy", "version": "toy 1", "model": {}, "checkpoint": "c", "toys": "t"}
    description["settings"] = {"tensor_parallel": 1, "context_length": 8}
    (tmp_path / "engine.json").write_text(json.dumps(description))
    assert read_engine(tmp_path) == description
    (tmp_path / "engine.json").write_text(json.dumps(description | {"toys": None}))
    with pytest.raises(InputError, match="not the description of an engine"):
        read_engine(tmp_path)


def test_the_methods_name_and_cite_it_and_manifests_hold_its_version(toy):
    text = methods_text(copy.deepcopy(RECORD) | {"engine": RECORD["engine"] | {"engine": "toy", "version": "pytest 9"}})
    assert "generated with The Toy 9 [@flint] in bfloat16" in text
    assert versions()["pytest"] == pytest.__version__


def test_every_engine_is_described_whole():
    for name, kind in KINDS.items():
        module = engine_module(name)
        assert module.__name__ == f"openmath.engines.{name}" and callable(module.server)
        makes_files = bool(kind.builder or kind.stores)
        assert callable(module.engine_version) and callable(getattr(module, "build", None)) == makes_files
        assert kind.tokenizer in TOKENIZERS and (kind.hosted or kind.citation)
        assert kind.title.format(version="1") != kind.title


def test_the_docs_list_every_engine_and_its_concurrency():
    table = DOCS.partition("## Which one")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(KINDS)
    told = re.search(r"`concurrency` is .* by default (.*)\.$", DOCS, re.MULTILINE)[1]
    assert told == ", ".join(f"{kind.concurrency} ({name})" for name, kind in [*KINDS.items(), ("your own", OWN)])
