"""JSON files that others have written: records of stages, configurations of checkpoints. One message where they cannot be read.

Standard library only: this module also runs inside engine containers.
"""

import json
from pathlib import Path
from typing import Any

from openmath.errors import InputError

MAX_BYTES = 64 * 2**20  # the largest record, a manifest of a thousand sample runs, has 1 MB; a tokenizer's has 20 MB


def read_json(path: str | Path, what: str, *, hint: str | None = None) -> Any:
    """The object or list in a file. what: names it in the InputError, "the model's configuration"."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise ValueError("not a regular file")
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        value = json.loads(content)
        if not isinstance(value, dict | list):
            raise ValueError(f"{value!r:.80}, no object")
        return value
    except OSError as error:
        raise InputError(f"Cannot read {what} ({error.strerror}).", where=path, hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"Cannot read {what}.", where=path, found=str(error)[:200], hint=hint) from None
