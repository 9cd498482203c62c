"""An LLM judges whether two answers are equivalent: prompt, verdict, and the store that keeps each verdict for ever.

A verdict costs money. It is stored under a hash of everything that can change it (judge, prompt, sampling, problem, predicted and
expected answer) before it is used, and never asked for again, whatever file, model or mode needs it.
"""

import os
import re
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path

import yaml

from openmath.answers import extract_answer
from openmath.errors import InputError
from openmath.fingerprint import fingerprint, sha256_text
from openmath.samples import encode_row, read_rows

FIELDS = re.compile(r"\{(problem|predicted_answer|expected_answer)\}")
LABEL = re.compile(r"judge?ments?[\s*_`\"')\]]*:", re.IGNORECASE)
# After the label: marks that models add (bold, quotes, \boxed{, \text{), then the word; "Yes/No" and "Yes or No" say neither.
VERDICT = re.compile(r"(?:\\boxed|\\text|[\s*_`\"'({\[$])*(yes|no)(?![\w/])(?!\s+or\b)", re.IGNORECASE)

# Never worth a call; the texts are the reference's convention.
NO_ANSWER = "Reasoning: No answer was provided.\nJudgement: No"
IDENTICAL = "Reasoning: The two answers are identical.\nJudgement: Yes"


def read_judge_prompt(path: str | Path) -> dict:
    """A judge prompt: system (str) and user (str with the three fields)."""
    try:
        prompt = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise InputError("Cannot read the judge prompt.", where=path, found=" ".join(str(error).split())) from None
    if not isinstance(prompt, dict) or set(FIELDS.findall(str(prompt.get("user")))) != {
        "problem",
        "predicted_answer",
        "expected_answer",
    }:
        raise InputError(
            "The judge prompt lacks a field.", where=path, expected="{problem} {predicted_answer} {expected_answer}"
        )
    return {"system": prompt.get("system") or "", "user": prompt["user"]}


def judge_messages(prompt: dict, question: dict) -> list[dict]:
    """Chat messages of one question; values are inserted, never formatted: problems hold braces."""
    user = FIELDS.sub(lambda match: str(question[match[1]]), prompt["user"])
    system = [{"role": "system", "content": prompt["system"]}] if prompt["system"] else []
    return [*system, {"role": "user", "content": user}]


def question_of(row: dict) -> dict:
    """Problem, predicted and expected answer of a sample row; rows of other tools may have only the generation."""
    predicted = row["predicted_answer"] if "predicted_answer" in row else extract_answer(row.get("generation") or "")
    return {"problem": row["problem"], "predicted_answer": predicted, "expected_answer": str(row["expected_answer"])}


def prefilled(question: dict) -> str | None:
    """The judgement that needs no call: no answer, or identical strings."""
    if question["predicted_answer"] is None:
        return NO_ANSWER
    if str(question["predicted_answer"]).strip() == question["expected_answer"].strip():
        return IDENTICAL
    return None


def parse_verdict(judgement: str, policy: str = "default") -> str:
    """'yes', 'no' or 'unparsed'. paper: what follows the last 'Judgement:' must be exactly yes; all else is no."""
    if policy == "paper":
        _, mark, answer = judgement.rpartition("Judgement:")
        return "yes" if mark and answer.strip().lower() == "yes" else "no"
    labels = list(LABEL.finditer(judgement))  # only the last counts: an earlier verdict may have been taken back
    match = VERDICT.match(judgement, labels[-1].end()) if labels else None
    return match[1].lower() if match else "unparsed"


def check_judge_key(api_key_env: str | None) -> str:
    """The API key, or 'none' for an endpoint without one. Raises InputError where the variable is not set."""
    if not api_key_env:
        return "none"
    key = os.environ.get(api_key_env)
    if not key:
        raise InputError(
            "The judge's API key is not set.",
            expected=f"the environment variable {api_key_env}",
            hint=f"export {api_key_env}=..., or choose a self-hosted judge (self_hosted: MODEL in the configuration).",
        )
    return key


def question_key(judge: object, prompt: dict, sampling: dict, question: dict) -> str:
    """Names a verdict by everything that can change it."""
    return fingerprint({"judge": judge, "prompt": prompt, "sampling": sampling, **question})


class VerdictStore:
    """All verdicts of one judge: `judgements/{judge}/*.jsonl`, append-only, one file per writing process.

    Every process reads all files and writes its own: safe with concurrent jobs on a shared file system.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._file = None
        self.records: dict[str, dict] = {}
        for path in sorted(folder.glob("*.jsonl")):
            for record in read_rows(path, torn_tail=True):
                self.records.setdefault(record["key"], record)

    def add(self, record: dict) -> None:
        """Keep a verdict; on disk before it is used."""
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            host = sha256_text(socket.gethostname())[:8]  # a name that is unique, and says nothing of the machine
            path = self._folder / f"verdicts-{host}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            self._file = open(path, "ab", buffering=0)
        self._file.write(encode_row(record))
        os.fsync(self._file.fileno())
        self.records[record["key"]] = record

    def unanswered(self, questions: dict[str, dict]) -> Iterable[tuple[str, dict]]:
        return [(key, question) for key, question in questions.items() if key not in self.records]
