"""What the sample viewer knows of one model on one benchmark, as blocks: list and filters, problems, the samples shown, the votes.

Blocks are JSON: `index` and `problems-index` for list and filters; `problems-N` and `texts-N`, of BLOCK problems each, for what one
problem shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from openmath.answers import as_text
from openmath.files.fast_rows import read_rows
from openmath.files.rows import check_ids
from openmath.files.sample_rows import id_of, without_text
from openmath.report.sample_sets import SampleSet
from openmath.report.sample_texts import cut, fitted, shown_text
from openmath.results.grades import Graded
from openmath.statistics.votes import NONE, Ballots, majority

BLOCK = 100  # problems a block: one is inflated in a few milliseconds
MAX_SET = 50_000_000  # characters shown of all samples of one set: 20 MB of page
SNIPPET = 160  # characters of a problem in the list
MAX_CANDIDATES = 8  # bars of a vote; the rest is counted
TAGS = ("level", "type", "subject", "difficulty", "domain", "source")  # upstream's columns worth showing
# Flags of an answer; viewer.js has the same. SOLVED: in the tables; unlike CORRECT, tied answers share it there.
CORRECT, TRUNCATED, NO_ANSWER, DISAGREE, REFUSED, UNFINISHED, SOLVED = 1, 2, 4, 8, 16, 32, 64
HALF = 0.5  # of the credit: a problem counts as solved, as in comparisons (results/comparison.py)
VERDICTS = {"yes": "y", "no": "n"}  # of a judge, a letter for each problem; other words: u


def problem_blocks(problems: list[dict]) -> Iterator[tuple[str, Any]]:
    """(name, content) of the blocks that all models on a benchmark share. problems: of read_problems."""
    yield (
        "problems-index",
        {
            "ids": [problem["id"] for problem in problems],
            "snippets": [" ".join(problem["problem"][:SNIPPET].split()) for problem in problems],
        },
    )
    yield from batches("problems", problems)


def sample_blocks(sample_set: SampleSet, graded: Graded, policy: str) -> Iterator[tuple[str, Any]]:
    """(name, content) of the blocks of one model: greedy, and a sample of the majority answer. policy: how votes were counted."""
    modes, votes = read_shown(sample_set, graded, policy)
    yield (
        "index",
        {name: {mode: getattr(part, name) for mode, part in modes.items()} for name in ("flags", "answers", "judged")},
    )
    texts = [
        {mode: part.samples[n] for mode, part in modes.items()} | ({"votes": votes[n]} if votes else {})
        for n in range(len(graded.ids))
    ]
    yield from batches("texts", texts)


def batches(name: str, rows: list) -> Iterator[tuple[str, list]]:
    return ((f"{name}-{start // BLOCK}", rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK))


def read_problems(path: Path, details: Path | None) -> list[dict]:
    """id, problem, expected, solution, tags of each problem."""
    more = {str(row["id"]): row for row in read_rows(details)} if details else {}
    rows = (more.get(str(row.get("id")), {}) | row for row in read_rows(path))
    return [
        {
            "id": id_of(row, number),
            "problem": cut(row.get("problem")) or "",
            "expected": cut(as_text(row.get("expected_answer"))),
            "solution": cut(row.get("reference_solution")),
            "tags": [f"{tag}: {row[tag]}"[:80] for tag in TAGS if isinstance(row.get(tag), str | int | float)],
        }
        for number, row in enumerate(rows)
    ]


@dataclass
class Shown:
    """What the viewer shows of one mode, of each problem (N,): flags, the answer, and the sample that gave it as `texts` has it.

    judged: judge -> its verdicts, a letter for each problem.
    """

    flags: list[int]
    answers: list[str | None]
    samples: list[dict]
    judged: dict[str, str]


def read_shown(sample_set: SampleSet, graded: Graded, policy: str) -> tuple[dict[str, Shown], list[dict] | None]:
    """(mode -> what is shown of it, the votes on each problem; None without sampled runs)."""
    ids = graded.ids
    modes: dict[str, Shown] = {}
    votes = None
    if "greedy" in graded.runs:
        run = np.zeros(len(ids), int)
        greedy = graded.select(["greedy"])
        modes["greedy"] = shown_samples("greedy", greedy, run, greedy.correct[:, 0], sample_set)
    if seeds := [run for run in graded.runs if run != "greedy"]:
        sampled = graded.select(seeds)
        ballots = sampled.ballots(policy)
        vote = majority(ballots, policy)
        # Where nobody answered, the first sample shows why.
        run = np.where(vote.run == NONE, 0, vote.run)
        modes["majority"] = shown_samples("majority", sampled, run, vote.credit >= HALF, sample_set)
        votes = [votes_of(number, sampled, ballots, bool(vote.tied[number])) for number in range(len(ids))]
    samples = iter(fitted([sample for part in modes.values() for sample in part.samples], MAX_SET))
    for part in modes.values():
        part.samples = list(islice(samples, len(ids)))
    return modes, votes


def all_flags(graded: Graded) -> np.ndarray:
    """The flags of each sample (N, n), without those of a vote or a judge."""
    flags = graded.correct * CORRECT + (graded.answers == NONE) * NO_ANSWER
    for flag, marked in ((TRUNCATED, graded.truncated), (REFUSED, graded.refused), (UNFINISHED, graded.unfinished)):
        if marked is not None:
            flags = flags + marked * flag
    return flags


def shown_samples(mode: str, graded: Graded, run: np.ndarray, solved: np.ndarray, sample_set: SampleSet) -> Shown:
    """Of each problem the sample `run[problem]` (N,) of `graded`, with its text and the verdicts on it. solved: (N,) bool."""
    flags = all_flags(graded)[np.arange(len(run)), run] + solved * SOLVED
    judged = {}
    samples = [{"run": graded.runs[column], "text": None, "judged": []} for column in run]
    for column in np.unique(run):
        for number, row in sample_set.rows(graded.runs[column], np.flatnonzero(run == column).tolist()):
            samples[number] |= shown_text(row)
    for judge, files in sample_set.judged.items():
        if mode in files:
            rows = list(map(without_text, read_rows(files[mode])))
            judged_ids = [id_of(row, number) for number, row in enumerate(rows)]
            check_ids(judged_ids, graded.ids, where=files[mode], expected_from=sample_set.grades)
            judged[judge] = "".join(VERDICTS.get(str(row.get("judge_verdict")), "u") for row in rows)
            for number, row in enumerate(rows):
                verdict, reply = row.get("judge_verdict"), cut(row.get("judgement") or row.get("judge_refusal"))
                samples[number]["judged"].append([judge, verdict, reply, row.get("judge_prefilled")])
                differs = verdict == "unparsed" or (verdict == "yes") != bool(flags[number] & CORRECT)
                flags[number] |= DISAGREE * differs
    answers = [cut(graded.answer_of(number, int(run[number]))) for number in range(len(run))]
    return Shown(flags.tolist(), answers, samples, judged)


def votes_of(number: int, sampled: Graded, ballots: Ballots, tied: bool) -> dict:
    """The votes on one problem, most first. candidates: [answer, votes, share graded correct]; others: [how many, votes]."""
    entries = np.arange(*np.searchsorted(ballots.problem, [number, number + 1]))
    entries = entries[np.argsort(-ballots.votes[entries], kind="stable")]
    top, rest = entries[:MAX_CANDIDATES], entries[MAX_CANDIDATES:]
    return {
        "total": ballots.runs,
        "tied": tied,
        "candidates": [
            [cut(sampled.answer_of(number, ballots.first_run[e])), int(ballots.votes[e]), float(ballots.correct[e])]
            for e in top
        ],
        "others": [len(rest), int(ballots.votes[rest].sum())],
        "unanswered": int(ballots.runs - ballots.votes[entries].sum()),
    }
