"""Where files lie and which jobs there are, for a checked configuration. Shared by the rules and by `plan`; looks at no file.

layout = Layout(checked_config(config))
layout.sample_file("openmath2-llama3.1-8b", "gsm8k", "rs0")   # results/openmath2-llama3.1-8b/eval-results/gsm8k/output-rs0.jsonl
"""

from functools import lru_cache
from pathlib import Path

from openmath.files.packed import SUFFIX
from openmath.settings.engine_kinds import engine_kind, gpus_of
from openmath.settings.job_size import seeds_per_job

PROMPTS = Path(__file__).parents[3] / "config" / "prompts"


class Layout:
    """Names and paths of one configuration. `model`, `benchmark`, `judge`: their names in it. Paths are relative."""

    def __init__(self, config: dict):
        self._config = config
        self._models = config["models"]
        self._generation = config["generation"]
        # Asked for once a file of 100,000; the answers never change.
        self.sample_runs = lru_cache(maxsize=None)(self._sample_runs)
        self.seed_runs = lru_cache(maxsize=None)(self._seed_runs)

    def _sample_runs(self, model: str) -> list[str]:
        """The sample runs of a model: greedy, rs0, rs1, ..."""
        greedy = self._models[model].get("greedy", self._generation["greedy"])
        return ["greedy"] * greedy + self.seed_runs(model)

    def _seed_runs(self, model: str) -> list[str]:
        """The sampled runs of a model, in seed order."""
        return [f"rs{seed}" for seed in range(self._models[model].get("seeds", self._generation["seeds"]))]

    def generation_blocks(self, model: str) -> list[list[str]]:
        """Sample runs that belong together: greedy, and the seeds. More seeds add blocks; only a short last one grows."""
        seeds, size = self.seed_runs(model), seeds_per_job(self._config, model)
        greedy = [["greedy"]] if "greedy" in self.sample_runs(model) else []
        return greedy + [seeds[start : start + size] for start in range(0, len(seeds), size)]

    def generation_jobs(self, model: str) -> dict[str, tuple[list[str], list[str]]]:
        """Job name -> (benchmarks, sample runs): the blocks dealt in order to `num_jobs` jobs (-1: one each)."""
        blocks, benchmarks = self.generation_blocks(model), self._config["benchmarks"]
        wanted = self._generation.get("num_jobs", -1)
        count = len(blocks) if wanted == -1 else min(wanted, len(blocks))
        size = self._generation.get("benchmarks_per_job") or len(benchmarks)
        jobs = {}
        for number in range(count):
            mine = blocks[number * len(blocks) // count : (number + 1) * len(blocks) // count]
            runs = [run for block in mine for run in block]
            name = runs[0] if runs == ["greedy"] else f"{runs[0]}_to_{runs[-1]}"
            for start in range(0, len(benchmarks), size):
                group = benchmarks[start : start + size]
                jobs[name if len(group) == len(benchmarks) else f"{name}_on_{'_'.join(group)}"] = group, runs
        return jobs

    def samples_folder(self, model: str) -> str:
        """Where the sample runs of a model lie: ours, or where another tool has left them."""
        return self._models[model].get("samples", f"results/{model}/eval-results")

    def sample_file(self, model: str, benchmark: str, run: str) -> str:
        packed = self._generation.get("compress", False) and "samples" not in self._models[model]
        return f"{self.samples_folder(model)}/{benchmark}/output-{run}.jsonl" + packed * SUFFIX

    def grades_file(self, model: str, benchmark: str) -> str:
        return f"results/{model}/grades/{benchmark}.parquet"

    def majority_file(self, model: str, benchmark: str) -> str:
        return f"results/{model}/eval-results-majority/{benchmark}/output-majority.jsonl"

    def judge_pairs(self, model: str, judge: str, benchmarks: list[str] | None = None) -> list[tuple[str, str]]:
        """(file to judge, judged file) of all benchmarks (or those given) and modes of one model."""
        pairs = []
        for benchmark in benchmarks or self._config["benchmarks"]:
            judged = f"results/{model}/judged/{judge}/{benchmark}"
            if "greedy" in self.sample_runs(model):
                pairs.append((self.sample_file(model, benchmark, "greedy"), f"{judged}/greedy.jsonl"))
            if self.seed_runs(model):
                pairs.append((self.majority_file(model, benchmark), f"{judged}/majority.jsonl"))
        return pairs

    def summary_file(self, model: str, judge: str) -> str:
        """The tables of one model under one judge, or `none`."""
        return f"results/{model}/summary/{judge}/tables.txt"

    def methods_file(self, model: str, judge: str) -> str:
        """The paragraph about one summary; its manifest lies beside it."""
        return f"results/{model}/summary/{judge}/methods.md"

    def report_folder(self, model: str) -> str:
        """The samples of one model, as the report's viewer reads them."""
        return f"results/report/{model}"

    def gpus(self, model: str) -> int:
        """GPUs that one engine of a model needs."""
        settings = self._models[model]
        engine = self._config["engines"].get(settings["engine"], {})
        return gpus_of(settings) if engine.get("gpu", engine_kind(settings["engine"]).on_gpus) else 0


def prompt_file(name: str) -> str:
    """A prompt named in the configuration: a file of config/prompts, or a path."""
    return name if "/" in name else str(PROMPTS / f"{name}.yaml")
