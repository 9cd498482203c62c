"""Texts of samples in bounded length: head and tail of long ones, and all of a set within a limit."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from openmath.thoughts import thought_and_answer

MAX_TEXT = 40_000  # characters shown of one text, its head and its tail: ten times the longest useful solution


class LongText(NamedTuple):
    """A text, or of a long one both ends: not more than MAX_TEXT characters are ever shown. length: of the whole."""

    head: str
    tail: str
    length: int

    @staticmethod
    def of(text: str) -> "LongText":
        if len(text) <= MAX_TEXT:
            return LongText(text, text, len(text))
        return LongText(text[: MAX_TEXT // 2], text[-(MAX_TEXT // 2) :], len(text))

    def shown(self, most: int = MAX_TEXT) -> str:
        """The text in at most so many characters; what is left out in its middle, where no answer stands, is said."""
        if self.length <= most:
            return self.head
        half = most // 2
        return f"{self.head[:half]}\n[... {self.length - 2 * half:,} characters left out ...]\n{self.tail[-half:]}"


def cut(value: object) -> str | None:
    """A text of bounded length; what is left out is said."""
    return None if value is None else LongText.of(str(value)).shown()


def fitted(samples: list[dict], limit: int) -> list[dict]:
    """Samples with their LongTexts as text: the longest are cut to the length under which all of them fit into `limit`."""
    lengths = np.sort([text.length for sample in samples for text in sample.values() if isinstance(text, LongText)])
    before = np.cumsum(lengths) - lengths  # characters of all that are shorter
    left = np.arange(len(lengths), 0, -1)
    over = before + lengths * left > limit  # were this one, and all that are longer, cut to its length
    most = int((limit - before[over][0]) // left[over][0]) if over.any() else MAX_TEXT
    return [
        {
            key: value.shown(min(most, MAX_TEXT)) if isinstance(value, LongText) else value
            for key, value in sample.items()
        }
        for sample in samples
    ]


def shown_text(row: Mapping) -> dict:
    """Text and tokens of a sample; where it has a thought, that apart. text: None where the row has no generation.

    refusal: the server's words, where it gave none.
    """
    text = row.get("generation")
    shown = {"text": None if text is None else LongText.of(str(text)), "tokens": row.get("num_generated_tokens")}
    thought, answer = thought_and_answer(row)
    if thought:
        shown |= {"thought": LongText.of(thought), "text": LongText.of(answer)}
        shown |= {"thought_tokens": count} if (count := row.get("num_reasoning_tokens")) else {}
    if "refusal" in row:
        shown["refusal"] = cut(row["refusal"])
    return shown
