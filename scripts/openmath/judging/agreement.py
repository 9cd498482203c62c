"""Several judges on the same answers: how far they agree, and where they do not."""

from itertools import combinations, zip_longest

import numpy as np

from openmath.errors import InputError
from openmath.judging.questions import question_of
from openmath.statistics.estimates import cohen_kappa

VERDICTS = ("yes", "no", "unparsed")


def compare_judges(verdicts: dict[str, list[dict]]) -> list[dict]:
    """One row per pair of judges. verdicts: judge -> judged rows of one benchmark and mode, in the same order.

    agreement: share of equal yes/no among all answers on which both gave a verdict. agreement_asked and kappa: the same answers
    but those that needed no call, on which judges cannot differ; kappa is None where one of the judges is constant. yes_to_no,
    no_to_yes: answers of the two verdicts, from the first judge to the second.
    """
    rows = []
    for first, second in combinations(verdicts, 2):
        a, b = verdicts[first], verdicts[second]
        _check_same_answers(first, a, second, b)
        parsed = [
            (x, y) for x, y in zip(a, b, strict=True) if "unparsed" not in (x["judge_verdict"], y["judge_verdict"])
        ]
        asked = [(x, y) for x, y in parsed if not (x.get("judge_prefilled") or y.get("judge_prefilled"))]
        yes_a, yes_b = ([row["judge_verdict"] == "yes" for row in rows_of_one] for rows_of_one in (a, b))
        yes = np.array([[row["judge_verdict"] == "yes" for row in pair] for pair in asked], float).reshape(-1, 2)
        rows.append(
            {
                "judge_a": first,
                "judge_b": second,
                "n": len(a),
                "accuracy_a": _share(yes_a),
                "accuracy_b": _share(yes_b),
                "unparsed_a": sum(row["judge_verdict"] == "unparsed" for row in a),
                "unparsed_b": sum(row["judge_verdict"] == "unparsed" for row in b),
                "agreement": _share(x["judge_verdict"] == y["judge_verdict"] for x, y in parsed),
                "n_asked": len(asked),
                "agreement_asked": _share(yes[:, 0] == yes[:, 1]),
                "kappa": cohen_kappa(yes[:, 0], yes[:, 1]) if len(asked) else None,
                "yes_to_no": int((yes[:, 0] > yes[:, 1]).sum()),
                "no_to_yes": int((yes[:, 0] < yes[:, 1]).sum()),
                "accuracy_change": (sum(yes_b) - sum(yes_a)) / len(a) if a else None,
            }
        )
    return rows


def disagreements(verdicts: dict[str, list[dict]]) -> list[dict]:
    """The answers on which not all judges say the same, with what each said."""
    different = []
    for rows in zip(*verdicts.values(), strict=True):
        said = dict(zip(verdicts, (row["judge_verdict"] for row in rows), strict=True))
        if len(set(said.values())) > 1:
            texts = {judge: row["judgement"] for judge, row in zip(verdicts, rows, strict=True)}
            answers = {"id": rows[0].get("id"), **question_of(rows[0])}
            different.append({**answers, "verdicts": said, "judgements": texts})
    return different


def _share(values) -> float | None:
    values = list(values)
    return sum(map(bool, values)) / len(values) if values else None


def _check_same_answers(first: str, a: list[dict], second: str, b: list[dict]) -> None:
    for judge, rows in ((first, a), (second, b)):
        for number, row in enumerate(rows, start=1):
            if row["judge_verdict"] not in VERDICTS:
                raise InputError(
                    "A row holds no verdict.",
                    where=f"{judge}, row {number}: judge_verdict",
                    expected=", ".join(VERDICTS),
                    found=f"{row['judge_verdict']!r:.40}",
                )
    for number, (one, other) in enumerate(zip_longest(map(question_of, a), map(question_of, b)), start=1):
        if one != other:
            raise InputError(
                "Two judges have judged different answers.",
                where=f"{first} and {second}, row {number} of {len(a)} and {len(b)}",
                expected="the same problems and answers, in the same order",
                found=f"{_shown(one)}; {_shown(other)}",
                hint="make both judged files again from the same samples.",
            )


def _shown(question: dict | None) -> str:
    return f"{question['predicted_answer']!r:.40} to {question['problem']!r:.60}" if question else "nothing"
