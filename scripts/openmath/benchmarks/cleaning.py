"""Cleaning steps that config/benchmarks.yaml names: each changes one row of upstream's in place."""

import re

from openmath.answers import BOX, extract_answer
from openmath.files.fingerprint import sha256_text


def strip_leading_zeros(row: dict, benchmark: dict) -> None:
    """AIME's 025 is 25."""
    answer = str(row.get("expected_answer", ""))
    if answer.isdecimal():
        row["expected_answer"] = answer.lstrip("0") or "0"


def boxed_answer(row: dict, benchmark: dict) -> None:
    """The last box of the solution, or for the problems listed under `boxes` the first, or all of them."""
    if "expected_answer" in row:
        return
    solution = str(row.get("reference_solution") or "")
    boxes = [extract_answer(BOX + part) for part in solution.split(BOX)[1:]]
    which = benchmark.get("boxes", {}).get(sha256_text(str(row.get("problem") or ""))[:12], "last")
    if which == "all":
        row["expected_answer"] = None if None in boxes else ", ".join(filter(None, boxes))
    elif boxes:
        row["expected_answer"] = boxes[0 if which == "first" else -1]


def gsm8k_answer(row: dict, benchmark: dict) -> None:
    """The answer behind ####, without commas; its solution without the calculator's <<2+3=5>>."""
    solution, mark, answer = str(row.get("expected_answer", "")).partition("####")
    if mark:
        row["expected_answer"] = answer.strip().replace(",", "")
        row["reference_solution"] = re.sub(r"<<.*?>>", "", solution).strip()


def corrected_answer(row: dict, benchmark: dict) -> None:
    """A reference that is known to be wrong is replaced by the one listed under `corrections`."""
    known = benchmark.get("corrections", {}).get(sha256_text(str(row.get("problem") or ""))[:12])
    if known is not None:
        row["expected_answer"] = known


def unwrap_box(row: dict, benchmark: dict) -> None:
    r"""An answer that is nothing but a box, `$\boxed{5}$`, is what stands in it."""
    answer = str(row.get("expected_answer") or "").strip().strip("$").strip()
    inside = extract_answer(answer)
    if inside is not None and answer == f"{BOX}{{{inside}}}":
        row["expected_answer"] = inside


CLEANING = {
    step.__name__: step for step in (strip_leading_zeros, boxed_answer, gsm8k_answer, corrected_answer, unwrap_box)
}
