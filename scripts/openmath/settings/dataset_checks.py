"""What no key of `dataset` and `contamination` shows alone: see config.py."""

from collections.abc import Iterator
from os.path import normpath

from openmath.settings.benchmark_names import source_of, without_groups
from openmath.settings.config_contamination import Decontamination
from openmath.settings.config_dataset import Dataset
from openmath.settings.config_mistakes import Mistake, meant
from openmath.settings.dataset_layout import DatasetLayout
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.layout import prompt_file
from openmath.settings.training_checks import trainings_before
from openmath.settings.training_layout import TrainingLayout


def dataset_checks(config: dict) -> Iterator[Mistake]:
    """Mistakes of the training set that a configuration makes."""
    benchmarks = without_groups(config["benchmarks"], config["benchmark_sources"])
    yield from _set_checks(config["dataset"], config["models"], config["engines"], benchmarks)
    yield from _shared_sources(config, benchmarks)
    yield from _circle_checks(config)


def same_problem_checks(config: dict) -> Iterator[Mistake]:
    """Mistakes of the comparisons with test problems, of a set of this configuration and of those from elsewhere."""
    for path in (("dataset", "decontamination"), ("contamination", "paraphrases")):
        settings = config.get(path[0], {}).get(path[1], {})
        judge = settings.get("judge")
        if judge is None:
            continue
        if settings["similarity"] != Decontamination.model_fields["similarity"].default:
            yield Mistake((*path, "similarity"), "has an effect without `judge` only")
        if judge not in config["judges"]:
            text = f"no judge {judge!r}; known judges: {', '.join(config['judges']) or 'none'}"
            yield Mistake((*path, "judge"), text)
        for name, other in config["judges"].items():
            if prompt_file(other["prompt"]) == prompt_file(settings["prompt"]):
                text = f"{settings['prompt']!r} is also what judge {name!r} is asked about answers; here two problems are compared"
                yield Mistake((*path, "prompt"), text)


def _set_checks(dataset: dict, models: dict, engines: dict, benchmarks: list[str]) -> Iterator[Mistake]:
    teacher = dataset["teacher"]
    if teacher not in models:
        text = f"no model {teacher!r}; {meant(teacher, models, 'models', 0.0)}"
        yield Mistake(("dataset", "teacher"), text)
        return
    if "samples" in models[teacher]:
        yield Mistake(("dataset", "teacher"), f"{teacher!r} has only imported samples, no engine")
        return
    engine = models[teacher]["engine"]
    messages = engines.get(engine, {}).get("tokenizer", engine_kind(engine).tokenizer) == "none"
    for key in ("min_solution_characters", "max_solution_tokens", "tokenizer"):
        default = Dataset.model_fields[key].default
        if "lengths" not in dataset["filters"] and dataset.get(key, default) != default:
            yield Mistake(("dataset", key), "has an effect with the filter `lengths` only")
    new_problem_prompts = {
        prompt_file(settings["problems"]["prompt"]): origin
        for origin, settings in dataset["origins"].items()
        if "problems" in settings
    }
    for origin, settings in dataset["origins"].items():
        path = ("dataset", "origins", origin)
        if origin in benchmarks:
            yield Mistake(path, "is one of `benchmarks`: what is trained on its problems cannot be evaluated on them")
        solved = settings.get("new_solutions", {}).get("seeds", dataset["min_votes"])
        if dataset["min_votes"] > solved:
            text = f"{dataset['min_votes']} votes, and {origin!r} has {solved} new_solutions to vote: no problem would stay"
            yield Mistake(("dataset", "min_votes"), text)
        if ("problems" in settings) != ("new_solutions" in settings):
            yield Mistake(path, "problems and new_solutions go together")
        for stage in ("solutions", "problems", "new_solutions"):
            drawn, place = settings.get(stage, {}), (*path, stage)
            if messages and drawn.get("prompt_template", "chat") != "chat":
                yield Mistake((*place, "prompt_template"), f"engine {engine!r} takes chat messages only: `chat`")
            if drawn.get("temperature") == 0 and drawn["seeds"] > 1:
                text = f"all {drawn['seeds']} runs would be the same; above 0 they differ, or `seeds: 1`"
                yield Mistake((*place, "temperature"), text)
            whose = new_problem_prompts.get(prompt_file(drawn["prompt"])) if drawn and stage != "problems" else None
            if whose:
                text = f"{drawn['prompt']!r} is the prompt of new problems (origins: {whose}: problems)"
                yield Mistake((*place, "prompt"), text)


def _shared_sources(config: dict, benchmarks: list[str]) -> Iterator[Mistake]:
    """One file under two names, problems to begin from and a benchmark."""
    sources = {name: source_of(config, name).get("source") for name in benchmarks}
    for origin in config["dataset"]["origins"]:
        given = source_of(config, origin).get("source")
        for name, source in sources.items():
            if given is not None and source is not None and normpath(source) == normpath(given):
                text = f"is the source of benchmark {name!r} too: what is trained on its problems cannot be evaluated on them"
                yield Mistake(("benchmark_sources", origin), text)


def _circle_checks(config: dict) -> Iterator[Mistake]:
    """Whoever writes or judges a set may not come out of a training on it."""
    dataset, layout = config["dataset"], TrainingLayout(config)
    made = DatasetLayout(config).packed_files
    judge = config["judges"].get(dataset.get("decontamination", {}).get("judge"), {})
    asked: dict[tuple, str] = {("dataset", "teacher"): dataset["teacher"]}
    asked |= {("dataset", "decontamination", "judge"): judge["self_hosted"]} if "self_hosted" in judge else {}
    for path, model in asked.items():
        for run in sorted(trainings_before(model, config)):
            if layout.data_file(run) in made:
                yield Mistake(path, f"{model!r} comes out of training {run!r}, which is on this set")
