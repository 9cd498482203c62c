"""A finished evaluation of one model for those who write it in another tool's form: its accuracies, and where they come from."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas

from openmath.benchmarks.hub import PREFIX, SOURCE
from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.files.records import SummaryRecord
from openmath.results.load import NO_JUDGE, results_table, scores_of
from openmath.settings.engine_kinds import engine_kind

ADDRESS = re.compile(
    r"https://huggingface\.co/datasets/(?P<repo>[\w.-]+/[\w.-]+)/(?:resolve|blob|raw)/(?P<revision>[^/]+)/"
)
COMMIT = re.compile(r"[0-9a-f]{40}")


class Score(NamedTuple):
    """One accuracy, 0 to 1.

    judge: its name, or none: by the symbolic grader. deviation: of the scores of the problems (ddof 1), None of one problem.
    others: metrics of the same mode and judge.
    """

    judge: str
    benchmark: str
    mode: str
    value: float
    low: float
    high: float
    method: str
    n_items: int
    n_samples: int
    deviation: float | None
    others: dict[str, float]

    @property
    def error(self) -> float | None:
        """Standard error of the mean over the problems, each of which has one score."""
        return None if self.deviation is None else self.deviation / self.n_items**0.5


@dataclass(frozen=True)
class Finished:
    """scores: in the order of the tables. manifests: judge -> manifest.json of its summary; the first one says what all share."""

    model: str
    scores: list[Score]
    manifests: dict[str, SummaryRecord]

    @property
    def manifest(self) -> Any:
        """Of the first summary."""
        return next(iter(self.manifests.values()))

    @property
    def hub_model(self) -> str | None:
        """ORG/NAME of a model of the Hugging Face Hub."""
        source = (self.manifest["checkpoint"] or {}).get("source", "")
        return source.removeprefix(PREFIX) if source.startswith(PREFIX) else None

    @property
    def hosted(self) -> bool:
        """Whether somebody else runs the model, behind an address."""
        engine = self.manifest["engine"]
        return engine is not None and engine_kind(engine["engine"]).hosted

    @property
    def started(self) -> float | None:
        """When the last job of generation began, in seconds since 1970; None for imported samples."""
        return max((job["started"] for job in self.manifest["times"]["generation"]), default=None)

    def hub_dataset(self, benchmark: str) -> tuple[str, str | None] | None:
        """(ORG/NAME, revision if it is a commit) of the data set on the Hub from which a benchmark came."""
        source = self.manifest["benchmarks"].get(benchmark, {}).get("source", "")
        found = SOURCE.fullmatch(source) or ADDRESS.match(source)
        if not found:
            return None
        revision = found["revision"] or ""
        return found["repo"], revision if COMMIT.fullmatch(revision) else None

    def sampling(self, benchmark: str, mode: str) -> dict | None:
        """Settings of the samples behind a score (settings/sample_settings.py); greedy: temperature 0. None where not recorded."""
        greedy = mode == "greedy"
        for entry in self.manifest["generation"]["settings"]:
            runs = entry["files"].get(benchmark, ())
            if ("greedy" in runs) if greedy else any(run != "greedy" for run in runs):
                settings = entry["settings"]
                return settings | {"temperature": 0.0, "top_p": 1.0} if greedy else settings
        return None


def read_finished(folders: list[Path]) -> Finished:
    """folders: results/{model}/summary/{judge} of one model, that of the most trusted judge first."""
    models = {folder.absolute().parents[1].name for folder in folders}
    if len(models) != 1:
        raise InputError("These are not summaries of one model.", found=", ".join(sorted(models)) or "no folders")
    folders = [folder.absolute() for folder in folders]
    manifests = {folder.name: read_json(folder / "manifest.json", "the manifest of a summary") for folder in folders}
    results, problems = results_table(folders), scores_of(folders)
    keys = ["judge", "benchmark", "mode"]
    deviations = problems.groupby(keys, sort=False)["score"].std().to_dict()
    scores = []
    for key, rows in results.groupby(keys, sort=False):
        metrics = dict(zip(rows.metric, rows.value, strict=True))
        deviation = None if pandas.isna(found := deviations.get(key)) else found
        for row in rows[rows.metric.str.startswith("accuracy_")].to_dict("records"):
            numbers = [row[name] for name in ("value", "ci95_low", "ci95_high", "ci_method", "n_items", "n_samples")]
            others = {name: value for name, value in metrics.items() if name != row["metric"]}
            scores.append(Score(*key, *numbers, deviation, others))  # type: ignore[call-arg]
    return Finished(models.pop(), scores, manifests)


def headline(scores: list[Score]) -> Score:
    """Of one benchmark the accuracy that leaderboards mean: one answer to a problem, greedy if there is such a run, by a judge if
    there is one."""
    return min(scores, key=lambda score: (_rank(score.mode), score.judge == NO_JUDGE))


def _rank(mode: str) -> int:
    return next((rank for rank, start in enumerate(("greedy", "pass@1[")) if mode.startswith(start)), 2)
