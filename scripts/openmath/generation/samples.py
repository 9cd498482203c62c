"""What a server says to the problem of a sample run, as the row of that sample.

Standard library only, besides the client: this module also runs inside engine containers.
"""

from dataclasses import dataclass

from openmath.answers import extract_answer, fallback_answer
from openmath.client.replies import Completion
from openmath.files.sample_rows import REFUSED, SampleRow
from openmath.thoughts import answer_start, ends_in_hidden_thought

Job = tuple[str, str, dict]  # benchmark, sample run, problem


@dataclass(frozen=True)
class Refusal:
    """There is no generation and never will be. words: why. num_prompt_tokens: None where nobody counted."""

    words: str
    num_prompt_tokens: int | None = None


def seed_of(run: str) -> int | None:
    """The recipe's seed is the number of the run, the same for all problems."""
    return None if run == "greedy" else int(run.removeprefix("rs"))


def sample_row(job: Job, answer: Completion | Refusal, *, hosted: bool, opened: bool = False) -> SampleRow:
    """The row of a sample. hosted: somebody else runs the server, and its own words say who answered; ours is in engine.json.
    opened: the prompt has opened a thought."""
    _, run, row = job
    more: dict[str, str | int | None]
    generated: int | None
    if isinstance(answer, Refusal):
        text, finish_reason, generated = "", REFUSED, 0
        more = {"refusal": answer.words}
    else:
        text, finish_reason, generated = answer.text, answer.finish_reason, answer.num_generated_tokens
        more = {"reasoning": answer.reasoning, "num_reasoning_tokens": answer.num_reasoning_tokens}
        if hosted:
            more |= {"served_model": answer.model, "system_fingerprint": answer.system_fingerprint}
    sample: SampleRow = {
        "id": row["id"],
        "problem": row["problem"],
        "expected_answer": row["expected_answer"],
        "generation": text,
        "predicted_answer": extract_answer(text, row["expected_answer"]),
        "seed": seed_of(run),
        "finish_reason": finish_reason,
        "num_prompt_tokens": answer.num_prompt_tokens,
        "num_generated_tokens": generated,
    }
    sample.update({key: value for key, value in more.items() if value})  # type: ignore[typeddict-item]
    start = None if ends_in_hidden_thought(sample) else answer_start(text, opened=opened)
    if start != 0 and finish_reason != REFUSED:
        sample["answer_start"] = start
        sample["predicted_answer"] = None if start is None else extract_answer(text[start:], row["expected_answer"])
    return sample


def with_fallback(row: dict) -> dict:
    """A finished sample without a box, with the answer that stands elsewhere in it; any other row as it is."""
    found, start = None, row.get("answer_start", 0)
    if row["predicted_answer"] is None and row["finish_reason"] == "stop" and start is not None:
        found = fallback_answer(row["generation"][start:])
    return row if found is None else {**row, "predicted_answer": found[0], "extraction": found[1]}
