"""Questions without a reply: refused for good, or left without a word by a judge that thinks up to its token limit.

Few are an outcome, many are a fault of the endpoint or the settings.
"""

from collections.abc import Iterable, Mapping

from openmath.errors import InputError, printable
from openmath.judging.attempts import Attempts
from openmath.judging.store import VerdictRecord

SHOWN = 3  # questions in a message
SHOWN_TEXT = 60  # characters of each


def is_silent(record: VerdictRecord) -> bool:
    """Whether the judge used all its tokens, or ended, before it said a word."""
    return record.get("outcome") in ("cut", "empty") and not record["judgement"].strip()


class Unanswered:
    """The questions of a job without a reply. questions: of the job, those with a reply in the store too.

    Refusals cost nothing: those of this run (`refused`, by key) go to the store only once it is clear that they are few.
    """

    def __init__(self, questions: int, max_refused: float):
        self._questions, self._max_refused = questions, max_refused
        self.refused: dict[str, VerdictRecord] = {}
        self._known: dict[str, VerdictRecord] = {}  # refused in an earlier run
        self._silent: set[str] = set()

    def note_all(self, questions: Iterable[dict], attempts: Attempts, records: Mapping[str, VerdictRecord]) -> None:
        """What the store says of these questions."""
        for question in questions:
            if attempts.next_request(question, records) is None:
                self.note(attempts.judgement(question, records)[0])

    def note(self, last: VerdictRecord) -> None:
        """The last reply to a question, from the store."""
        if last.get("outcome") == "refused" and last["key"] not in self.refused:
            self._known[last["key"]] = last
        elif is_silent(last):
            self._silent.add(last["key"])

    def error(self) -> InputError | None:
        """Why the job ends; None while few questions are without a reply."""
        allowed = self._max_refused * self._questions
        if self._max_refused and self._questions > 1:
            allowed = max(1.0, allowed)  # of few, one is no sign of anything
        refused = (
            len(self.refused) + len(self._known) if self.refused else 0
        )  # those of earlier runs alone stop nothing
        if max(refused, len(self._silent)) <= allowed:
            return None
        expected = f"at most {self._max_refused:.0%} of {self._questions} (judges: NAME: max_refused)"
        records = [*self.refused.values(), *self._known.values()]
        if refused > allowed:
            shown = "; ".join(_problem(record) for record in records[:SHOWN])
            return InputError(
                "The judge's endpoint refuses too many questions. Every verdict paid so far is kept.",
                where=shown + (" ..." if len(records) > SHOWN else ""),
                expected=expected,
                found=f"{len(records)} refused: {records[0].get('refusal')}",
                hint="check model, prompt, sampling and max_new_tokens of this judge, then run the same command again"
                + ("; `ask_refused: true` asks again what an earlier run was refused." if self._known else "."),
            )
        return InputError(
            "The judge spends its tokens before it says a word. Every reply is kept, and none is paid again.",
            expected=expected,
            found=f"{len(self._silent)} empty replies, also at the raised limit",
            hint="raise max_new_tokens of this judge (judges: NAME: max_new_tokens), or make it think less.",
        )

    def say(self) -> None:
        """One line about the refusals of this run, if there are any."""
        if self.refused:
            first = next(iter(self.refused.values()))
            words = f"{_problem(first)}: {first.get('refusal')}"
            print(printable(f"judge: {len(self.refused)} questions are refused for good, as {words}"), flush=True)


def _problem(record: VerdictRecord) -> str:
    return repr(str(record.get("problem"))[:SHOWN_TEXT])
