"""Where the files of the trainings lie, for a checked configuration with `training`. Paths are relative; looks at no file."""

import json
from collections.abc import Collection

from openmath.settings.engine_kinds import STORED
from openmath.settings.layout import prompt_file

# Keys of a training that train_model.py takes in --settings; those of SPEED change no weight.
RECIPE = (
    "steps",
    "batch_size",
    "learning_rate",
    "beta1",
    "beta2",
    "weight_decay",
    "epsilon",
    "max_grad_norm",
    "precision",
    "max_length",
    "seed",
    "save_at",
)
SPEED = ("micro_batch_size", "save_steps", "activation_checkpointing", "compile", "report_to")
PROMPT = ("prompt", "prompt_template", "system", "chat_template_kwargs")  # keys that a training shares with its models


def kept_steps(steps: int, save_steps: int, save_at: Collection[int]) -> list[int]:
    """Steps whose weights a training keeps."""
    return sorted(save_at or {*range(save_steps, steps + 1, save_steps), steps})


class TrainingLayout:
    """Names, paths and options of the trainings. `run`: a key of `training`; `model`: one with `trained`."""

    def __init__(self, config: dict):
        self._config, self._models = config, config["models"]
        self.runs: dict[str, dict] = config.get("training", {})

    @property
    def models(self) -> list[str]:
        """Models that come out of a training."""
        return [name for name, model in self._models.items() if "trained" in model]

    def data_file(self, run: str) -> str:
        """The training set, a parquet file."""
        return self.runs[run].get("dataset") or f"datasets/{self._config['dataset']['name']}/train.parquet"

    def kept(self, run: str) -> list[int]:
        """Steps whose weights stay."""
        settings = self.runs[run]
        return kept_steps(settings["steps"], settings["save_steps"], settings["save_at"])

    def averaged(self, model: str) -> list[str]:
        """Folders of the checkpoints whose mean a model is."""
        run = self._models[model]["trained"]
        return [
            f"training/{run}/checkpoints/step-{step}" for step in self._models[model].get("steps") or self.kept(run)
        ]

    def steps_option(self, model: str) -> list:
        """`--steps` of average_checkpoints.py, where the configuration names them."""
        steps = self._models[model].get("steps", [])
        return ["--steps", *steps] if steps else []

    def recipe(self, run: str) -> str:
        """All that changes weights, and which are kept, as JSON."""
        return json.dumps({key: self.runs[run][key] for key in RECIPE} | {"save_at": self.kept(run)})

    def settings(self, run: str) -> str:
        """`--settings`."""
        return json.dumps({key: self.runs[run][key] for key in (*RECIPE, *SPEED)})

    def prompt_options(self, run: str) -> list:
        """How prompts are laid, but for the prompt's file: its text counts and not its place."""
        settings, day = self.runs[run], self._config["generation"].get("chat_date")
        options = ["--prompt-template", settings["prompt_template"]]
        options += [f"--system={settings['system']}"] if "system" in settings else []
        if "chat_template_kwargs" in settings:
            options += [f"--chat-template-kwargs={json.dumps(settings['chat_template_kwargs'])}"]
        return options + (["--chat-date", day] if day else [])

    def prompt_file(self, run: str) -> str:
        return prompt_file(self.runs[run]["prompt"])

    def hardware(self, run: str) -> dict:
        """Resources of a training job, as Snakemake's Slurm plugin names them; see Options.hardware."""
        settings = self.runs[run]
        gpus, nodes = settings["gpus"], settings["nodes"]
        gpu_model = self._config["generation"]["gpu_model"] if gpus else ""
        if nodes == 1:
            return {"gpu": gpus, "gpu_model": gpu_model}
        gres = ":".join(["gpu", *filter(None, [gpu_model]), str(gpus)])
        return {"nodes": nodes, "gres": gres, "mpi": "srun", "tasks": nodes, "tasks_per_gpu": 0}

    def averaged_dtype(self, model: str) -> str:
        """Numbers of the mean of the checkpoints; what the engine stores in its own way, it makes of the best there are."""
        dtype = self._models[model]["dtype"]
        return "float32" if dtype in STORED else dtype

    def gguf_option(self, model: str) -> list[str]:
        """llama.cpp takes a GGUF file: made after the one that the training started from."""
        if self._models[model]["engine"] != "llamacpp":
            return []
        return ["--gguf-like", f"models/{self.runs[self._models[model]['trained']]['base']}/checkpoint"]
