"""Which files of each stage are present, partial and missing, by their names alone: a file that exists is complete."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from openmath.benchmarks.registry import read_registry
from openmath.benchmarks.sources import count_rows
from openmath.errors import InputError, parts_of
from openmath.files.append_only import kept_rows
from openmath.files.fingerprint import sha256_file
from openmath.files.json_files import read_json
from openmath.files.packed import other_form
from openmath.files.records import EngineIdentity
from openmath.files.sample_rows import is_sample
from openmath.generation.prompts import read_prompt
from openmath.settings.benchmark_names import source_of
from openmath.settings.layout import Layout, prompt_file
from openmath.settings.sample_settings import (
    ONLY_WHERE_SET,
    agrees,
    configured_engine,
    engine_identity,
    sample_settings,
)
from openmath.settings.sampling import TYPES, configured_sampling, samples_as_checkpoint

STAGES = ("generation", "grading", "majority", "judging", "summary")
CHUNK = 2**20


@dataclass
class Stage:
    """Files of one stage of one model on one benchmark (the summary has no benchmark). partial: begun, not published."""

    model: str
    benchmark: str | None
    stage: str
    present: int = 0
    partial: int = 0
    missing: int = 0


@dataclass
class ModelFiles:
    """Everything about one model's files. left: samples to compute by (benchmark, sample run); present_runs by benchmark.
    fingerprints: of the present settings, as far as they have samples."""

    stages: list[Stage] = field(default_factory=list)
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    present_runs: dict[str, list[str]] = field(default_factory=dict)
    to_judge: dict[str, list["FileToJudge"]] = field(default_factory=dict)  # by judge
    fingerprints: set[str] = field(default_factory=set)


class FileToJudge(NamedTuple):
    """A file to judge. exists: it is there and will not be made anew. model, benchmark: whose job it is.

    Of pairs of problems (plan/dataset.py): prompt: asked instead of the judge's own; most_calls: for one that does not exist yet.
    """

    model: str
    benchmark: str
    path: str
    exists: bool
    prompt: str | None = None
    most_calls: int = 0


class Inventory:
    """Looks at the files of a configuration.

    due: the files that Snakemake is about to make, where it has planned them itself (a dry run): these are missing, whatever lies
    there, and other absent files are not asked for. None: all files of the configuration are asked for.
    """

    def __init__(self, config: dict, due: set[str] | None = None):
        self.config, self.layout, self.due = config, Layout(config), due
        self._rows: dict[str, int] = {}
        self._imported: dict[tuple[str, str], int] = {}

    @cached_property
    def registry(self) -> dict[str, dict]:
        return read_registry()

    def rows(self, benchmark: str) -> int:
        """Problems of a benchmark, as far as an evaluation asks for them."""
        return min(self.problems(benchmark), self.config["generation"]["limit"] or self.problems(benchmark))

    def problems(self, benchmark: str) -> int:
        """Problems of a benchmark: counted where it is prepared, else as registered, else 0."""
        if benchmark not in self._rows:
            prepared = Path(f"data/{benchmark}.jsonl")
            source = source_of(self.config, benchmark).get("source", "")
            if prepared.exists():
                rows = count_lines(prepared)
            elif os.path.isfile(source):
                rows = count_rows(Path(source))
            else:
                rows = self.registry.get(benchmark, {}).get("rows", 0)
            self._rows[benchmark] = rows
        return self._rows[benchmark]

    def rows_of(self, model: str, benchmark: str) -> int:
        """Problems of a benchmark that a model has samples of, or will have: imported ones are counted."""
        if "samples" not in self.config["models"][model]:
            return self.rows(benchmark)
        if (model, benchmark) not in self._imported:
            files = (Path(self.layout.sample_file(model, benchmark, run)) for run in self.layout.sample_runs(model))
            first = next((path for path in files if path.exists()), None)
            self._imported[model, benchmark] = 0 if first is None else count_rows(first)
        return self._imported[model, benchmark]

    def model_files(self, model: str) -> ModelFiles:
        """All stages of one model. A file is also missing where one that it is made from is."""
        files, layout = ModelFiles(), self.layout
        summary_due = False
        staging = StagedFolders(self.config, model)
        for benchmark in self.config["benchmarks"]:
            generation = self._generation(model, benchmark, staging, files)
            samples_due = bool(generation.partial + generation.missing)
            grading = self._stage(model, benchmark, "grading", [layout.grades_file(model, benchmark)], samples_due)
            grades_due = samples_due or bool(grading.missing)
            votes = [layout.majority_file(model, benchmark)] if layout.seed_runs(model) else []
            majority = self._stage(model, benchmark, "majority", votes, grades_due)
            judging = Stage(model, benchmark, "judging")
            for judge in self.config["judges"]:
                for answers, judged in layout.judge_pairs(model, judge, [benchmark]):
                    voted = answers in votes
                    stale = bool(majority.missing) if voted else (benchmark, "greedy") in files.left
                    one = self._stage(model, benchmark, "judging", [judged], stale)
                    judging.present, judging.missing = judging.present + one.present, judging.missing + one.missing
                    if one.missing:
                        stale = stale if self.due is None else answers in self.due
                        exists = os.path.exists(answers) and not stale
                        files.to_judge.setdefault(judge, []).append(FileToJudge(model, benchmark, answers, exists))
            summary_due |= grades_due or bool(judging.missing)
            files.stages += [generation, grading, majority, judging]
        summaries = [layout.summary_file(model, judge) for judge in self.config["judges"] or ["none"]]
        files.stages.append(self._stage(model, None, "summary", summaries, summary_due))
        return files

    def _stage(self, model: str, benchmark: str | None, stage: str, paths: list[str], stale: bool) -> Stage:
        """Counts of files that are there whole or not at all. stale: made from a file that is missing."""
        found = Stage(model, benchmark, stage)
        for path in paths:
            wanted = path in self.due if self.due is not None else stale or not os.path.exists(path)
            found.missing += wanted
            found.present += not wanted and (self.due is None or os.path.exists(path))
        return found

    def _generation(self, model: str, benchmark: str, staging: "StagedFolders", files: ModelFiles) -> Stage:
        found = Stage(model, benchmark, "generation")
        folder = os.path.dirname(self.layout.sample_file(model, benchmark, "greedy"))
        published = inodes(folder)
        ours, others = staging.of(benchmark)
        files.fingerprints |= {place.parent.name for place in ours}
        outdated = [inodes(other) for other in others]
        for run in self.layout.sample_runs(model):
            path = self.layout.sample_file(model, benchmark, run)
            name = os.path.basename(path)
            if self.due is not None:
                wanted = path in self.due
                if not wanted and name not in published:
                    continue  # not asked for
            else:  # a published file shares its blocks with the staged one: it was made under the settings of that folder
                wanted = name not in published or any(old.get(name) == published[name] for old in outdated)
            if not wanted:
                found.present += 1
                files.present_runs.setdefault(benchmark, []).append(run)
                continue
            forms = [form for place in ours for form in (place / name, other_form(place / name)) if form.exists()]
            staged = max(map(finished_samples, forms), default=0)
            files.left[benchmark, run] = max(0, self.rows_of(model, benchmark) - staged)
            found.partial += staged > 0
            found.missing += staged == 0
        return found


def read_settings(path: Path) -> dict:
    """What made the samples of a staging folder."""
    hint = "move the file away, not the samples beside it: generate.py writes it again."
    settings = read_json(path, "the settings of the samples", hint=hint)
    if not isinstance(settings, dict):
        raise InputError("This file does not hold the settings of the samples.", where=path, hint=hint)
    return settings


class StagedFolders:
    """Folders of finished samples of one model: those of the present settings, and those of others."""

    def __init__(self, config: dict, model: str):
        self._config, self._model = config, model
        imported = "samples" in config["models"][model]
        self._found = [] if imported else sorted(Path(f"results/{model}/.staging").glob("*/*/settings.json"))

    def of(self, benchmark: str) -> tuple[list[Path], list[Path]]:
        """(ours, others) of one benchmark. More than one can be ours only while the engine is not built yet."""
        folders: tuple[list[Path], list[Path]] = ([], [])
        known = [path for path in self._found if path.parent.name == benchmark]
        expected = self._expected(benchmark) if known else {}
        for path in known:
            written = dict.fromkeys(ONLY_WHERE_SET) | read_settings(path)
            folders[not agrees(expected, written)].append(path.parent)
        return folders

    def _expected(self, benchmark: str) -> dict:
        """What is known of the present settings: all, or all but a benchmark and parts of an engine that are not made yet."""
        prepared, checkpoint = Path(f"data/{benchmark}.jsonl"), Path(f"models/{self._model}/checkpoint")
        model, generation, fetched = (
            self._config["models"][self._model],
            self._config["generation"],
            checkpoint.exists(),
        )
        drawn = configured_sampling(self._config, self._model, checkpoint if fetched else None)
        settings = sample_settings(
            drawn | {"limit": generation["limit"], "chat_template_kwargs": model.get("chat_template_kwargs")},
            engine=self._engine,
            prompt=self._prompt,
            prompt_template=model["prompt_template"],
            benchmark_sha256=sha256_file(prepared) if prepared.exists() else "",
        )
        if "chat_date" in generation:  # compared with samples whose template prints one
            settings["chat_date"] = generation["chat_date"]
        unknown = set() if prepared.exists() else {"benchmark_sha256"}
        if samples_as_checkpoint(self._config, self._model) and not fetched:
            unknown |= set(TYPES)
        return {key: value for key, value in (dict.fromkeys(ONLY_WHERE_SET) | settings).items() if key not in unknown}

    @cached_property
    def _prompt(self) -> dict:
        model = self._config["models"][self._model]
        return read_prompt(prompt_file(model["prompt"]), model.get("system"))

    @cached_property
    def _engine(self) -> Mapping:
        return built_engine(self._config, self._model) or known_engine(self._config, self._model)


def known_engine(config: dict, model: str) -> dict:
    """What the configuration, and the checkpoint if it is here, say of an engine: see configured_engine."""
    path, what = Path(f"models/{model}/manifest.json"), "the manifest of a checkpoint"
    manifest = read_json(path, what) if path.exists() else None
    with parts_of(what, path):
        return configured_engine(config, model, manifest)


def built_engine(config: dict, model: str) -> EngineIdentity | None:
    """The engine that is there; None where there is none, or where the configuration asks for another by now."""
    path, what = Path(f"models/{model}/engine/engine.json"), "the description of an engine"
    if not path.exists() or "samples" in config["models"][model]:
        return None
    with parts_of(what, path):
        engine = engine_identity(read_json(path, what, hint="move it away to have it made again."))
        return engine if agrees(known_engine(config, model), engine) else None


def inodes(folder: str | Path) -> dict[str, int]:
    """File name -> inode of a folder; empty where there is none."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry.inode() for entry in entries}
    except FileNotFoundError:
        return {}


def finished_samples(path: Path) -> int:
    """Different samples in a file of staging; damaged ones are told, and computed again."""
    return len({row["id"] for row in kept_rows(path, is_sample)})


def count_lines(path: str | Path) -> int:
    """Whole lines of a file: a torn last one has no newline."""
    with open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(partial(file.read, CHUNK), b""))
