"""The date in prompts. Chat templates of Llama 3, Mistral and others print today's: the same question would be another prompt
tomorrow. Here it is the day of a model's first run, or `generation: chat_date`; where a template prints one, it is part of
what names a sample.

Standard library only: this module also runs inside engine containers.
"""

import json
import os
import re
from datetime import date
from pathlib import Path

from openmath.errors import InputError

TODAY = "strftime_now("  # the function of chat templates that prints the date
FROM_LLAMA_CPP = "date_string"  # a variable that llama.cpp fills with today's date; elsewhere it has a fixed default
CALL = re.compile(r"""strftime_now\(\s*(?:format\s*=\s*)?(?P<quote>["'])(?P<format>[^"'\\]*)(?P=quote)\s*\)""")


def prints_date(checkpoint: Path, tokenizer: str) -> bool:
    """Whether the chat template in a checkpoint folder prints the day. tokenizer: settings.engine_kinds.TOKENIZERS."""
    if tokenizer == "server":
        return any(map(gguf_prints_date, checkpoint.glob("*.gguf")))
    if tokenizer == "none":  # somebody else's server renders its messages: nothing can be known
        return False
    files = [*checkpoint.glob("chat_template*"), checkpoint / "tokenizer_config.json"]
    files += checkpoint.glob("additional_chat_templates/*.jinja")
    return any(TODAY.encode() in file.read_bytes() for file in files if file.is_file())


def gguf_prints_date(path: Path) -> bool:
    from openmath.engines.weights import NotWhole, read_gguf

    try:
        return path.is_file() and llama_cpp_prints_date(read_gguf(path).metadata.get("tokenizer.chat_template", ""))
    except (NotWhole, OSError):  # the engine will not start
        return False


def llama_cpp_prints_date(template: str) -> bool:
    """Whether a chat template prints the day where llama.cpp renders it."""
    return TODAY in template or FROM_LLAMA_CPP in template


def with_date(template: str, day: date) -> str:
    """The template with this day in place of today. Raises InputError where it cannot be put in."""
    fixed = CALL.sub(lambda call: json.dumps(day.strftime(call["format"])), template)
    if TODAY in fixed:
        place = fixed.index(TODAY)
        raise InputError(
            "The chat template prints the date in a way that cannot be fixed.",
            where=fixed[max(0, place - 40) : place + 80],
            expected='strftime_now("...") with the format in quotes',
            hint="put a chat_template.jinja with a date of your own into the checkpoint's folder.",
        )
    return fixed


def first_day(staging: Path) -> date:
    """The day of a model's first run, by its staging folder, which keeps it from now on."""
    path = staging / "chat_date"
    if not path.exists():
        # Samples of earlier versions, which kept no date: their prompts said the day of their run.
        times = [file.stat().st_mtime for file in staging.glob("*/*/*")]
        day = date.fromtimestamp(min(times)) if times else date.today()
        staging.mkdir(parents=True, exist_ok=True)
        own = path.with_name(f"{path.name}.{os.getpid()}")
        own.write_text(f"{day}\n")
        if not path.exists():  # of two jobs at midnight one is a moment later, and reads the other's
            os.replace(own, path)
        own.unlink(missing_ok=True)
    try:
        return date.fromisoformat(path.read_text().strip())
    except ValueError:
        raise InputError(
            "This file does not hold the date that the prompts say.",
            where=path,
            expected="the day of the model's first run, YYYY-MM-DD",
            hint="write it there: `chat_date` in a settings.json below this folder has it, if any sample was finished.",
        ) from None
