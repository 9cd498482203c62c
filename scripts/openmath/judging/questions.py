"""What is asked about a row, what needs no call, and how often a question is asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from openmath.answers import answer_of, reference_of
from openmath.errors import InputError
from openmath.judging.settings import JudgeSettings
from openmath.judging.store import VerdictRecord
from openmath.judging.verdict import parse_verdict

# Judgements that need no call. The first two texts are the reference's convention.
PREFILLED = {
    "no_answer": "Reasoning: No answer was provided.\nJudgement: No",
    "identical": "Reasoning: The two answers are identical.\nJudgement: Yes",
    "symbolic": "Reasoning: The symbolic grader finds the two answers equal.\nJudgement: Yes",
}


def question_of(row: dict) -> dict:
    """Problem, predicted and expected answer of a sample row, as text; the predicted one may be None.

    Raises KeyError naming the field where the row has no problem or no expected answer.
    """
    return {
        "problem": row["problem"],
        "predicted_answer": answer_of(row),
        "expected_answer": reference_of(row),
    }


def prefilled(question: dict, policy: str = "default") -> str | None:
    """Why no call is needed: 'no_answer' or 'identical'; None where it is. paper: a blank answer is an answer."""
    predicted = question["predicted_answer"]
    if predicted is None or (policy == "default" and not predicted.strip()):
        return "no_answer"
    return "identical" if predicted.strip() == question["expected_answer"].strip() else None


def symbolically_equal(rows: list[dict], questions: list[dict], policy: str) -> list[bool]:
    """Whether the symbolic grader finds the answers of each row equal; the row's own grade where it has one."""
    graded = [row.get("is_correct", row.get("symbolic_correct")) for row in rows]
    answers = [(question["predicted_answer"], question["expected_answer"]) for question in questions]
    pairs = {pair: False for pair, known in zip(answers, graded, strict=True) if known is None}
    if pairs:
        try:
            from openmath.grading.pool import GraderPool  # only here: engine containers do not hold what it needs
        except ImportError as error:
            raise InputError(
                "cascade needs the symbolic grader, which this environment does not hold.",
                found=error,
                hint="leave out `cascade`, or run this judge's engine outside its container.",
            ) from None
        with GraderPool(policy=policy) as pool:
            for pair, grade in zip(pairs, pool.grade_pairs(list(pairs)), strict=True):
                pairs[pair] = grade.correct
    return [bool(pairs[pair] if known is None else known) for pair, known in zip(answers, graded, strict=True)]


@dataclass(frozen=True)
class Attempts:
    """The attempts at a question under one judge's settings. tries: the most attempts, made while replies hold no verdict."""

    settings: JudgeSettings
    policy: str
    tries: int

    def records(self, question: dict, records: Mapping[str, VerdictRecord]) -> list[VerdictRecord]:
        """The stored replies to a question, in order, up to the first that holds a verdict."""
        found = []
        for attempt in range(1, self.tries + 1):
            record = records.get(self.settings.key(question, attempt))
            if record is None:
                break
            found.append(record)
            if self._verdict(record) != "unparsed":
                break
        return found

    def replies(self, question: dict, records: Mapping[str, VerdictRecord]) -> list[str]:
        return [record["judgement"] for record in self.records(question, records)]

    def next_attempt(self, question: dict, records: Mapping[str, VerdictRecord]) -> int | None:
        """Number of the attempt to make; None where there is a verdict, or no try left."""
        found = self.records(question, records)
        if len(found) == self.tries or (found and self._verdict(found[-1]) != "unparsed"):
            return None
        return len(found) + 1

    def judgement(self, question: dict, records: Mapping[str, VerdictRecord]) -> tuple[str, str]:
        """(judgement, verdict) by the last reply to a question."""
        last = self.records(question, records)[-1]
        return last["judgement"], self._verdict(last)

    def _verdict(self, record: VerdictRecord) -> str:
        return parse_verdict(record["judgement"], self.policy)
