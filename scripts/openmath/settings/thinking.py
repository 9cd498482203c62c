"""How the thoughts of a model are told from its answers: by the usual marks, not at all, or by marks of its own.

Standard library only: this module also runs inside engine containers.
"""

import json
from argparse import ArgumentTypeError

from openmath.thoughts import Marks

AUTO, NONE = "auto", "none"


def thinking_setting(value: str) -> str | Marks:
    """Type of `--thinking`: auto, none, or {"start": TEXT, "end": TEXT} as JSON."""
    if value in (AUTO, NONE):
        return value
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.keys() != {"start", "end"}:
        raise ArgumentTypeError(f'must be auto, none or {{"start": TEXT, "end": TEXT}}, not {value!r:.80}')
    if not all(isinstance(mark, str) and mark.strip() for mark in said.values()):
        raise ArgumentTypeError("start and end must be text")
    if said["start"] == said["end"]:
        raise ArgumentTypeError("start and end must differ")
    return Marks(**said)
