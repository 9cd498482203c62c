"""YAML files of people: whatever is in them, one message where they cannot be read, with line and column."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from openmath.errors import InputError

MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`, which may stand several times


@dataclass(frozen=True)
class Repeated:
    """A key that a mapping holds twice. path: keys and list indices that lead to it. place: FILE:LINE:COLUMN of the second."""

    path: tuple
    place: str
    first_line: int


class Document:
    """A YAML file: what it says (`value`, plain Python; None where it is empty), where each part stands, and `repeated` keys."""

    def __init__(self, path: str | Path, text: str):
        self.path = path
        loader = yaml.SafeLoader(text)
        self._root = loader.get_single_node()
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
        if node is None or id(node) in seen:  # an alias of what was looked at
            return
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
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
