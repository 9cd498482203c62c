"""Where the files of the trainings lie, for a checked configuration with `training`. Paths are relative; looks at no file."""

import json
from collections.abc import Collection
from os.path import normpath

from openmath.settings.dataset_layout import DatasetLayout
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
        """The training set, a parquet file; ./PATH is PATH, as the rule that makes it has it."""
        return normpath(self.runs[run].get("dataset") or f"datasets/{self._config['dataset']['name']}/train.parquet")

    def record(self, run: str) -> str:
        """What is there when a training has ended."""
        return f"training/{run}/training.json"

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

    def single_steps(self, run: str) -> list[tuple[str, int]]:
        """(model, step) of the models after one step of a training, by step, behind the one that it started from, at step 0."""
        ours = [
            (name, self._models[name].get("steps", [])) for name in self.models if self._models[name]["trained"] == run
        ]
        single = sorted(((name, steps[0]) for name, steps in ours if len(steps) == 1), key=lambda one: one[1])
        return [(self.runs[run]["base"], 0), *single]

    @property
    def learning_curves(self) -> list[str]:
        """Trainings with models after at least two single steps: they have a curve of what is solved."""
        return [run for run in self.runs if len(self.single_steps(run)) > 2]

    def step_summaries(self, run: str) -> dict[str, int]:
        """Summary folder of each model of single_steps -> its step."""
        return {folder: step for model, step in self.single_steps(run) for folder in self.summaries(model)}

    def summaries(self, model: str) -> list[str]:
        """Summary folders of a model, one for each judge."""
        return [f"results/{model}/summary/{judge}" for judge in self._config["judges"] or ["none"]]

    def comparisons(self, model: str) -> list[str]:
        """Of a model with the one that its training started from, where the configuration asks for them."""
        both = {model, self.runs[self._models[model]["trained"]]["base"]}
        pairs = [f"{first}-vs-{second}" for first, second in self._config["compare"] if {first, second} == both]
        judges = self._config["judges"] or ["none"]
        return [f"results/compare/{pair}/{judge}/comparison.csv" for pair in pairs for judge in judges]

    @property
    def pages(self) -> list[str]:
        """What the report shows of the trainings behind its models: curves, cards, the stages of the set that they are of."""
        runs = list(dict.fromkeys(self._models[model]["trained"] for model in self.models))
        curves = [f"training/{run}/curve.svg" for run in runs]
        curves += [f"training/{run}/learning_curve.svg" for run in self.learning_curves]
        packed = DatasetLayout(self._config) if "dataset" in self._config else None
        stages = [packed.figure_files[0]] if packed and {*map(self.data_file, runs)} & {*packed.packed_files} else []
        return [*curves, *stages, *(f"models/{model}/card.md" for model in self.models)]

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
