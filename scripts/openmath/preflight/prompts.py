"""Prompt files of models, judges and training sets."""

from collections.abc import Callable, Iterator

from openmath.answers import extract_answer
from openmath.errors import InputError
from openmath.generation.prompts import read_prompt
from openmath.judging.settings import read_judge_prompt
from openmath.preflight.needs import Needs
from openmath.settings.dataset_layout import PROBLEMS
from openmath.settings.layout import prompt_file


def check_prompts(needs: Needs) -> Iterator[InputError]:
    """Prompts that will be used and cannot be; one problem for each file."""
    models, judges = needs.config["models"], needs.config["judges"]
    used: list[tuple[Callable[[str], dict], str]]
    used = [(read_prompt, models[name]["prompt"]) for name in needs.generating]
    used += [
        (read_problems_prompt if job.stage == PROBLEMS else read_solutions_prompt, job.drawn["prompt"])
        for job in needs.drawing
    ]
    used += [(read_prompt, needs.config["training"][run]["prompt"]) for run in needs.training]
    used += [(read_judge_prompt, judges[name]["prompt"]) for name in needs.judging]
    used += [(read_judge_prompt, one.settings["prompt"]) for one in needs.comparing if one.judged]
    for read, prompt in dict.fromkeys(used):
        try:
            read(prompt_file(prompt))
        except InputError as problem:
            yield problem


def read_solutions_prompt(path: str) -> dict:
    """A prompt by which a teacher solves problems: its examples, where it has any, show answers as they are read, in boxes."""
    prompt = read_prompt(path)
    if prompt["examples"] and not _boxed(prompt):
        raise InputError(
            "No example of the prompt shows an answer: a solution without a box never counts.",
            where=path,
            expected="a solution that ends with \\boxed{...}",
            found=repr(prompt["examples"][-1]["solution"][-200:]),
            hint="is it a prompt of new problems (`problems`)?",
        )
    return prompt


def read_problems_prompt(path: str) -> dict:
    """A prompt by which a teacher writes new problems: its examples are no solutions."""
    prompt = read_prompt(path)
    if boxed := _boxed(prompt):
        raise InputError(
            "An example of the prompt is a solution, and not a new problem.",
            where=path,
            expected="another problem as the `solution` of each example",
            found=repr(boxed[0][-200:]),
            hint="is it a prompt of solutions (`solutions`, `new_solutions`)?",
        )
    return prompt


def _boxed(prompt: dict) -> list[str]:
    """What stands for solutions in the examples, where an answer is in a box."""
    written = [example["solution"] for example in prompt["examples"]]
    return [text for text in written if extract_answer(text) is not None]
