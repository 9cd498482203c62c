"""Finished samples, kept from the moment they exist: an append-only file per sample run, under a fingerprint.

`.staging/{fingerprint}/{benchmark}/output-rs{seed}.jsonl` grows by one line a sample. When its last sample is there it is
rewritten in benchmark order and hard-linked to the published file; a rerun then restores the published file at no cost. Where
the published file is compressed, the staged one is too, until it has to grow again.
Samples of problems that the run no longer asks for move to `unwanted-output-rs{seed}.jsonl`, and come back if it does again.
Standard library only: this module also runs inside engine containers.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from openmath.errors import InputError
from openmath.files.append_only import kept_places, kept_rows, set_damage_aside
from openmath.files.copies import SURE, are_copies, text_mark
from openmath.files.packed import is_packed, other_form, packed_form, written_as
from openmath.files.rows import atomic_write, encode_row, read_lines, write_rows
from openmath.files.sample_rows import REFUSED, SampleRow, is_sample
from openmath.files.sample_runs import sample_run_of

FLUSH_SECONDS = 2.0  # at most this much work is lost when the machine dies; a killed process loses nothing written


class StagedRun:
    """One sample run of one benchmark. Holds the ids of finished samples, never their text: a job may have millions.

    ask_refused: samples that were refused are missing; another row of the same id takes the place of theirs.
    refused: ids of samples that were. answered_by: (served_model, system_fingerprint) of the rows that name them. tokens: of the
    `counted` samples whose rows say it.
    """

    def __init__(self, path: Path, ids: list[str], ask_refused: bool = False):
        self.path = path
        self._packed = packed_form(path)
        self._unwanted = path.with_name(f"unwanted-{path.name}")
        self._ids = ids
        self._file: FileIO | None = None
        self._dirty = False
        self._done: set[str] = set()
        self.refused: set[str] = set()
        self.answered_by: set[tuple[str | None, str | None]] = set()
        self.tokens = self.counted = 0
        wanted = set(ids)
        damaged: list[int] = []
        for row in self._rows(damaged):
            if row["id"] in wanted:
                self._note(row)
        if damaged:  # only the job that holds the run's lock is here
            set_damage_aside(path, is_sample)
        for row in self._unwanted_rows():
            if row["id"] in wanted and row["id"] not in self._done:
                self.append(row)
        if ask_refused:
            self._done -= self.refused
            self.refused.clear()

    @property
    def place(self) -> Path:
        """The file that holds the samples: compressed or as it grows."""
        return self._packed if self._packed.exists() and not self.path.exists() else self.path

    def _rows(self, damaged: list[int]) -> Iterator[Any]:
        """The finished samples of the file; damaged: gets the numbers of lines that are none."""
        return kept_rows(self.place, is_sample, damaged) if self.place.exists() else iter(())

    @property
    def missing(self) -> list[str]:
        return [i for i in self._ids if i not in self._done]

    def append(self, row: SampleRow) -> None:
        """Keep one finished sample: safe from a kill of this process at once, from the machine's end after `sync`."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._unpack()
            drop_torn_tail(self.path)
            if self.path.exists() and self.path.stat().st_nlink > 1:  # published: what readers see must not grow
                write_rows(self.path, kept_rows(self.path, is_sample))
            self._file = open(self.path, "ab", buffering=0)  # one write a line: nothing waits in this process
        line = encode_row(row)
        written = self._file.write(line)
        if written != len(line):  # a full disk may take half a line; the rest would be appended to it later
            self._file.truncate(self._file.tell() - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._note(row)
        self._dirty = True

    def _note(self, row: Mapping) -> None:
        """Take note of a finished sample."""
        name = str(row["id"])
        if row.get("finish_reason") != REFUSED:
            self.refused.discard(name)
        elif name not in self._done:
            self.refused.add(name)
        self._done.add(name)
        if row.get("num_generated_tokens"):
            self.tokens, self.counted = self.tokens + row["num_generated_tokens"], self.counted + 1
        if "served_model" in row or "system_fingerprint" in row:
            self.answered_by.add((row.get("served_model"), row.get("system_fingerprint")))

    def sync(self) -> None:
        """Flush to disk what was appended; slow on network file systems, so call it beside the work."""
        if self._file and self._dirty:
            self._dirty = False
            os.fsync(self._file.fileno())

    def close(self) -> None:
        if self._file:
            file, self._file = self._file, None
            with file:
                if self._dirty:
                    self._dirty = False
                    os.fsync(file.fileno())

    def differs(self, changed: Callable[[dict], dict]) -> bool:
        """Whether `changed` gives another row for any sample; it returns the row itself where it does not."""
        return any(changed(row) is not row for row in self.kept())

    def kept(self) -> Iterator[dict]:
        """The finished samples as they stand in the file, one in memory at a time; damage is left out silently."""
        return self._rows(damaged=[])

    def publish_changed(self, output: Path, changed: Callable[[dict], dict]) -> int:
        """As `publish`, but with the rows that `changed` gives. Returns how many differ; the staged rows stay as they are."""
        self._put_in_order()
        differing = 0

        def new_rows() -> Iterator[dict]:
            nonlocal differing
            for row in kept_rows(self.place, is_sample):
                new = changed(row)
                differing += new != row
                yield new

        write_rows(output, new_rows())
        if is_packed(output):
            self._pack()
        other_form(output).unlink(missing_ok=True)
        return differing

    def _put_in_order(self) -> None:
        """Rewrite the complete run in benchmark order, row by row; of a repeated id the first that was not refused."""
        self.close()
        if self.place == self._packed:
            if [row["id"] for row in self.kept()] == self._ids:
                return
            self._unpack()
        drop_torn_tail(self.path)
        order: list[str] = []
        places: dict[str, list[int]] = {}
        refused: set[str] = set()
        for row, *place in kept_places(self.path, is_sample):
            name = row["id"]
            order.append(name)
            if name not in places or name in refused:
                places[name] = place
                (refused.add if row.get("finish_reason") == REFUSED else refused.discard)(name)
        if order != self._ids:
            wanted = set(self._ids)
            self._set_aside({name: place for name, place in places.items() if name not in wanted})
            with open(self.path, "rb") as old, atomic_write(self.path) as new:
                for start, length in map(places.__getitem__, self._ids):
                    old.seek(start)
                    new.write(old.read(length))

    def _unwanted_rows(self) -> Iterator[Any]:
        return kept_rows(self._unwanted, is_sample, damaged=[]) if self._unwanted.exists() else iter(())

    def _set_aside(self, places: dict[str, list[int]]) -> None:
        """Keep samples, by their places in the file, that the file is about to lose."""
        for row in self._unwanted_rows():
            places.pop(row["id"], None)
        if not places:
            return
        drop_torn_tail(self._unwanted)
        with open(self.path, "rb") as old, open(self._unwanted, "ab") as kept:
            for start, length in places.values():
                old.seek(start)
                kept.write(old.read(length))
            kept.flush()
            os.fsync(kept.fileno())

    def publish(self, output: Path) -> None:
        """Make the complete run appear as `output`, in benchmark order, sharing its disk blocks with the staged file."""
        self._put_in_order()
        (self._pack if is_packed(output) else self._unpack)()
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        try:
            os.link(self.place, temporary)
        except OSError:  # a file system without hard links, or staging on another one
            shutil.copy2(self.place, temporary)
        os.replace(temporary, output)
        temporary.unlink(missing_ok=True)  # rename() of two links of the same file leaves both
        other_form(output).unlink(missing_ok=True)

    def _pack(self) -> None:
        """Keep the samples compressed. A kill leaves one whole file or both; then the growing one counts."""
        if self.path.exists():
            _rewrite(self.path, self._packed)
            self.path.unlink()

    def _unpack(self) -> None:
        if self.place == self._packed:
            _rewrite(self._packed, self.path)
        self._packed.unlink(missing_ok=True)


def _rewrite(path: Path, other: Path) -> None:
    """Write the lines of a file into its other form."""
    with atomic_write(other) as file, written_as(other, file) as lines:
        for line in read_lines(path):
            lines.write(line)


def text_marks(path: Path, ids: list[str]) -> list[int]:
    """copies.text_mark of each of these problems in a staged file, of whichever job; 0 where it has no sample yet."""
    place = path if path.exists() else other_form(path)  # published, and so compressed, since it was named
    known = {row["id"]: text_mark(row) for row in kept_rows(place, is_sample, damaged=[])}
    return [known.get(identifier, 0) for identifier in ids]


def check_runs_differ(benchmark: str, first: Path, second: Path, ids: list[str]) -> None:
    """InputError if two staged sample runs are copies. ids: of the problems."""
    marks, others = text_marks(first, ids), text_marks(second, ids)
    if are_copies(marks, others, least=SURE):
        long = sum(map(bool, marks))
        same = sum(a == b != 0 for a, b in zip(marks, others, strict=True))
        raise InputError(
            "Two sample runs are copies of each other.",
            where=f"{benchmark}: {sample_run_of(first)} and {sample_run_of(second)}",
            expected="different samples for different seeds",
            found=f"{same} of {long} generations identical",
            hint=f"the engine ignores the seed; once that is fixed, move {second} away to have this run computed again.",
        )


def drop_torn_tail(path: Path) -> None:
    """Cut an unfinished last line, so that the next sample starts on a line of its own."""
    if not path.exists():
        return
    with open(path, "r+b") as file:
        content_end = file.seek(0, os.SEEK_END)
        position = content_end
        while position > 0:
            start = max(0, position - 65536)
            file.seek(start)
            newline = file.read(position - start).rfind(b"\n")
            if newline >= 0:
                position = start + newline + 1
                break
            position = start
        if position != content_end:
            file.truncate(position)
