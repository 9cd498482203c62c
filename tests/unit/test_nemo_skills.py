"""What NeMo-Skills' summarize_results does with exported files, by its rules of 2025 and of 2026, in our own words."""

import json
import re

import pytest
from in_process import run_script

from openmath.files.rows import read_rows, write_rows
from openmath.results.nemo_skills import as_its_row, plain_judgement


def seeds_2025(folder) -> list[str]:
    """Every file but output.jsonl is a seed."""
    return sorted(path.name for path in folder.glob("*.jsonl") if path.name != "output.jsonl")


def seeds_2026(folder) -> list[str]:
    return sorted(path.name for path in folder.glob("output-rs[0-9]*.jsonl") if "_chunk_" not in path.name)


def yes_2025(judgement: str) -> bool:
    """What follows the last label."""
    return "Judgement:" in judgement and judgement.split("Judgement:")[-1].strip().lower().startswith("yes")


def yes_2026(judgement: str) -> bool:
    """What follows the first label, written in any way."""
    found = re.search(r"\*{0,2}Judgement\*{0,2}\s*:\s*(.*)", judgement, re.IGNORECASE | re.DOTALL)
    return bool(found) and found[1].lower().startswith("yes")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The export of MATH by four seeds and a greedy run, two of five right in each; the judge sees one more."""
    folder = tmp_path_factory.mktemp("nemo")
    problems = [{"id": f"math-{n}", "problem": f"? {n}", "expected_answer": "2"} for n in range(5)]
    rows = [p | {"generation": f"\\boxed{{{2 if n < 2 else 7}}}"} for n, p in enumerate(problems)]
    runs = ("greedy", "rs0", "rs1", "rs2", "rs10")
    for run in runs:
        write_rows(folder / f"s/math/output-{run}.jsonl", [row | {"num_generated_tokens": None} for row in rows])
    for mode in ("greedy", "majority"):
        words = [
            ("yes", "Judgement: Yes"),
            ("yes", "**Yes**"),
            ("yes", "yes"),
            ("unparsed", None),
            ("no", "Judgement: No"),
        ]
        judged = [
            p | {"predicted_answer": "2" if n < 2 else "7", "judge_verdict": verdict, "judgement": text}
            for n, (p, (verdict, text)) in enumerate(zip(problems, words, strict=True))
        ]
        judged = [row | {"is_correct": n < 2} for n, row in enumerate(judged)] if mode == "majority" else judged
        write_rows(folder / f"judged/j/math/{mode}.jsonl", judged)
    samples, grades = sorted((folder / "s/math").glob("*")), folder / "math.parquet"
    reply = run_script("grade_answers.py", "--samples", *samples, "--output", grades, "--processes", 1)
    assert reply.returncode == 0, reply.stderr
    judged_files = sorted(folder.glob("judged/*/*/*"))
    reply = run_script(
        *("export_results.py", "--model", "m", "--samples", folder / "s", "--grades", grades),
        *("--judged", *judged_files, "--output", folder / "export"),
    )
    assert reply.returncode == 0, reply.stderr
    return folder / "export/nemo-skills"


def test_a_folder_holds_one_run_or_seeds_and_the_greedy_run_is_no_seed(exported):
    seeds = ["output-rs0.jsonl", "output-rs1.jsonl", "output-rs10.jsonl", "output-rs2.jsonl"]
    for reader in (seeds_2025, seeds_2026):
        assert reader(exported / "eval-results/hendrycks_math") == seeds
    folders = {path.parent for path in exported.rglob("*.jsonl")}
    assert len(folders) == 4 and {folder.name for folder in folders} == {"hendrycks_math"}, "the name it knows MATH by"
    for folder in folders - {exported / "eval-results/hendrycks_math"}:
        assert [path.name for path in folder.iterdir()] == ["output.jsonl"], "both kinds in one folder are refused"


@pytest.mark.parametrize("kind", ["eval-results-judged", "eval-results-majority"])
def test_both_ages_find_our_numbers_in_the_rows(exported, kind):
    rows = list(read_rows(exported / kind / "j/hendrycks_math/output.jsonl"))
    assert [row["symbolic_correct"] for row in rows] == [True, True, False, False, False]
    for reader in (yes_2025, yes_2026):
        assert [reader(row["judgement"]) for row in rows] == [True, True, True, False, False]
    assert [row["judge_verdict"] for row in rows] == ["yes", "yes", "yes", "unparsed", "no"], "ours stay beside it"


def test_counts_that_are_none_are_left_out_since_it_adds_them_up(exported):
    for path in exported.rglob("*.jsonl"):
        assert sum(row["num_generated_tokens"] for row in read_rows(path) if "num_generated_tokens" in row) == 0
    row = {"num_generated_tokens": 5, "num_reasoning_tokens": None, "num_answer_tokens": "2"}
    assert as_its_row(row) == {"num_generated_tokens": 5}


WORDS = [
    ("Judgement: Yes", True, "as it is"),
    ("Reasoning.\nJudgement: No", False, "as it is"),
    ("judgement: yes", True, "only 2026 reads this"),
    ("**Judgement**: Yes", True, "only 2026 reads this"),
    ("Judgement: No, wait.\nJudgement: Yes", True, "2026 reads the first label"),
    ("Judgement: Yes, or not?\nJudgement: No", False, "2026 reads the first label"),
    ("Judgement: **Yes**", True, "neither reads the marks"),
    ("Yes", True, "no label"),
    ("", False, "as it is"),
    ("", True, "by a person"),
    ("Judgement: Yes or no?", False, "unparsed for us"),
    ("Judgement: \u201cYes\u201d", True, "quotes"),
]


@pytest.mark.parametrize(("text", "yes", "why"), WORDS)
def test_both_ages_read_our_verdict_in_the_words_of_a_judge(text, yes, why):
    plain = plain_judgement(text, yes)
    assert yes_2025(plain) is yes and yes_2026(plain) is yes
    assert text in plain and (plain == text) == (why == "as it is")
    assert json.dumps(plain)
