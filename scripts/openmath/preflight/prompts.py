"""Prompt files of models, judges and training sets."""

from collections.abc import Callable, Iterator

from openmath.errors import InputError
from openmath.generation.prompts import read_prompt
from openmath.judging.settings import read_judge_prompt
from openmath.preflight.needs import Needs
from openmath.settings.layout import prompt_file


def check_prompts(needs: Needs) -> Iterator[InputError]:
    """Prompts that will be used and cannot be; one problem for each file."""
    models, judges = needs.config["models"], needs.config["judges"]
    used: list[tuple[Callable[[str], dict], str]]
    used = [(read_prompt, models[name]["prompt"]) for name in needs.generating]
    used += [(read_prompt, job.drawn["prompt"]) for job in needs.drawing]
    used += [(read_prompt, needs.config["training"][run]["prompt"]) for run in needs.training]
    used += [(read_judge_prompt, judges[name]["prompt"]) for name in needs.judging]
    used += [(read_judge_prompt, one.settings["prompt"]) for one in needs.comparing if one.judged]
    for read, prompt in dict.fromkeys(used):
        try:
            read(prompt_file(prompt))
        except InputError as problem:
            yield problem
