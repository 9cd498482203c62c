"""How the samples of a model are drawn: as `generation` says, as its own `sampling` does, or as its makers advise.

Standard library only: this module also runs inside engine containers.
"""

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path

from openmath.arguments import real, whole
from openmath.errors import InputError, printable
from openmath.files.json_files import read_json
from openmath.settings.defaults import MAX_NEW_TOKENS, TOKENS_PER_SAMPLE

FROM_CHECKPOINT = "from_checkpoint"
ALWAYS = ("temperature", "top_p", "max_new_tokens")  # have a value for each model
PENALTIES = ("repetition_penalty", "presence_penalty")  # of greedy runs too: they change which token is the likeliest
EFFORT = "reasoning_effort"  # of an endpoint
NO_EFFORT_HERE = "is for endpoints; what a chat template asks for is given as chat_template_kwargs"
OF_ALL_RUNS = (*PENALTIES, EFFORT)
TRUNCATIONS = ("top_k", "min_p")
OPTIONAL = (*TRUNCATIONS, *OF_ALL_RUNS)  # off where nothing is said
# Key -> type of its option. Of the configuration: settings/config_models.py, with the same limits.
NUMBERS = {
    "temperature": real(0),
    "top_p": real(0, 1, above=True),
    "max_new_tokens": whole(1),
    "top_k": whole(0),
    "min_p": real(0, 1),
    "repetition_penalty": real(0, above=True),
    "presence_penalty": real(-2, 2),
}
TYPES: dict[str, Callable[[str], float | str]] = {**NUMBERS, EFFORT: str}

# Of a generation_config.json: what else changes answers, with the values that change nothing. No engine is asked for it.
NOT_TAKEN = {
    "typical_p": (1,),
    "epsilon_cutoff": (0,),
    "eta_cutoff": (0,),
    "top_h": (),
    "penalty_alpha": (0,),
    "frequency_penalty": (0,),
    "encoder_repetition_penalty": (1,),
    "no_repeat_ngram_size": (0,),
    "num_beams": (1,),
    "guidance_scale": (1,),
    "suppress_tokens": ([],),
    "begin_suppress_tokens": ([],),
    "bad_words_ids": ([],),
    "sequence_bias": ({}, []),
    "forced_bos_token_id": (),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "stop_strings": ([],),
}


def configured_sampling(config: dict, model: str, checkpoint: Path | None = None) -> dict:
    """Key -> value, without those that are off. checkpoint: a folder, for a model that samples as its checkpoint says.

    Raises InputError where it says so in no way that can be used.
    """
    settings, generation = config["models"][model], config["generation"]
    own = settings.get("sampling", {})
    if own == FROM_CHECKPOINT:
        own = checkpoint_sampling(checkpoint) if checkpoint else {}
    return {key: generation[key] for key in ALWAYS} | own


def usual_tokens(config: dict, model: str) -> tuple[float, int, int]:
    """(tokens of a sample, assumed; `max_new_tokens` of the model; the one that is assumed for, by which it was scaled)."""
    generation, own = config["generation"], configured_sampling(config, model)["max_new_tokens"]
    tokens = generation["tokens_per_sample"]
    longest = (
        MAX_NEW_TOKENS if tokens == TOKENS_PER_SAMPLE else generation["max_new_tokens"]
    )  # the default is the recipe's
    return tokens * own / longest, own, longest


def samples_as_checkpoint(config: dict, model: str) -> bool:
    return config["models"][model].get("sampling") == FROM_CHECKPOINT


def checkpoint_sampling(folder: Path) -> dict:
    """What the generation_config.json of a checkpoint says. InputError where there is none, or a value cannot be."""
    path, hint = (
        folder / "generation_config.json",
        "write the values yourself: models: NAME: sampling: {temperature: 1}",
    )
    said = read_json(path, "how the checkpoint is to be sampled", hint=hint)
    if not isinstance(said, dict):
        raise InputError("The checkpoint does not say how to sample.", where=path, expected="an object", hint=hint)
    values, wrong = {}, []
    for key, number in NUMBERS.items():
        if (value := said.get(key)) is None:
            continue
        try:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ArgumentTypeError(f"must be a number, not {value!r:.80}")
            values[key] = number(str(value))
        except ArgumentTypeError as error:
            wrong.append(f"{key} {error}")
    if wrong:
        raise InputError("The checkpoint's sampling cannot be used.", where=path, found="; ".join(wrong), hint=hint)
    return values


def not_taken(folder: Path) -> str:
    """What the generation_config.json of a checkpoint says that no request does, and that changes answers, for people."""
    said = read_json(folder / "generation_config.json", "how the checkpoint is to be sampled")
    more = {key: said[key] for key, off in NOT_TAKEN.items() if said.get(key) is not None and said[key] not in off}
    return printable(", ".join(f"{key} {value!r:.40}" for key, value in more.items()))


def in_words(sampling: Mapping) -> str:
    """'temperature 0.6, top_p 0.95, max_new_tokens 4096, top_k 20': what is set, for people."""
    return ", ".join(f"{key} {sampling[key]}" for key in TYPES if sampling.get(key) is not None)
