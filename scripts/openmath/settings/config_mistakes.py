"""Mistakes of a configuration, each with its key, its place in the file, and what may have been meant."""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from openmath.arguments import ADDRESS_WORDS
from openmath.settings.config_files import ConfigFiles
from openmath.settings.config_model import Configuration
from openmath.settings.config_types import Section, section_of

SECRET_PRONE = {  # a wrong value may be a secret: it is never repeated
    "api_key_env": "must be the name of an environment variable that holds the key (A-Z, 0-9 and _), not the key",
    "base_url": f"must be {ADDRESS_WORDS}",
}
POWER_OF_TEN = re.compile(r"[-+]?\d+[eE][-+]?\d+")
WORDS = {  # for pydantic's kinds of errors, with its names of limits; types as JSON calls them
    "string_type": "is not of type 'string'",
    "int_type": "is not of type 'integer'",
    "float_type": "is not of type 'number'",
    "bool_type": "is not of type 'boolean'",
    "list_type": "is not of type 'array'",
    "dict_type": "is not of type 'object'",
    "model_type": "is not of type 'object'",
    "literal_error": "is not one of {expected}",
    "finite_number": "is not a finite number",
    "greater_than": "is not above {gt:g}",
    "less_than": "is not below {lt:g}",
    "greater_than_equal": "is less than the minimum of {ge:g}",
    "less_than_equal": "is greater than the maximum of {le:g}",
    "string_pattern_mismatch": "does not match '{pattern}'",
    "string_too_short": "is too short, at least {min_length}",
    "too_short": "is too short, at least {min_length}",
    "too_long": "is too long, at most {max_length}",
}


@dataclass(frozen=True)
class Mistake:
    """path: keys and list indices of what is wrong. inside: the key of it that the text names, for its place in the file."""

    path: tuple
    text: str
    inside: tuple = ()

    def line(self, files: ConfigFiles) -> str:
        place = files.place(self.path + self.inside)
        return f"{place + ': ' if place else ''}{': '.join(map(str, self.path)) or '(top level)'}: {self.text}"


def mistake(error: ErrorDetails, config: object) -> Mistake:
    """One of pydantic's errors in our words."""
    kind, last, path = error["type"], error["loc"][-1] if error["loc"] else "", _path(error["loc"], config)
    if kind == "missing":
        return Mistake(path, f"{last!r} is a required property")
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        homes = [f"`{': '.join(home)}`" for home in sorted(_sections_with(str(last)), key=len)[:3]]
        misspelt = difflib.get_close_matches(str(last), known, 1, 0.75)
        words = f"it belongs to {' or '.join(homes)}" if homes and not misspelt else meant(last, known, "keys")
        return Mistake(path[:-1], f"unknown key {last!r}; {words}", path[-1:])
    if path and path[-1] in SECRET_PRONE:
        return Mistake(path, SECRET_PRONE[path[-1]])
    text = f"{error['input']!r} {WORDS[kind].format(**error.get('ctx', {}))}" if kind in WORDS else error["msg"]
    if kind == "float_type" and POWER_OF_TEN.fullmatch(str(error["input"])):
        text += "; YAML takes a number without a point for text: 2e-5 is written 2.0e-5"
    return Mistake(path[:-1], text, path[-1:]) if last == "[key]" else Mistake(path, text)


def _path(location: tuple, config: object) -> tuple:
    """The part of an error's location that is there in the configuration: pydantic puts names of types between."""
    path = []
    for key in location:
        if (isinstance(config, dict) and key in config) or (isinstance(config, list) and isinstance(key, int)):
            config = config[key]
            path.append(key)
    return tuple(path)


def _known_keys(path: tuple) -> list[str]:
    """Keys of the section that a path leads to."""
    section: type[Section] = Configuration
    named = False  # the next key is a name of the user's
    for key in path:
        if named:
            named = False
        else:
            below, named = section_of(section.model_fields[key].annotation)
            assert below is not None, "only a section has unknown keys"
            section = below
    return list(section.model_fields)


def _sections_with(
    key: str, section: type[Section] = Configuration, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Paths to the sections that have this key, with NAME for a name of the user's; not to the top level."""
    for name, field in section.model_fields.items():
        below, named = section_of(field.annotation)
        if below is not None:
            path = (*above, name, "NAME") if named else (*above, name)
            yield from [path] if key in below.model_fields else ()
            yield from _sections_with(key, below, path)


def meant(word: object, known: Iterable[str], what: str, alike: float = 0.5) -> str:
    near = difflib.get_close_matches(str(word), known, 1, alike)
    return f"did you mean {near[0]!r}?" if near else f"known {what}: {', '.join(known)}"
