"""Lengths in tokens of a named tokenizer: the tokenizer.json of a checkpoint, without special tokens."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from openmath.errors import InputError

REMEMBERED = 20_000  # problems, which come once in each run


def token_counter(folder: Path) -> Callable[[str], int]:
    """Tokens of a text. folder: holds tokenizer.json, or is that file. Raises InputError where it cannot be read."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json" if folder.is_dir() else folder
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exceptions
        raise InputError(
            "Cannot read the tokenizer.", where=path, expected="a tokenizer.json of a checkpoint", found=error
        ) from None
    tokenizer.no_truncation()

    @lru_cache(REMEMBERED)
    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count
