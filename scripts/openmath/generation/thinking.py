"""How one job reads the thoughts of its samples: what it stages by the usual marks, what it publishes as configured.

So a changed `thinking` computes nothing: the samples that are kept are published again. Standard library only, besides the client:
this module also runs inside engine containers.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from openmath.answers import extract_answer
from openmath.client.replies import Completion
from openmath.errors import InputError, printable
from openmath.files.records import EngineRecord
from openmath.files.sample_rows import REFUSED
from openmath.generation.prompts import Tokenizer
from openmath.settings.engine_kinds import engine_kind, tokenizer_of
from openmath.settings.thinking import AUTO, NONE
from openmath.thoughts import (
    USUAL_MARKS,
    Marks,
    answer_start,
    ends_in_hidden_thought,
    ends_what_it_never_began,
    marks_in,
    opened_by,
    tokens_in,
)

ENOUGH = 100  # samples without the configured end mark, and it is likely the wrong one


@dataclass
class Thinking:
    """setting: auto, none or marks. opened: whether the prompts open a thought by a usual mark, as far as anybody here sees them.

    count: tokens of a text, where there is a tokenizer. The server may open a thought in prompts that nobody here sees: `assumed`.
    """

    setting: str | Marks = AUTO
    opened: bool = False
    count: Callable[[str], int] | None = None
    assumed: bool = False
    _seen: set[tuple] = field(default_factory=set)
    _ended: bool = False

    def __post_init__(self) -> None:
        self._marks = self.setting if isinstance(self.setting, Marks) else None
        self.assumed = self._marks is not None
        self._counting = asyncio.Lock()

    @property
    def marks(self) -> Sequence[Marks]:
        """Those that are looked for."""
        if self.setting == NONE:
            return ()
        return (self._marks,) if self._marks else USUAL_MARKS

    def look_at_prompt(self, text: str) -> None:
        """text: of a prompt, as the model gets it."""
        self.opened = opened_by(text) is not None

    def look_at_samples(self, rows: Iterable[dict]) -> None:
        """Of prompts that nobody here sees: most finished samples end a thought that they never began, so the server opens it."""
        if self.setting != AUTO:
            return
        finished = [ends_what_it_never_began(row["generation"]) for row in rows if row.get("finish_reason") == "stop"]
        self.assumed = 2 * sum(finished) > len(finished)

    async def counted(self, answer: Completion) -> Completion:
        """The answer with num_reasoning_tokens, where it has a thought that the server did not count and a tokenizer can."""
        if answer.num_reasoning_tokens is not None or answer.num_generated_tokens is None:
            return answer
        start = answer_start(answer.text, self._marks, opened=self.opened)
        of_answer = 0
        if start is not None:
            if self.count is None or not (start or answer.reasoning):
                return answer
            try:
                async with self._counting:  # one text at a time, beside the other requests
                    of_answer = await asyncio.to_thread(self.count, answer.text[start:])
            except InputError:  # a tokenizer behind a server that is gone: the sample counts, its tokens do not
                return answer
        return replace(answer, num_reasoning_tokens=max(0, answer.num_generated_tokens - of_answer))

    def published(self, row: dict) -> dict:
        """The row with the answer that the setting gives it; the row itself where that is the one it has."""
        if row.get("finish_reason") == REFUSED:
            return row
        self._note(row)
        start = self._start(row)
        if start == row.get("answer_start", 0):
            return row
        text = row["generation"]
        answer = None if start is None else extract_answer(text[start:], row.get("expected_answer"))
        return row | {"predicted_answer": answer, "answer_start": start}

    def _start(self, row: dict) -> int | None:
        """As thoughts.answer_start, by the setting and what is known of the prompt."""
        if self.setting == NONE:
            return 0
        text = row["generation"]
        if ends_in_hidden_thought(row):
            return None
        opened = "answer_start" in row and row["answer_start"] is None and marks_in(text) is None
        opened |= self.assumed and row.get("finish_reason") == "length"
        return answer_start(text, self._marks, opened=opened)

    def _note(self, row: dict) -> None:
        if self._marks is None or self._ended or "reasoning" in row:
            return
        self._ended = self._marks.end in row["generation"]
        if len(self._seen) < ENOUGH:
            self._seen.add((row["id"], row.get("seed")))

    def warning(self) -> str | None:
        """One sentence where the configured end mark stands in none of many samples."""
        if self._marks is None or self._ended or len(self._seen) < ENOUGH:
            return None
        return printable(
            f"{self._marks.end!r}, which is to end a thought, stands in none of {ENOUGH} samples: is it spelled as the model "
            "writes it (models: NAME: thinking)? A server may leave special tokens out of the text."
        )


def asking_for_marks(marks: Sequence[Marks], tokenizer: Tokenizer, engine: EngineRecord) -> dict:
    """What a request says where marks are special tokens of the model: servers leave those out of their texts, and a thought
    without marks would be read as an answer.
    """
    special = [token for token in tokens_in(marks) if tokenizer.is_special(token)]
    if not special:
        return {}
    if tokenizer_of(engine) == "server":
        return {"preserved_tokens": special}  # as llama.cpp is asked
    asking = engine_kind(engine["engine"]).with_special_tokens
    if not asking and not engine["settings"].get("extra_body"):
        print(
            f"generate: warning: the marks of this model's thoughts are special tokens ({', '.join(special)}). A server that "
            "leaves them out of its text makes thoughts a part of answers. Hint: ask for them in the server's words, as by "
            f"engines: {engine['engine']}: extra_body: {{skip_special_tokens: false}}.",
            flush=True,
        )
    return asking
