"""Where the files of a training set lie and which jobs draw its samples, for a checked configuration with `dataset`.

layout = DatasetLayout(config)
layout.parts[0].sample_files   # ["datasets/demo/solutions/gsm8k-train/output-rs0.jsonl", ...]

Three stages draw samples: `solutions` of the problems to begin from, `problems` (new ones, made from those) and `new-solutions`.
The new problems of each run are a part of their own: a further run adds a part and leaves the others as they are.
"""

from dataclasses import dataclass
from functools import cached_property

from openmath.settings.job_size import seeds_per_teacher_job

SOLUTIONS, PROBLEMS, NEW_SOLUTIONS = STAGES = ("solutions", "problems", "new-solutions")


@dataclass(frozen=True)
class Part:
    """Problems that are solved together. stage: SOLUTIONS or NEW_SOLUTIONS; origin: the benchmark that they come from.

    problems: file of the problems; source: what the set's column problem_source says.
    """

    stage: str
    name: str
    origin: str
    problems: str
    source: str
    sample_files: list[str]


@dataclass(frozen=True)
class SamplingJob:
    """One engine start: runs of one stage of one origin. drawn: the keys of that stage in the configuration.

    only: files of those of the problems that are to be solved; [] where all are.
    """

    stage: str
    origin: str
    runs: list[str]
    problems: list[str]
    only: list[str]
    outputs: list[str]
    drawn: dict

    @property
    def name(self) -> str:
        return f"{self.stage}_of_{self.origin}_{self.runs[0]}_to_{self.runs[-1]}"


class DatasetLayout:
    """Names and paths of one training set. Paths are relative."""

    def __init__(self, config: dict):
        self.dataset: dict = config["dataset"]
        self.name: str = self.dataset["name"]
        self.folder = f"datasets/{self.name}"
        self._config = config

    def sample_file(self, stage: str, part: str, run: str) -> str:
        return f"{self.folder}/{stage}/{part}/output-{run}.jsonl"

    def clean_file(self, path: str) -> str:
        """Of new problems those that repeat no test problem; all of them where nobody looks."""
        return self._clean(path) if "decontamination" in self.dataset else path

    def _clean(self, path: str) -> str:
        return f"{self.folder}/clean-problems/{path.rpartition('/')[2]}"

    def problem_files(self, origin: str) -> list[str]:
        """New problems made from those of an origin, one file for each run."""
        runs = runs_of(self.dataset["origins"][origin].get("problems"))
        return [f"{self.folder}/new-problems/{origin}-{run}.jsonl" for run in runs]

    @cached_property
    def parts(self) -> list[Part]:
        """All parts, in the order of the configuration; the problems of an origin before the new ones made from them."""
        parts = []
        for origin, settings in self.dataset["origins"].items():
            source = settings.get("problem_source", origin)
            parts.append(self._part(SOLUTIONS, origin, origin, f"data/{origin}.jsonl", source, settings["solutions"]))
            for run, path in zip(runs_of(settings.get("problems")), self.problem_files(origin), strict=True):
                drawn = settings["new_solutions"]
                parts.append(
                    self._part(
                        NEW_SOLUTIONS, f"{origin}-{run}", origin, self.clean_file(path), f"augmented_{source}", drawn
                    )
                )
        return parts

    def _part(self, stage: str, name: str, origin: str, problems: str, source: str, drawn: dict) -> Part:
        files = [self.sample_file(stage, name, run) for run in runs_of(drawn)]
        return Part(stage, name, origin, problems, source, files)

    def part(self, stage: str, name: str) -> Part:
        return next(part for part in self.parts if (part.stage, part.name) == (stage, name))

    @cached_property
    def jobs(self) -> list[SamplingJob]:
        """All jobs that start the teacher, in the order of the stages."""
        jobs = []
        for stage, key in zip(STAGES, ("solutions", "problems", "new_solutions"), strict=True):
            for origin, settings in self.dataset["origins"].items():
                drawn, runs = settings.get(key), runs_of(settings.get(key))
                problems = self.problem_files(origin) if stage == NEW_SOLUTIONS else [f"data/{origin}.jsonl"]
                decontaminated = stage == NEW_SOLUTIONS and "decontamination" in self.dataset
                only = list(map(self.clean_file, problems)) if decontaminated else []
                names = [path.rpartition("/")[2].removesuffix(".jsonl") for path in problems]
                size = seeds_per_teacher_job(self._config, origin, len(problems), drawn) if runs else 1
                for start in range(0, len(runs), size):
                    block = runs[start : start + size]
                    outputs = [self.sample_file(stage, name, run) for run in block for name in names]
                    jobs.append(SamplingJob(stage, origin, block, problems, only, outputs, drawn))
        return jobs

    def kept_file(self, part: Part) -> str:
        """The solutions of a part that are left after the filters."""
        return f"{self.folder}/kept/{part.stage}/{part.name}.parquet"

    @property
    def problem_counts(self) -> list[str]:
        """What became of the new problems that each run wrote."""
        files = [path for origin in self.dataset["origins"] for path in self.problem_files(origin)]
        return [path.removesuffix(".jsonl") + ".counts.json" for path in files]

    @property
    def clean_counts(self) -> list[str]:
        """What decontamination has found in each of them."""
        if "decontamination" not in self.dataset:
            return []
        return list(map(self._clean, self.problem_counts))

    @property
    def grades_manifests(self) -> list[str]:
        return [f"{self.folder}/grades/{part.stage}/{part.name}.manifest.json" for part in self.parts]

    @property
    def packed_files(self) -> list[str]:
        """The set as it is given away: full and smaller ones, card, counts, manifest."""
        names = ["train.parquet", *(f"{subset_name(rows)}.parquet" for rows in self.dataset["subsets"])]
        return [f"{self.folder}/{name}" for name in (*names, "card.md", "counts.json", "manifest.json")]

    @property
    def figure_files(self) -> list[str]:
        """The figure of its stages, and the numbers behind it."""
        return [f"{self.folder}/stages.{kind}" for kind in ("svg", "png", "pdf", "csv")]


def runs_of(drawn: dict | None) -> list[str]:
    """The runs of a stage; none where it is not configured."""
    return [f"rs{seed}" for seed in range(drawn["seeds"])] if drawn else []


def subset_name(rows: int) -> str:
    """train_1M, train_500K, train_1234"""
    for size, letter in ((10**6, "M"), (10**3, "K")):
        if rows % size == 0:
            return f"train_{rows // size}{letter}"
    return f"train_{rows}"
