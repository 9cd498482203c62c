"""From graded and judged samples to the rows people read, in the recipe's layout.

A benchmark is `symbolic` and `judge` verdicts per mode. Modes: greedy, pass@1[avg-of-N], majority@N, pass@N.
"""

from dataclasses import dataclass, field

import numpy as np

from openmath.metrics import cohen_kappa, question_level, wilson
from openmath.voting import majority_vote

COLUMNS = ("symbolic_correct", "judge_correct", "both_correct", "any_correct")


@dataclass
class Run:
    """One sample run of a benchmark, in benchmark order. judge: yes | no | unparsed per problem, or None if not judged."""

    answers: list[str | None]
    classes: list[str | None]
    correct: list[bool] | None
    judge: list[str] | None = None
    finish_reasons: list[str | None] = field(default_factory=list)


@dataclass
class Mode:
    """Scores of one mode, one per problem, 0 to 1. no_answer is a count; None: not known."""

    name: str
    symbolic: np.ndarray | None
    judge: np.ndarray | None
    no_answer: int
    details: dict


def modes_of(greedy: Run | None, seeds: list[Run], majority_judge: list[str] | None, policy: str) -> list[Mode]:
    """All modes of one benchmark. majority_judge: verdicts on the majority answers, where these were judged."""
    modes = []
    if greedy:
        modes.append(
            Mode(
                "greedy",
                _scores(greedy.correct),
                _judged(greedy.judge),
                sum(answer is None for answer in greedy.answers),
                {"ci_method": "wilson", "truncated": greedy.finish_reasons.count("length"), **_unparsed(greedy.judge)},
            )
        )
    if not seeds:
        return modes
    n, problems = len(seeds), len(seeds[0].answers)
    none = sum(all(run.answers[i] is None for run in seeds) for i in range(problems))
    symbolic = np.array([run.correct for run in seeds], float) if seeds[0].correct is not None else None
    judged = np.array([_judged(run.judge) for run in seeds], float) if seeds[0].judge is not None else None
    truncated = sum(run.finish_reasons.count("length") for run in seeds)
    if policy == "default":
        details = {"ci_method": "question-level normal", "truncated": truncated}
        if symbolic is not None and n > 1:
            details["seed_std"] = float(symbolic.mean(axis=1).std(ddof=1))
        unanswered = sum(answer is None for run in seeds for answer in run.answers) / n
        modes.append(Mode(f"pass@1[avg-of-{n}]", _mean(symbolic), _mean(judged), unanswered, details))

    votes_symbolic = _votes(seeds, symbolic, policy)
    votes_judge = _votes(seeds, judged, policy)
    judge_scores = _credits(votes_judge) if votes_judge else _judged(majority_judge)
    # The reference counts an unanswered problem once for each kind of verdict.
    counted = none * ((symbolic is not None) + (judged is not None)) if policy == "paper" else none
    votes = votes_symbolic or votes_judge or []
    details = {"ci_method": "question-level normal", "tie_rate": sum(v.tied for v in votes) / max(1, len(votes))}
    details |= _unparsed(majority_judge)
    modes.append(Mode(f"majority@{n}", _credits(votes_symbolic), judge_scores, counted, details))
    best = {"ci_method": "question-level normal"}
    modes.append(Mode(f"pass@{n}", _max(symbolic), _max(judged), none, best))
    return modes


def _votes(seeds: list[Run], verdicts: np.ndarray | None, policy: str) -> list | None:
    if verdicts is None:
        return None
    return [
        majority_vote(
            [run.answers[i] for run in seeds],
            [run.classes[i] for run in seeds],
            [bool(v) for v in verdicts[:, i]],
            policy,
        )
        for i in range(len(seeds[0].answers))
    ]


def _credits(votes: list | None) -> np.ndarray | None:
    return None if votes is None else np.array([vote.credit for vote in votes])


def _scores(verdicts: list[bool] | None) -> np.ndarray | None:
    return None if verdicts is None else np.array(verdicts, float)


def _judged(verdicts: list[str] | None) -> np.ndarray | None:
    return None if verdicts is None else np.array([verdict == "yes" for verdict in verdicts], float)


def _mean(verdicts: np.ndarray | None) -> np.ndarray | None:
    return None if verdicts is None else verdicts.mean(axis=0)


def _max(verdicts: np.ndarray | None) -> np.ndarray | None:
    return None if verdicts is None else verdicts.max(axis=0)


def _unparsed(verdicts: list[str] | None) -> dict:
    return {} if verdicts is None else {"unparsed": verdicts.count("unparsed")}


def table_row(mode: Mode, problems: int) -> dict:
    """The recipe's columns of one mode, in percent; only those that the verdicts allow."""
    row = {"evaluation_mode": mode.name, "num_entries": problems}
    scores = {"symbolic_correct": mode.symbolic, "judge_correct": mode.judge}
    if mode.symbolic is not None and mode.judge is not None and _all_or_nothing(mode):
        both = mode.symbolic * mode.judge
        scores |= {"both_correct": both, "any_correct": mode.symbolic + mode.judge - both}
    for name, values in scores.items():
        if values is not None:
            row[name] = 100.0 * float(values.sum()) / problems
    row["no_answer"] = 100.0 * mode.no_answer / problems
    return row


def _all_or_nothing(mode: Mode) -> bool:
    """Whether each problem is simply right or wrong: of averages and shared credits, both and any do not follow."""
    return all(np.isin(scores, (0.0, 1.0)).all() for scores in (mode.symbolic, mode.judge))


def format_table(benchmark: str, rows: list[dict]) -> str:
    """One table in the recipe's layout, its trailing padding and two empty lines included."""
    names = ["evaluation_mode", "num_entries", *(c for c in COLUMNS if any(c in row for row in rows)), "no_answer"]
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]
    lines = [f" {benchmark} ".center(sum(widths) + 3 * (len(widths) - 1), "-")]
    lines += [
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [names, *cells]
    ]
    return "\n".join(lines) + "\n\n\n"


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def metrics_row(mode: Mode, problems: int, num_samples: int) -> dict:
    """Everything else about one mode: proportions 0 to 1, their 95 % intervals and how these were made."""
    row = {"mode": mode.name, "n_items": problems, "n_samples": num_samples, "no_answer": mode.no_answer / problems}
    for name, scores in (("symbolic", mode.symbolic), ("judge", mode.judge)):
        if scores is None:
            continue
        single = mode.details["ci_method"] == "wilson"
        low, high = wilson(scores.sum(), problems) if single else question_level(scores)
        row |= {f"accuracy_{name}": float(scores.mean()), f"ci95_low_{name}": low, f"ci95_high_{name}": high}
    if mode.symbolic is not None and mode.judge is not None:
        row["agreement"] = float((mode.symbolic == mode.judge).mean())
        row["kappa"] = cohen_kappa(mode.symbolic, mode.judge)
    return row | mode.details
