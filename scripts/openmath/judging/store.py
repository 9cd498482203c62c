"""The store of one judge's verdicts: `judgements/{judge}/*.jsonl`, append-only, kept for ever.

Two kinds of lines. A settings line says what a fingerprint stands for; a verdict line is one paid reply:

    {"settings": "0f3a...", "described": {"identity": "gpt-4o-2024-11-20", "prompt": {...}, "sampling": {...}}}
    {"key": "9c1d...", "judge": "gpt-4o", "settings": "0f3a...", "prompt": "77ab...", "problem": "...", "predicted_answer": "1/2",
     "expected_answer": "0.5", "attempt": 1, "judgement": "... Judgement: Yes", "finish_reason": "stop", "model": "...",
     "system_fingerprint": "fp_...", "num_prompt_tokens": 760, "num_generated_tokens": 61, "usd": 0.0025, "asked_at": 1700000000}

Every process reads all files and writes its own, `verdicts-*.jsonl`; `import-*.jsonl` holds what others have paid. Copying a folder
into another merges them. A line is written before it is used: a killed process loses nothing, a dead machine at most 2 seconds.
"""

import errno
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, get_args

from openmath.errors import InputError, parts_of
from openmath.files.append_only import kept_rows, set_damage_aside, tell_damage
from openmath.files.fingerprint import sha256_text
from openmath.files.json_files import read_json
from openmath.files.rows import encode_row
from openmath.judging.settings import Described, Form, JudgeSettings

REPLACED = ("refused", "another_model")  # outcomes that a later reply to the same call takes the place of
AMOUNTS = ("usd", "asked_at", "num_prompt_tokens", "num_generated_tokens")
MAX_AMOUNT = 1e15
BATCH_TEXTS = {"name", "file_id", "batch_id", "status"}
FLUSH_SECONDS = 2.0  # between two calls of `sync`: at most this much is lost when the machine dies
IMPORTED = "import-"


# Why a record is no verdict, whatever the reply says: cut at the token limit, empty, refused for good by the endpoint, or by
# another model than the store's verdicts under the same settings.
Outcome = Literal["cut", "empty", "refused", "another_model"]


class VerdictRecord(TypedDict):
    """A verdict line. Of lines that others have written only `key` and `judgement` are sure; amounts are, where they are there."""

    key: str  # fingerprint of settings, attempt and the three texts of the question
    judge: str  # its name in the configuration
    settings: str  # fingerprint of JudgeSettings
    prompt: str  # fingerprint of the judge prompt
    problem: str
    predicted_answer: str
    expected_answer: str
    attempt: int  # 1, and more where a reply held no verdict
    judgement: str  # the reply
    finish_reason: str | None
    model: str | None  # in the server's words
    system_fingerprint: str | None
    num_prompt_tokens: int | None
    num_generated_tokens: int | None
    usd: float | None  # None without prices
    asked_at: int  # seconds since 1970
    batch: NotRequired[str]  # id of the Batch API's batch
    form: NotRequired[Form]  # how it was asked, where not plainly
    outcome: NotRequired[Outcome]  # not in records of older versions, which are read by their words alone
    refusal: NotRequired[str]  # the endpoint's words, without the key
    limit_name: NotRequired[str]  # what the endpoint calls the token limit, where that is not max_tokens


