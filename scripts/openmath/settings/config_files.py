"""The files that a configuration is merged from: where each of its parts stands, and which keys they give twice."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openmath.errors import InputError
from openmath.files.yaml_files import Document, Misread, Repeated, read_document


@dataclass(frozen=True)
class ConfigFiles:
    """documents: later ones override earlier ones, key by key. overrides: of Snakemake's `--config`, which override all.

    Without either, nothing is known of where the configuration comes from.
    """

    documents: list[Document] = field(default_factory=list)
    overrides: Mapping = field(default_factory=dict)

    def merged(self) -> dict:
        config: dict = {}
        for changes in [*(document.value for document in self.documents), self.overrides]:
            config = _merged(config, changes)
        return config

    def repeated(self) -> list[Repeated]:
        return [key for document in self.documents for key in document.repeated]

    def misread(self) -> list[Misread]:
        return [number for document in self.documents for number in document.misread]

    def place(self, path: tuple) -> str | None:
        """FILE:LINE:COLUMN of what a path leads to, or of the nearest mapping or list that should hold it; FILE where none does."""
        for length in range(len(path), 0, -1):
            if _holds(self.overrides, path[:length]):
                return "--config"
            for document in reversed(self.documents):
                if place := document.place(path[:length]):
                    return place
        return str(self.documents[-1].path) if self.documents else None


def read_config_files(paths: Iterable[str | Path]) -> ConfigFiles:
    """Files that together are one configuration. InputError: one of them cannot be read, is empty or holds no keys."""
    documents = [read_document(path, "the configuration") for path in paths]
    for document in documents:
        if document.value is None:
            hint = "copy config/config.yaml or config/demo.yaml and edit it."
            raise InputError("The configuration is empty.", where=document.path, hint=hint)
        if not isinstance(document.value, dict):
            expected, found = "keys at the top level, `benchmarks: ...`", f"{document.value!r:.80}"
            raise InputError("The configuration has no keys.", where=document.path, expected=expected, found=found)
    return ConfigFiles(documents)


def files_behind(config: dict, paths: Iterable[Path], overrides: Mapping) -> ConfigFiles:
    """The files that Snakemake has read, where they and `overrides` are what made this configuration.

    Else nothing is known: another workflow may give us, its module, any part of its own files.
    """
    try:
        files = ConfigFiles(read_config_files(_shown(path) for path in paths).documents, overrides)
    except InputError:  # Snakemake reads more than we do: JSON with tabs, tags for Python objects
        return ConfigFiles()
    return files if files.merged() == config else ConfigFiles()


def _shown(path: Path) -> str:
    """As a person would write it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _holds(value: object, path: tuple) -> bool:
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def _merged(config: dict, changes: Mapping) -> dict:
    merged = dict(config)
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if nested else value
    return merged
