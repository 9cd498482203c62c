"""Rows about samples: what each key holds. Rows of other tools may have fewer keys and more; answers.answer_of reads all of them.

Standard library only: this module also runs inside engine containers.
"""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

REFUSED = "refused"  # finish_reason of a sample whose request was declined for good
REFUSED_REASONS = (REFUSED, "prompt_too_long")  # the second: the word for one kind of it in samples of earlier versions


class AnswerRow(TypedDict):
    """A problem and one answer to it. `id` names the problem in its benchmark.

    expected_answer: the reference. predicted_answer: None where there is no answer; "" is an empty one, `\\boxed{}`.
    """

    id: str
    problem: str
    expected_answer: str
    predicted_answer: str | None


class SampleRow(AnswerRow):
    """A line of output-greedy.jsonl and output-rs{seed}.jsonl. Token counts are None where the engine does not say.

    generation: the model's text. seed: number of the sample run; None for greedy. finish_reason: stop | length | refused.
    num_prompt_tokens, num_generated_tokens: in tokens of the model.

    Only where there is something to say: reasoning: thought that the server returned apart from the text. refusal: why there is
    no generation, in the server's words. served_model, system_fingerprint: what a server that is not ours calls itself.
    extraction: what stood before an answer that is not boxed (answers.FALLBACKS). answer_start: where the answer begins in a
    generation that holds a thought too, in characters; None where the thought never ends, in the text or apart from it; 0 where
    there is none by the setting, whatever marks are in it.
    num_reasoning_tokens: of num_generated_tokens those of the thought.
    """

    generation: str
    seed: int | None
    finish_reason: str | None
    num_prompt_tokens: int | None
    num_generated_tokens: int | None
    reasoning: NotRequired[str]
    refusal: NotRequired[str]
    served_model: NotRequired[str]
    system_fingerprint: NotRequired[str]
    extraction: NotRequired[str]
    answer_start: NotRequired[int | None]
    num_reasoning_tokens: NotRequired[int]


class MajorityRow(AnswerRow):
    """A line of output-majority.jsonl: the winner over the sampled runs; no generation, since no single text stands behind it.

    majority_votes: runs that gave it. total_votes: runs, those without an answer included. tied: another answer had as many
    votes. is_correct: the symbolic grader's verdict.
    """

    majority_votes: int
    total_votes: int
    tied: bool
    is_correct: bool


class Judgement(TypedDict):
    """What a line of judged/{judge}/{benchmark}/{mode}.jsonl holds beside the row that was judged, `predicted_answer` included.

    WRITTEN is not in it: what the model wrote stands in the sample file. Files of earlier versions hold it too.

    judgement: the judge's reply, or the words for an answer that needed no call. judge_verdict: yes | no | unparsed.
    judge_model: name of the judge in the configuration. judge_prefilled: why no call was needed, no_answer | identical |
    symbolic; None where the judge was asked.

    judge_outcome: why there is no verdict, whatever the reply says, cut | empty | refused; judge_refusal: the endpoint's words.
    judge_delimited: the answer holds words for a judge, and stood between tags.
    """

    judgement: str
    judge_verdict: str
    judge_model: str
    judge_prefilled: str | None
    judge_outcome: NotRequired[str]
    judge_refusal: NotRequired[str]
    judge_delimited: NotRequired[bool]


WRITTEN = ("generation", "reasoning")  # what the model wrote: nearly all bytes of a row


def without_text(row: Mapping) -> dict:
    """The row without what the model wrote, for whoever holds the rows of a whole file."""
    return {key: value for key, value in row.items() if key not in WRITTEN}


def id_of(row: Mapping, number: int) -> str:
    """The id of a row as text; where it has none, its number in the file, from 0."""
    identifier = row.get("id")
    return str(number if identifier is None else identifier)


TEXTS = ("problem", "expected_answer")
COUNTS = ("seed", "num_prompt_tokens", "num_generated_tokens", "answer_start", "num_reasoning_tokens")
TEXTS_OR_NULL = ("predicted_answer", "finish_reason", "reasoning", "refusal", "served_model", "system_fingerprint")


def is_sample(row: dict) -> bool:
    """Whether a row can be a finished sample: id and generation are text, and no other field has a type that it cannot have."""
    return (
        all(isinstance(row.get(name), str) for name in ("id", "generation"))
        and all(isinstance(row.get(name, ""), str) for name in TEXTS)
        and all(row.get(name) is None or isinstance(row[name], str) for name in TEXTS_OR_NULL)
        and all(row.get(name) is None or type(row[name]) is int for name in COUNTS)
    )