class VerdictStore:
    """records: verdict by key. described: settings by fingerprint. spent: USD paid for verdicts asked from here.

    mends: damaged lines are set aside, in files that no process writes to; who only reads a store says how many there are.
    ask_refused: refusals of earlier runs are as if they were not there.
    """

    def __init__(self, folder: Path, mends: bool = False, ask_refused: bool = False):
        self.batches = folder / "batches"  # one state file for each batch ever submitted
        self._folder = folder
        self._file: FileIO | None = None
        self._unsynced = False
        self._mends, self._ask_refused = mends, ask_refused
        self._told: dict[Path, list[int]] = {}
        self._added: set[str] = set()  # keys of this process
        self.refresh()

    def refresh(self) -> None:
        """Read all files again: what other processes have added is there afterwards."""
        self.records: dict[str, VerdictRecord] = {}
        self.described: dict[str, Described] = {}
        self.spent = 0.0
        for path in sorted(self._folder.glob("*.jsonl")):
            damaged: list[int] = []
            line: Any  # until it is checked
            for line in kept_rows(path, _is_line, damaged):
                if "key" not in line:
                    self.described[line["settings"]] = line["described"]
                    continue
                if not path.name.startswith(IMPORTED):
                    self.spent += line.get("usd") or 0.0
                if self._ask_refused and line.get("outcome") == "refused" and line["key"] not in self._added:
                    continue
                known = self.records.get(line["key"])
                if known is None or _rank(line) < _rank(known):
                    self.records[line["key"]] = line
            if damaged and not (self._mends and _mended(path)) and self._told.get(path) != damaged:
                self._told[path] = damaged
                tell_damage(path, damaged, "left out")

    def add(self, record: VerdictRecord, settings: JudgeSettings) -> None:
        """Keep a verdict; safe from a kill of this process at once, from a death of the machine after `sync`."""
        try:
            if settings.fingerprint not in self.described:
                self.described[settings.fingerprint] = settings.described()
                self._write({"settings": settings.fingerprint, "described": settings.described()})
            self._write(record)
        except OSError as error:
            raise InputError(
                f"Cannot keep a verdict ({error.strerror}).",
                where=self._folder,
                hint="free some space and run the same command again; every verdict kept so far stays.",
            ) from None
        self.records[record["key"]] = record
        self._added.add(record["key"])
        self.spent += record.get("usd") or 0.0

    def pending_batches(self) -> list[Path]:
        """State files of the batches whose results are not yet in the store."""
        return [path for path in sorted(self.batches.glob("*.json")) if "status" not in read_batch(path)]

    def sync(self) -> None:
        if self._file and self._unsynced:
            os.fsync(self._file.fileno())
            self._unsynced = False

    def close(self) -> None:
        if self._file:
            self.sync()
            self._file.close()
            self._file = None

    def _new_file(self) -> FileIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        host = sha256_text(socket.gethostname())[:8]  # a name that is unique, and says nothing of the machine
        path = self._folder / f"verdicts-{host}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        file = open(path, "ab", buffering=0)  # one write a line: nothing waits in this process
        with suppress(OSError):  # without locks nothing is mended
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until it is closed: see _mended
        return file

    def _write(self, line: Mapping) -> None:
        file = self._file = self._file or self._new_file()
        data = encode_row(line)
        self._unsynced = True
        written = file.write(data)
        if written != len(data):  # a full disk may take half a line; the rest would be appended to it later
            file.truncate(file.tell() - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one process at a time asks for money: two jobs would pay for the same question twice. Reads the store again.

        The kernel lets go of the lock when its process ends, however it ends.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with open(self._folder / ".lock", "ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"judge: waiting for another job that asks this judge ({self._folder})", flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                    raise
                print(
                    "judge: this file system has no locks; jobs that run at once may ask a question twice", flush=True
                )
            self.refresh()
            yield


def read_batch(path: Path) -> dict:
    """The state file of a batch."""
    hint = "restore the file; the batch itself can be seen at the service."
    state = read_json(path, "the state of a batch", hint=hint)
    texts = isinstance(state, dict) and all(isinstance(state[name], str) for name in BATCH_TEXTS & state.keys())
    if not texts or "name" not in state or not _is_amount(state.get("usd_at_most")):
        raise InputError("This is not the state of a batch.", where=path, hint=hint)
    with parts_of("the state of a batch", path):
        JudgeSettings(**state["settings"])
    return state


def _is_line(line: dict) -> bool:
    """Whether it holds a verdict or settings."""
    if "key" not in line:
        return isinstance(line.get("settings"), str) and "described" in line
    texts = all(isinstance(line.get(name), str) for name in ("key", "judgement"))
    numbers = all(line.get(name) is None or _is_amount(line[name]) for name in AMOUNTS)
    others = isinstance(line.get("form", {}), dict) and isinstance(line.get("refusal", ""), str)
    return texts and numbers and others and line.get("outcome", "cut") in get_args(Outcome)


def _mended(path: Path) -> bool:
    """Set the damage of a file aside. False where that is not sure to be safe: somebody may be adding to it."""
    try:
        with open(path, "r+b") as file:  # a network file system gives exclusive locks only on files open for writing
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return True  # another process has mended it just now
            set_damage_aside(path, _is_line)
            return True
    except OSError:
        return False


def _is_amount(value: object) -> bool:
    """Whether it can be added up: a negative or infinite price in a store of others would undo the budget."""
    return isinstance(value, int | float) and 0 <= value < MAX_AMOUNT


def _rank(record: VerdictRecord) -> tuple:
    """Of the records under one key the lowest counts: a reply before what only says why there is none, then the first.

    Two jobs may have asked at once: the first reply stays the verdict, whatever arrives later.
    """
    return record.get("outcome") in REPLACED, record.get("asked_at") or 0, record.get("judgement") or ""
