"""What is asked about a row, and what needs no call."""

from openmath.answers import answer_of, reference_of
from openmath.errors import InputError

# Judgements that need no call. The first two texts are the reference's convention.
PREFILLED = {
    "no_answer": "Reasoning: No answer was provided.\nJudgement: No",
    "identical": "Reasoning: The two answers are identical.\nJudgement: Yes",
    "symbolic": "Reasoning: The symbolic grader finds the two answers equal.\nJudgement: Yes",
}


def question_of(row: dict, policy: str = "default") -> dict:
    """Problem, predicted and expected answer of a sample row, as text; the predicted one may be None. Nothing else of what the
    model has said is ever shown to a judge: no thought, no text around the answer.

    Raises KeyError naming the field where the row has no problem or no expected answer.
    """
    return {
        "problem": row["problem"],
        "predicted_answer": answer_of(row, policy),
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
