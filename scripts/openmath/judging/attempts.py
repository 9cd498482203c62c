"""The attempts at a question: what was asked, what was replied, what to ask next.

    a reply with a verdict                        the end
    a reply that says neither yes nor no          asked again in the same conversation, up to `tries` attempts in all
    cut at the token limit, or empty              the same attempt once more with RAISED times the limit; then the end
    refused for good by the endpoint              the end

Only the first gives a verdict. The words of replies that were cut are never read: a later sentence may have taken them back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from openmath.client.parameters import Parameters
from openmath.judging.settings import Form, JudgeSettings
from openmath.judging.store import VerdictRecord
from openmath.judging.verdict import parse_verdict, parse_wary
from openmath.judging.wording import DELIMITED, holds_judge_words, shortened

RAISED = 4  # times the limit, for a reply that was cut
HIGHEST_LIMIT = 32_768  # tokens: a judge that thinks longer gets its limit from the configuration


@dataclass(frozen=True)
class Request:
    """One call about a question. question: as the judge sees it; form: how, where not plainly; sampling: arguments of the API."""

    key: str
    question: dict
    attempt: int
    form: Form
    messages: list[dict]
    sampling: dict


@dataclass(frozen=True)
class Attempts:
    """The attempts at questions under one judge's settings. tries: the most attempts, made while replies hold no verdict.

    plain_too: a verdict on an answer that talks to its judge also counts where it was asked for plainly, as stores made before
    answers were delimited have it: for replays. parameters: what the judge's endpoint takes. A reply stays valid when the endpoint
    takes other parameters later.
    """

    settings: JudgeSettings
    policy: str
    tries: int
    plain_too: bool = False
    parameters: Parameters = field(default_factory=Parameters)

    def recall(self, records: Mapping[str, VerdictRecord]) -> None:
        """Ask as the last of the replies under these settings was asked."""
        mine = (record for record in records.values() if record.get("settings") == self.settings.fingerprint)
        for record in sorted(mine, key=lambda record: record.get("asked_at") or 0):
            self.parameters.recall(left_out_of(record), record.get("limit_name"))

    def records(self, question: dict, records: Mapping[str, VerdictRecord]) -> list[VerdictRecord]:
        """The stored replies to a question, in order, up to the first that ends it."""
        return self._so_far(question, records).found

    def next_request(self, question: dict, records: Mapping[str, VerdictRecord]) -> Request | None:
        """The call to make; None where the question has come to an end."""
        return self._so_far(question, records).next

    def judgement(self, question: dict, records: Mapping[str, VerdictRecord]) -> tuple[VerdictRecord, str]:
        """(last reply to a question that has come to its end, verdict)."""
        so_far = self._so_far(question, records)
        return so_far.found[-1], so_far.verdict

    def first_key(self, question: dict) -> str:
        """Names a question: the key of the first call about it."""
        shown, form = self._as_asked(question)
        return self.settings.key(shown, 1, form)

    def _as_asked(self, question: dict) -> tuple[dict, Form]:
        """A question as its judge sees it. paper: as it is."""
        if self.policy == "paper":
            return question, {}
        shown = question | {name: shortened(question[name]) for name in ("predicted_answer", "expected_answer")}
        return shown, {"delimited": DELIMITED} if holds_judge_words(shown["predicted_answer"]) else {}

    def _so_far(self, question: dict, records: Mapping[str, VerdictRecord]) -> "_SoFar":
        shown, form = self._as_asked(question)
        for left_out in self.parameters.earlier():
            so_far = self._asked_as(shown, _without(form, left_out), records)
            if so_far.next is None:
                return so_far
        so_far = self._asked_as(shown, _without(form, self.parameters.left_outs[-1]), records)
        if form and not so_far.found and self.plain_too:
            return self._asked_as(question, {}, records)
        return so_far

    def _asked_as(self, question: dict, form: Form, records: Mapping[str, VerdictRecord]) -> "_SoFar":
        so_far = _SoFar([], "no" if self.policy == "paper" else "unparsed", None)
        replies: list[str] = []
        limit = self.settings.sampling["max_tokens"]
        forms: list[Form] = [form]
        if limit < HIGHEST_LIMIT:
            forms.append({**form, "max_tokens": min(RAISED * limit, HIGHEST_LIMIT)})
        for attempt in range(1, self.tries + 1):
            for tried in forms:
                key = self.settings.key(question, attempt, tried)
                record = records.get(key)
                outcome = record and record.get("outcome")
                if record is None or outcome == "another_model":
                    messages = self.settings.messages(question, replies, tried)
                    sampling = {**self.settings.sampling, "max_tokens": tried.get("max_tokens", limit)}
                    for name in tried.get("left_out", ()):
                        sampling.pop(name, None)
                    so_far.next = Request(key, question, attempt, tried, messages, sampling)
                    return so_far
                if "max_tokens" not in tried or record.get("finish_reason") != "refused":
                    so_far.found.append(record)  # an endpoint that refuses only the raised limit has replied before
                if outcome not in ("cut", "empty"):
                    break
            if outcome:
                break
            judgement = so_far.found[-1]["judgement"]
            so_far.verdict = self._verdict(judgement, question, form)
            if so_far.verdict != "unparsed":
                break
            replies.append(judgement)
        return so_far

    def _verdict(self, judgement: str, question: dict, form: Form) -> str:
        if "delimited" in form:
            return parse_wary(judgement, question["predicted_answer"])
        return parse_verdict(judgement, self.policy)


def left_out_of(record: VerdictRecord) -> list[str]:
    """Names of parameters that a stored reply was asked without; others may have written the record."""
    left_out = record.get("form", {}).get("left_out")
    return [name for name in left_out if isinstance(name, str)] if isinstance(left_out, list) else []


def _without(form: Form, left_out: Iterable[str]) -> Form:
    return {**form, "left_out": sorted(left_out)} if left_out else form


@dataclass
class _SoFar:
    """found: replies in order. verdict: of the last. next: the call to make; None at the end of a question."""

    found: list[VerdictRecord]
    verdict: str
    next: Request | None
