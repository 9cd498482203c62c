"""What became of one problem on its way through the chain."""

from itertools import islice
from pathlib import Path

from openmath.answers import answer_of, as_text
from openmath.errors import InputError
from openmath.files.rows import read_rows
from openmath.provenance.chain import Chain
from openmath.results.grades import Benchmark

SHOWN_ANSWER = 60  # characters


def problem_history(chain: Chain, benchmark: Benchmark, name: str) -> dict:
    """Answers by sample run with their grades; the vote; the verdicts."""
    if name not in benchmark.ids:
        raise InputError("There is no such problem.", where=name, expected=f"as {', '.join(benchmark.ids[:3])}")
    number = benchmark.ids.index(name)
    answers = {}
    for graded in filter(None, (benchmark.greedy, benchmark.sampled)):
        for column, run in enumerate(graded.runs):
            answers[run] = {"answer": graded.answer_of(number, column), "correct": bool(graded.correct[number, column])}
    found: dict = {"id": name, "answers": answers, "judged": {}}
    for path in map(chain.local_path, chain.voted_paths(benchmark.name)):
        row = row_of(path, number)
        found["majority"] = {key: row[key] for key in ("predicted_answer", "majority_votes", "total_votes", "tied")}
    for path in map(chain.local_path, chain.judged_paths(benchmark.name)):
        row = row_of(path, number)
        texts = {"expected_answer": as_text(row.get("expected_answer")), "predicted_answer": answer_of(row)}
        kept = ("judge_verdict", "judge_prefilled", "judgement")
        found["judged"][Path(path).stem] = texts | {key: row.get(key) for key in kept}
    return found


def row_of(path: Path, number: int) -> dict:
    """The row `number` (from 0) of a file; the rows before it are not kept."""
    return next(islice(read_rows(path), number, None))


def problem_text(history: dict) -> str:
    """The same for people. Answers of models are shown as quoted text, never as they are."""
    text = f"problem {history['id']}\n"
    for run, entry in history["answers"].items():
        text += f"  {run:<8} {'right' if entry['correct'] else 'wrong'}  {_quoted(entry['answer'])}\n"
    if "majority" in history:
        vote = history["majority"]
        tied = ", tied" if vote["tied"] else ""
        answer = _quoted(vote["predicted_answer"])
        text += f"  majority {answer} with {vote['majority_votes']} of {vote['total_votes']} votes{tied}\n"
    for mode, entry in history["judged"].items():
        why = f", no call: {entry['judge_prefilled']}" if entry["judge_prefilled"] else ""
        text += f"  judge on {mode}: {entry['judge_verdict']}{why}; reference {_quoted(entry['expected_answer'])}\n"
    return text


def _quoted(answer: str | None) -> str:
    if answer is None:
        return "no answer"
    return ascii(answer if len(answer) <= SHOWN_ANSWER else answer[:SHOWN_ANSWER] + "...")
