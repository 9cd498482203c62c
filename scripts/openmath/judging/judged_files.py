"""Judged files: the answers with what the judge said of them, who it was and what it cost; and how their rows are read again.

Of other libraries this module needs none: it also runs inside engine containers.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from openmath.answers import text_of
from openmath.errors import printable
from openmath.files.fingerprint import FileIdentity, canonical_json, identity, sha256_text, write_manifest
from openmath.files.records import CostOfRun, JudgedRecord
from openmath.files.rows import write_rows
from openmath.files.sample_rows import Judgement
from openmath.judging.attempts import Attempts, left_out_of
from openmath.judging.questions import PREFILLED
from openmath.judging.refusals import SHOWN, SHOWN_TEXT
from openmath.judging.store import VerdictRecord
from openmath.judging.verdict import parse_verdict
from openmath.judging.wording import LONGEST_ANSWER
from openmath.machine import machine, versions


class Answers(NamedTuple):
    """A file of answers. rows: (row without the model's text, its question, why no call is needed) of each."""

    path: Path
    file: FileIdentity
    rows: list[tuple[dict, dict, str | None]]


def write_judged(
    answers: Answers,
    output: Path,
    attempts: Attempts,
    records: Mapping[str, VerdictRecord],
    this_run: CostOfRun,
    *,
    judge: str,
    cascade: bool,
) -> None:
    """The judged rows, and a manifest of who judged them and what it cost.

    judge: its name in the configuration.
    """
    from openmath.judging.budget import cost

    judged = []
    used: dict[str, VerdictRecord] = {}
    for row, question, reason in answers.rows:
        added: Judgement = {
            "judgement": PREFILLED[reason] if reason else "",
            "judge_verdict": "no" if reason == "no_answer" else "yes",
            "judge_model": judge,
            "judge_prefilled": reason,
        }
        if not reason:
            last, added["judge_verdict"] = attempts.judgement(question, records)
            added["judgement"] = last["judgement"]
            if "outcome" in last:
                added["judge_outcome"] = last["outcome"]
            if "refusal" in last:
                added["judge_refusal"] = last["refusal"]
            if "delimited" in last.get("form", {}):
                added["judge_delimited"] = True
            replies = attempts.records(question, records)
            used |= {reply["key"]: reply for reply in replies if reply.get("outcome") != "refused"}
        kept = {key: value for key, value in row.items() if key not in Judgement.__optional_keys__}  # of another judge
        kept["predicted_answer"] = question["predicted_answer"]  # the text that it was read from is not there
        judged.append({**kept, **added})
    write_rows(output, judged)
    record: JudgedRecord = {
        "input": answers.path.name,
        "judge": attempts.settings.identity,
        "settings": attempts.settings.fingerprint,
        "prompt": attempts.settings.prompt_fingerprint,
        "prompt_sha256": sha256_text(canonical_json(attempts.settings.prompt)),
        "sampling": attempts.settings.sampling,
        "policy": attempts.policy,
        "cascade": cascade,
        "rows": len(answers.rows),
        "prefilled": Counter(reason for _, _, reason in answers.rows if reason),
        "verdicts": Counter(row["judge_verdict"] for row in judged),
        "outcomes": Counter(row["judge_outcome"] for row in judged if "judge_outcome" in row),
        "delimited": sum("judge_delimited" in row for row in judged),
        "answered_by": Counter(f"{r.get('model')} {r.get('system_fingerprint')}" for r in used.values()),
        "asked_without": Counter(" ".join(left_out) for r in used.values() if (left_out := left_out_of(r))),
        "verdicts_used": cost(list(used.values())),
        **this_run,
        "answers": answers.file,
        "judged": identity(output),
        "machine": machine(),
        "versions": versions(),
    }
    write_manifest(output.with_suffix(".manifest.json"), record)


def say_what_stands_out(questions: list[dict], attempts: Attempts, records: Mapping[str, VerdictRecord]) -> None:
    """Lines of the log: replies that were cut, answers that talk to the judge or are too long for it."""
    last = [attempts.judgement(question, records)[0] for question in questions]
    cut = sum(record.get("outcome") in ("cut", "empty") for record in last)
    if cut:
        print(
            f"judge: {cut} replies were cut at the token limit or empty, and are no verdicts: if these are many, raise"
            " max_new_tokens of this judge"
        )
    talking = [
        question["predicted_answer"]
        for question, record in zip(questions, last, strict=True)
        if "delimited" in record.get("form", {})
    ]
    if talking:
        shown = "; ".join(repr(answer[:SHOWN_TEXT]) for answer in talking[:SHOWN])
        print(printable(f"judge: {len(talking)} answers hold words for a judge and were fenced off: {shown}"))
    long = sum(len(question["predicted_answer"]) > LONGEST_ANSWER for question in questions)
    if long and attempts.policy == "default":
        print(f"judge: of {long} answers the judge saw the first {LONGEST_ANSWER} characters only")


def verdict_of(row: Mapping, policy: str) -> str:
    """yes | no | unparsed of a judged row, of this tool or another: by the words of its judgement.

    But for rows of which judge_answers.py says that these are no verdict, or may quote the answer.
    """
    said = row.get("judge_verdict")
    if (
        policy == "default"
        and ("judge_outcome" in row or "judge_delimited" in row)
        and said in ("yes", "no", "unparsed")
    ):
        return said
    return parse_verdict(text_of(row, "judgement"), policy)
