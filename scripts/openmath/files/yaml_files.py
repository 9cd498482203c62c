"""YAML files of people: whatever is in them, one message where they cannot be read, with line and column."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from openmath.errors import InputError

# What YAML 1.1 takes for numbers to the base of 60 and 8, and nobody means: 4:00:00 is 14400 to it, and 010 is 8.
OTHER_BASES = re.compile(r"[-+]?[0-9][0-9_]*(:[0-9]+)+(\.[0-9_]*)?|[-+]?0[0-7_]+")
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`, which may stand several times


@dataclass(frozen=True)
class Repeated:
    """A key that a mapping holds twice. path: keys and list indices that lead to it. place: FILE:LINE:COLUMN of the second."""

    path: tuple
    place: str
    first_line: int


@dataclass(frozen=True)
class Misread:
    """A value that is another number to YAML than to its writer. path: keys and list indices that lead to it."""

    path: tuple
    place: str
    text: str
    value: object


class Document:
    """A YAML file: what it says (`value`, plain Python; None where it is empty), where each part stands, `repeated` keys, and
    `misread` numbers."""

    def __init__(self, path: str | Path, text: str):
        self.path = path
        loader = yaml.SafeLoader(text)
        self._root = loader.get_single_node()
        self.misread: list[Misread] = []
        self.repeated = list(self._repeated(self._root, (), set()))  # before `<<` is resolved: that may override keys
        self.value: Any = None if self._root is None else loader.construct_document(self._root)

    def place(self, path: tuple) -> str | None:
        """FILE:LINE:COLUMN of the key or list item that a path leads to; None: it is not in this file."""
        node, mark = self._root, None
        for key in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                mark = node.start_mark
            elif isinstance(node, yaml.MappingNode):
                found = [(name, value) for name, value in node.value if name.value == str(key)]
                if not found:
                    return None
                name, node = found[-1]  # the last one counts
                mark = name.start_mark
            else:
                return None
        return mark and self._place(mark)

    def _place(self, mark: yaml.Mark) -> str:
        return f"{self.path}:{mark.line + 1}:{mark.column + 1}"

    def _repeated(self, node: yaml.Node | None, path: tuple, seen: set) -> Iterator[Repeated]:
        """Keys that stand twice; numbers that are misread are noted on the way."""
        if node is None or id(node) in seen:  # an alias of what was looked at
            return
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode) and node.tag in NUMBERS and OTHER_BASES.fullmatch(node.value):
            value = yaml.safe_load(node.value)
            self.misread.append(Misread(path, self._place(node.start_mark), node.value, value))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                yield from self._repeated(item, (*path, index), seen)
        elif isinstance(node, yaml.MappingNode):
            first: dict = {}
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                    earlier = first.setdefault((key.tag, key.value), key)
                    if earlier is not key:
                        yield Repeated((*path, key.value), self._place(key.start_mark), earlier.start_mark.line + 1)
                yield from self._repeated(value, (*path, key.value), seen)


def read_document(path: str | Path, what: str) -> Document:
    """A YAML file with its places. what: names it in the InputError, "the prompt file"."""
    try:
        return Document(path, Path(path).read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        found, hint = error.problem, None
        if found and "'\\t'" in found:
            found, hint = "a tab", "YAML allows no tabs for indentation: use spaces."
    except OSError as error:
        where, found, hint = path, error.strerror, None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or a date like 2026-99-99
        where, found, hint = path, " ".join(str(error).split())[:500], None
        if isinstance(error, UnicodeDecodeError):
            where = f"{path}:{error.object[: error.start].count(10) + 1}"
            hint = "save the file as UTF-8."
    raise InputError(f"Cannot read {what}.", where=where, found=found, hint=hint)


def read_yaml(path: str | Path, what: str) -> object:
    """The content of a YAML file; a key given twice is refused. what: names it in the InputError."""
    document = read_document(path, what)
    for key in document.repeated:
        raise InputError(
            f"Cannot read {what}.",
            where=key.place,
            found=f"{': '.join(map(str, key.path))} is given twice, first in line {key.first_line}",
        )
    return document.value
