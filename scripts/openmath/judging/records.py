"""Lines of the store: what becomes of a reply or a refusal, and whether it is still the same model that replies."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from openmath.client.parameters import LIMITS
from openmath.errors import InputError, printable
from openmath.judging.attempts import Request
from openmath.judging.settings import JudgeSettings
from openmath.judging.store import Outcome, VerdictRecord

if TYPE_CHECKING:  # it brings HTTP along
    from openmath.client.replies import Completion


def verdict_record(
    judge: str, settings: JudgeSettings, request: Request, reply: "Completion", usd: float | None, limit_name: str
) -> VerdictRecord:
    """The line of the store for one paid reply. usd: None without prices. A reply's reasoning is never read for a verdict."""
    record = _record(judge, settings, request)
    if limit_name != LIMITS[0]:
        record["limit_name"] = limit_name
    record |= {
        "judgement": reply.text,
        "finish_reason": reply.finish_reason,
        "model": reply.model,
        "system_fingerprint": reply.system_fingerprint,
        "num_prompt_tokens": reply.num_prompt_tokens,
        "num_generated_tokens": reply.num_generated_tokens,
        "usd": usd,
    }
    if reply.finish_reason == "length":
        record["outcome"] = "cut"
    elif not reply.text.strip():
        record["outcome"] = "empty"
    return record


def refused_record(judge: str, settings: JudgeSettings, request: Request, words: str) -> VerdictRecord:
    """The line of the store for a call that the endpoint refuses for good. words: its own, without the key."""
    # Where only the raised limit is refused, the endpoint has answered the question itself: the reply was cut.
    outcome: Outcome = "cut" if "max_tokens" in request.form else "refused"
    return _record(judge, settings, request) | {"finish_reason": "refused", "outcome": outcome, "refusal": words}


def _record(judge: str, settings: JudgeSettings, request: Request) -> VerdictRecord:
    """A line without a reply."""
    record: VerdictRecord = {
        "key": request.key,
        "judge": judge,
        "settings": settings.fingerprint,
        "prompt": settings.prompt_fingerprint,
        "problem": request.question["problem"],
        "predicted_answer": request.question["predicted_answer"],
        "expected_answer": request.question["expected_answer"],
        "attempt": request.attempt,
        "judgement": "",
        "finish_reason": None,
        "model": None,
        "system_fingerprint": None,
        "num_prompt_tokens": None,
        "num_generated_tokens": None,
        "usd": None,
        "asked_at": int(time.time()),
    }
    if request.form:
        record["form"] = request.form
    return record


class ServedModel:
    """Which model replies, in the server's words. asked_for: a hosted model; None for an engine of ours, which is not asked."""

    def __init__(self, asked_for: str | None, settings: JudgeSettings, records: Iterable[VerdictRecord]):
        self._asked_for, self._settings = asked_for, settings
        mine = [record for record in records if record.get("settings") == settings.fingerprint]
        self._models = {m for r in mine if r.get("outcome") != "another_model" and isinstance(m := r.get("model"), str)}
        self._systems = {name for record in mine if isinstance(name := record.get("system_fingerprint"), str)}

    def check(self, record: VerdictRecord) -> InputError | None:
        """Mark a reply that is by another model than the verdicts before it; the error that ends the job then.

        Another name than was asked for is only said, once: gateways have names of their own. So is a new system_fingerprint.
        """
        if self._asked_for is None or record["settings"] != self._settings.fingerprint:
            return None
        model, system = record["model"], record["system_fingerprint"]
        if model and self._models and model not in self._models:
            record["outcome"] = "another_model"
            return InputError(
                "Another model answers for this judge than before. Every verdict paid so far is kept.",
                expected=" or ".join(sorted(self._models)),
                found=model,
                hint="name a dated snapshot as `model`, or give the new model a judge of its own: its verdicts are others.",
            )
        if model and not self._models:
            self._models.add(model)
            if not _same_name(self._asked_for, model):
                _warn(f"asked for {self._asked_for}, and {model} answers; the manifest counts by whom")
        if system and system not in self._systems:
            if self._systems:
                _warn(f"the system fingerprint was {', '.join(sorted(self._systems))} and is {system} now")
            self._systems.add(system)
        return None


def _same_name(asked_for: str, model: str) -> bool:
    """Whether a server may name a model so: an alias by its date, a gateway's model without the provider."""
    asked_for, model = (name.casefold().rpartition("/")[2] for name in (asked_for, model))
    return model.startswith(asked_for) or asked_for.startswith(model)


def _warn(words: str) -> None:
    print(printable(f"judge: warning: {words}"), flush=True)
