"""How one job draws its samples. Standard library only: this module also runs inside engine containers."""

from argparse import Namespace
from pathlib import Path

from openmath.errors import InputError
from openmath.files.records import EngineRecord
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.sampling import (
    EFFORT,
    NO_EFFORT_HERE,
    NUMBERS,
    TYPES,
    checkpoint_sampling,
    in_words,
    not_taken,
)


def drawn_by(options: Namespace, engine: EngineRecord) -> dict:
    """Of sampling.TYPES those that are set. options: of generate.py. engine: engine.json.

    Prints what a checkpoint says, where that counts. InputError for what the engine cannot be asked.
    """
    drawn = {key: value for key in TYPES if (value := getattr(options, key)) is not None}
    if EFFORT in drawn and not engine_kind(engine["engine"]).hosted:
        raise InputError(f"--reasoning-effort {NO_EFFORT_HERE}.", where=options.engine, found=engine["engine"])
    if options.sampling_from_checkpoint:
        if "checkpoint" not in engine:
            raise InputError("This engine has no checkpoint that could say how to sample.", where=options.engine)
        checkpoint = Path(engine["checkpoint"])
        said = checkpoint_sampling(checkpoint)
        drawn |= said
        silent = ", ".join(f"{key} ({drawn.get(key, 'off')})" for key in NUMBERS if key not in said)
        print(f"generate: generation_config.json says {in_words(said) or 'nothing'}", flush=True)
        print(f"generate: generation_config.json leaves open {silent or 'nothing'}", flush=True)
        if more := not_taken(checkpoint):
            print(f"generate: warning: generation_config.json also says {more}, which is not applied", flush=True)
    return drawn
