"""What the files to be made need: which models run, which judges are asked, what is fetched first."""

import os
from collections.abc import Iterable
from functools import cached_property

from openmath.settings.dataset_layout import DatasetLayout, SamplingJob
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.layout import Layout
from openmath.settings.same_problems import SEARCH_REPORT, Comparison, comparisons
from openmath.settings.training_layout import TrainingLayout


class Needs:
    """due: the files about to be made. Names of models, benchmarks and judges are the configuration's."""

    def __init__(self, config: dict, due: set[str]):
        self.config, self.due, self.layout = config, due, Layout(config)

    @cached_property
    def benchmarks(self) -> list[str]:
        """Benchmarks to be prepared."""
        names = [*self.config["benchmarks"], *self.config.get("dataset", {}).get("origins", ())]
        return [name for name in dict.fromkeys(names) if f"data/{name}.jsonl" in self.due]

    @cached_property
    def checkpoints(self) -> list[str]:
        """Models whose checkpoint is to be fetched."""
        return [name for name in self.config["models"] if f"models/{name}/manifest.json" in self.due]

    @cached_property
    def engines(self) -> list[str]:
        """Models whose engine is to be built."""
        return [name for name in self.config["models"] if f"models/{name}/engine/engine.json" in self.due]

    @cached_property
    def generating(self) -> list[str]:
        """Models that are to be run for samples."""
        return [model for model in self.config["models"] if self._generates(model)]

    def _generates(self, model: str) -> bool:
        if "samples" in self.config["models"][model]:
            return False
        runs, benchmarks, path = self.layout.sample_runs(model), self.config["benchmarks"], self.layout.sample_file
        return any(path(model, benchmark, run) in self.due for run in runs for benchmark in benchmarks)

    @cached_property
    def drawing(self) -> list[SamplingJob]:
        """Jobs of the training set's teacher that are to be run."""
        jobs = DatasetLayout(self.config).jobs if "dataset" in self.config else []
        return [job for job in jobs if not self.due.isdisjoint(job.outputs)]

    @cached_property
    def teaching(self) -> list[str]:
        """The teacher, where it is to be run."""
        return [self.config["dataset"]["teacher"]] if self.drawing else []

    @cached_property
    def comparing(self) -> list[Comparison]:
        """Comparisons with test problems that are to be made or judged."""
        return [one for one in comparisons(self.config) if {one.pairs, one.judged} & self.due]

    @cached_property
    def searched(self) -> list[str]:
        """Training sets from elsewhere that are to be searched for test problems."""
        given = self.config.get("contamination", {}).get("training_set", [])
        return ([given] if isinstance(given, str) else given) if SEARCH_REPORT in self.due else []

    @cached_property
    def training(self) -> list[str]:
        """Trainings that are to be run."""
        layout = TrainingLayout(self.config)
        return [run for run in layout.runs if layout.record(run) in self.due]

    @cached_property
    def judging(self) -> dict[str, list[tuple[str, str]]]:
        """Judge -> (file of answers, judged file) pairs to be judged."""
        asked = {}
        for judge in self.config["judges"]:
            pairs = [pair for model in self.config["models"] for pair in self.layout.judge_pairs(model, judge)]
            pairs += [
                (one.pairs, one.judged) for one in self.comparing if one.judged and one.settings["judge"] == judge
            ]
            pairs = [pair for pair in pairs if pair[1] in self.due]
            if pairs:
                asked[judge] = pairs
        return asked

    @cached_property
    def running(self) -> list[str]:
        """Models whose engine is to be started: for samples, as a teacher, or as a judge."""
        judges = [self.config["judges"][judge].get("self_hosted") for judge in self.judging if not self.replays(judge)]
        return list(dict.fromkeys([*self.generating, *self.teaching, *filter(None, judges)]))

    def replays(self, judge: str) -> bool:
        """Whether a judge only repeats verdicts of its store."""
        return bool(self.config["judges"][judge].get("replay"))

    def answers_exist(self, judge: str) -> bool:
        """Whether all that a judge is to judge is there already, and will not change first."""
        return all(os.path.exists(answers) and answers not in self.due for answers, _ in self.judging[judge])


def missing_files(config: dict) -> set[str]:
    """All files of a configuration that are not there, and what they need that is not there."""
    layout, benchmarks = Layout(config), config["benchmarks"]
    missing, started = set(), set()
    for model in config["models"]:
        samples = {layout.sample_file(model, b, run) for b in benchmarks for run in layout.sample_runs(model)}
        later = {layout.grades_file(model, b) for b in benchmarks}
        later |= {layout.majority_file(model, b) for b in benchmarks if layout.seed_runs(model)}
        later |= {layout.summary_file(model, judge) for judge in config["judges"] or ["none"]}
        for judge, settings in config["judges"].items():
            judged = _absent(judged for _, judged in layout.judge_pairs(model, judge))
            missing |= judged
            started |= {settings["self_hosted"]} if judged and "self_hosted" in settings else set()
        if _absent(samples) and "samples" not in config["models"][model]:
            started.add(model)
        missing |= _absent(samples | later)
    missing |= _absent(f"data/{b}.jsonl" for b in benchmarks if started)
    if "dataset" in config:
        dataset = DatasetLayout(config)
        drawn = _absent(path for job in dataset.jobs for path in job.outputs)
        missing |= drawn | _absent(dataset.packed_files)
        missing |= _absent(f"data/{origin}.jsonl" for origin in config["dataset"]["origins"] if drawn)
        started |= {config["dataset"]["teacher"]} if drawn else set()
    for one in comparisons(config):
        if not _absent([one.judged or one.pairs]):
            continue
        missing |= _absent([one.pairs, *filter(None, [one.judged])])
        missing |= _absent(f"data/{b}.jsonl" for b in benchmarks if one.pairs in missing)
        if one.judged:
            judge = config["judges"][one.settings["judge"]]
            started |= {judge["self_hosted"]} if "self_hosted" in judge else set()
    missing |= _absent([SEARCH_REPORT] if "contamination" in config else [])
    training = TrainingLayout(config)
    runs = [run for run in training.runs if _absent([training.record(run)])]
    missing |= {training.record(run) for run in runs} | _absent(
        f"models/{model}/manifest.json" for model in training.models
    )
    missing |= _absent(f"models/{model}/engine/engine.json" for model in started)
    checkpoints = [model for model in started if not engine_kind(config["models"][model]["engine"]).hosted]
    checkpoints += [training.runs[run]["base"] for run in runs]
    return missing | _absent(f"models/{model}/manifest.json" for model in checkpoints)


def _absent(paths: Iterable[str]) -> set[str]:
    return {path for path in paths if not os.path.exists(path)}
