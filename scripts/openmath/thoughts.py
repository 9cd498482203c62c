"""Where the thought of a generation ends and its answer begins. Rules and marks in prose: docs/grading.md, "Models that think".

    >>> answer_start("<think>4? No, 5.</think>The answer is 5.")
    24

Standard library only: this module also runs inside engine containers.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Marks(NamedTuple):
    """What opens a thought and what ends it, as they stand in the text."""

    start: str
    end: str


# The usual marks: those of chat templates, model cards and the reasoning parsers of vLLM, SGLang and llama.cpp.
USUAL_MARKS = (
    # DeepSeek R1, Qwen 3, QwQ, GLM, Nemotron, Phi-4, SmolLM3, OLMo 3, Kimi K2, MiniMax M1 and M2
    Marks("<think>", "</think>"),
    Marks("<thinking>", "</thinking>"),  # Reflection, and models told so by their prompt
    Marks("<thought>", "</thought>"),  # EXAONE Deep; Gemini's OpenAI-compatible endpoint
    Marks("<reasoning>", "</reasoning>"),  # models trained by GRPO as TRL's and Unsloth's examples do
    Marks("[THINK]", "[/THINK]"),  # Mistral: Magistral, Ministral 3
    Marks("<|channel|>analysis", "<|channel|>final<|message|>"),  # gpt-oss (harmony)
    Marks("<|channel|>analysis", "assistantfinal"),  # the same from a server that leaves special tokens out
    Marks("<|channel>thought", "<channel|>"),  # Gemma 4
    Marks("<seed:think>", "</seed:think>"),  # Seed-OSS
    Marks("◁think▷", "◁/think▷"),  # Kimi-VL, Kimi k1.5
    Marks("<longcat_think>", "</longcat_think>"),  # LongCat
    Marks("<mm:think>", "</mm:think>"),  # MiniMax M3
    Marks("<|START_THINKING|>", "<|END_THINKING|>"),  # Cohere: Command A Reasoning
    Marks("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    Marks("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThinker
)
_TOKEN = re.compile(r"<[^<>]+>|\[[^][]+\]|◁[^◁▷]+▷")
_SPELLINGS = {mark for marks in USUAL_MARKS for mark in marks}
_IN_BRACKETS = sorted(mark[1:] for mark in _SPELLINGS if mark[0] == "<")
_SECOND = re.escape("".join({mark[0] for mark in _IN_BRACKETS}))  # looked at first: formulas hold many a <
_BRACKETED = re.compile(f"<(?=[{_SECOND}])(?:{'|'.join(map(re.escape, _IN_BRACKETS))})")
_RARE = "◁K"  # in texts
_OTHERS: dict[str, list[str]] = {}  # by a rare letter that is in them, or all of a mark without one
for _mark in sorted(mark for mark in _SPELLINGS if mark[0] != "<"):
    _OTHERS.setdefault(next((letter for letter in _RARE if letter in _mark), _mark), []).append(_mark)
_AROUND = {
    sign: re.compile("|".join(f"(?<={re.escape(before)}){re.escape(sign + behind)}" for before, behind in parts))
    for sign, parts in ((sign, [mark.split(sign, 1) for mark in marks]) for sign, marks in _OTHERS.items())
}


def marks_in(text: str) -> Marks | None:
    """The usual marks of which one stands first in a text: they are the model's, others are words of its."""
    bracketed = _first_at(text, "<", _BRACKETED)
    places = [(bracketed.start(), bracketed[0])] if bracketed else []
    for sign, around in _AROUND.items():
        if _first_at(text, sign, around):
            places += [(place, mark) for mark in _OTHERS[sign] if (place := text.find(mark)) >= 0]
    if not places:
        return None
    first = min(places)[1]
    known = [marks for marks in USUAL_MARKS if first in marks]
    return next((marks for marks in known if marks.end in text), known[0])


def _first_at(text: str, sign: str, pattern: re.Pattern) -> re.Match | None:
    """As pattern.search(text) of a pattern that matches where `sign` stands: to find a letter is many times as fast."""
    place = text.find(sign)
    while place >= 0:
        if found := pattern.match(text, place):
            return found
        place = text.find(sign, place + 1)
    return None


def tokens_in(marks: Iterable[Marks]) -> list[str]:
    """What a tokenizer may know as one special token, of these marks: each pair of brackets. A server leaves such out of its texts.

    >>> tokens_in([Marks("<|channel|>analysis", "<|channel|>final<|message|>")])
    ['<|channel|>', '<|message|>']
    """
    return list(dict.fromkeys(token for pair in marks for mark in pair for token in _TOKEN.findall(mark)))


def opened_by(prompt: str) -> Marks | None:
    """The usual marks of which the start is the last that a prompt says: the model begins inside its thought."""
    end = prompt.rstrip()
    return next((marks for marks in USUAL_MARKS if end.endswith(marks.start)), None)


def ends_what_it_never_began(text: str) -> bool:
    """Whether a text ends a thought that the prompt must have opened."""
    marks = marks_in(text)
    return marks is not None and marks.end in text and marks.start not in text[: text.find(marks.end)]


def answer_start(text: str, marks: Marks | None = None, *, opened: bool = False) -> int | None:
    """Where the answer begins, in characters; 0 where there is no thought, None where the last thought never ends.

    marks: None: the usual ones. opened: the prompt has opened a thought.

    The answer stands behind the last end mark. A start mark inside a thought is a word of it; behind the last end mark it opens
    another thought. An end mark with nothing behind it, at the end of an answer, says nothing.
    """
    marks = marks or marks_in(text)
    if marks is None:
        return None if opened else 0
    stop, ended = len(text), None
    while (end := text.rfind(marks.end, 0, stop)) >= 0:
        begin = end + len(marks.end)
        between = text[begin:stop]
        if marks.start in between:
            return ended
        if between.strip():
            return begin
        ended = begin if ended is None else ended
        stop = end
    return None if ended is None and (opened or marks.start in text) else ended or 0


def answer_start_of(row: Mapping) -> int | None:
    """Where the answer of a sample row begins in its `generation`: as the row says, else by the usual marks.

    None where the thought never ends, also one that the server has kept apart.
    """
    text = row.get("generation")
    text = text if isinstance(text, str) else ""
    if "answer_start" in row:
        said = row["answer_start"]
        if said is None or (type(said) is int and 0 <= said <= len(text)):
            return said
    return None if ends_in_hidden_thought(row) else answer_start(text)


def ends_in_hidden_thought(row: Mapping) -> bool:
    """Whether a row met the token limit before its first word, in a thought that is not in its text."""
    thought = row.get("reasoning") or row.get("num_reasoning_tokens")
    return bool(thought) and row.get("finish_reason") == "length" and not str(row.get("generation") or "").strip()


def thought_and_answer(row: Mapping) -> tuple[str, str]:
    """The two parts of what a model said: its thought ("" without one), and the rest. Together they are all of it."""
    text, apart = row.get("generation") or "", row.get("reasoning") or ""
    text, apart = (part if isinstance(part, str) else str(part) for part in (text, apart))
    start = answer_start_of({**row, "generation": text})
    start = len(text) if start is None else start
    return "\n\n".join(filter(None, (apart, text[:start]))), text[start:]
