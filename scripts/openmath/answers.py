r"""What an answer row says: its own `predicted_answer`, else the content of the last `\boxed{...}` of its `generation`.

    >>> answer_of({"generation": r"so x = 2, and the answer is $\boxed{\frac{1}{2}}$."})
    '\\frac{1}{2}'
    >>> answer_of({"predicted_answer": 27.0, "generation": r"\boxed{28}"})
    '27'

Standard library only: this module also runs inside engine containers.
"""

import itertools
import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from openmath.errors import InputError
from openmath.thoughts import answer_start_of

BOX = "\\boxed"
BRACE_OR_ESCAPE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped brace (\{ as in a set) does not nest
EXACT_FLOATS = 2**53  # beyond it a float stands for several whole numbers

_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])(?:\s*\[[^\[\]{}]{0,40}\]){0,2}[ \t]*")
_LOST_BACKSLASH = re.compile(r"(?<![A-Za-z\\])(?:\x08oxed|boxed)(?=\{)")
# \boxed 7, \boxed x, \boxed\frac12: what TeX puts in the box, and all digits of a number
_BARE = re.compile(r"-?\d+(?:[.,/]\d+)*|[A-Za-z](?![A-Za-z])|\\[A-Za-z]+(?:\{[^{}]*\}|\d)*")
_QUOTED = re.compile(
    r"(?:\.\.\.|\\l?dots|(?:\\text\s*\{\s*)?\W?(?:your |the |final ){0,3}answer(?: here)?\W?\s*\}?)?", re.IGNORECASE
)  # of the instruction
# A base model goes on with a problem of its own.
_NEXT_PROBLEM = re.compile(r"\n[ \t]{0,4}(?:#{1,6} ?|\*\*)?(?:Question|Problem|Exercise|Q)\b ?\d{0,3} ?(?:\*\*)? ?[:.]")
# Between boxes that are parts of one answer: x = \boxed{3}, y = \boxed{8}.
_JOINT = re.compile(
    r"(?:[\s$,;&()]|\\[,;:! ()]|\\\\|\\q?quad|\band\b|\bor\b|\\text\s*\{\s*(?:,|and|or)\s*\}|\\(?:left|right)"
    r"|\\?[A-Za-z](?:_\{?\w\}?)?\s*(?:=|\\in|:))*"
)
_LABEL = re.compile(r"(?<!\w)\(?([a-h])\)")
_LIST = re.compile(r"\s*(?:,(?!\d{3}(?!\d))|;|\\text\s*\{\s*(?:and|or)\s*\}|\band\b|\bor\b|\([b-h]\))\s*")
_HOPE = re.compile(r"\.? {1,2}I hope it is correct\.?\s*$")  # of a prompt in wide use
MAX_PARTS = 8  # of one answer
MAX_REFERENCE, MAX_BETWEEN = 1000, 200  # characters of a reference with parts, and between two boxes of one answer

# What an answer is behind, for models that do not box; in this order, the last of its kind counts.
FALLBACKS = {
    "answer tag": re.compile(r"<answer>([^<]{1,2000})</answer>", re.IGNORECASE),
    "####": re.compile(r"^####[ \t]*(\S[^\n]*)", re.MULTILINE),
    "Answer:": re.compile(  # or a heading, and the last line of all below it
        r"^\W{0,4}(?:the )?(?:final )?answer ?(?:\*\*)? ?"
        r"(?:: ?(?:\*\*)? ?|:?(?:\*\*)?[ \t]{0,4}\n\s{0,4}(?=[^\n]{1,200}\s{0,4}\Z))(\S[^\n]*)",
        re.MULTILINE | re.IGNORECASE,
    ),
    "the answer is": re.compile(r"\banswer\s{1,2}is ?:?\s{1,2}((?:[^\n.]|\.(?=\d)){1,200})", re.IGNORECASE),
}


def answer_of(row: Mapping, policy: str = "default") -> str | None:
    """The answer of a sample, majority or judged row; None where it has none.

    A row's own `predicted_answer` wins, whatever its generation says; null means no answer. Without one it is read from what stands
    behind the thought; under `paper` from all of the text, also where a row of ours has been read without its thought.
    Raises InputError for a generation that is not text.
    """
    if _says_its_answer(row, policy):
        return as_text(row["predicted_answer"])
    text = text_of(row, "generation")
    start = 0 if policy == "paper" else answer_start_of(row)
    return None if start is None else extract_answer(text[start:], as_text(row.get("expected_answer")))


def _says_its_answer(row: Mapping, policy: str) -> bool:
    reread = policy == "paper" and "answer_start" in row and "generation" in row
    return "predicted_answer" in row and not reread


def not_boxed(row: Mapping, policy: str = "default") -> str | None:
    """What the answer that a row says stands behind instead of in a box, as its key `extraction` has it; None where in a box."""
    said = row.get("extraction")
    found = isinstance(said, str) and _says_its_answer(row, policy) and row["predicted_answer"] is not None
    return said if found else None


def is_unfinished(row: Mapping, policy: str = "default") -> bool:
    """Whether a row without an answer has none because its thought never ends. `paper` knows no thoughts."""
    return policy != "paper" and answer_start_of(row) is None


def reference_of(row: Mapping) -> str:
    """The expected answer of a row. Raises KeyError where it has none."""
    reference = as_text(row["expected_answer"])
    if reference is None:
        raise KeyError("expected_answer")
    return reference


def as_text(answer: object) -> str | None:
    """The one spelling of an answer or reference: text as it is, 27.0 as "27", true and lists as JSON; None for null."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, bool | list | dict):
        return json.dumps(answer, ensure_ascii=False)
    if isinstance(answer, float) and answer.is_integer() and abs(answer) < EXACT_FLOATS:
        answer = int(answer)
    return str(answer)


def text_of(row: Mapping, field: str) -> str:
    """A text field of a row, "" where it is null or absent. Raises InputError for any other type."""
    text = row.get(field) or ""
    if not isinstance(text, str):
        raise InputError(f"The {field} of a row is not text.", where=f"id {row.get('id')!r:.40}", found=f"{text!r:.80}")
    return text


def extract_answer(generation: str, reference: str | None = None) -> str | None:
    r"""The text inside the last box, as written; "" for `\boxed{}`; None if there is no box or it is broken.

    Only the last box counts: if it never closes, the model did not finish its answer, and an earlier one is not credited in its
    place; but a last `\boxed{}` behind another box only quotes the instruction. Boxes side by side, or behind (a), (b), ...,
    are the parts of one answer where the reference has as many.
    """
    first = generation.find(BOX)
    if first >= 0 and generation.rfind(BOX) == first and generation.startswith(BOX + "{", first):
        return _braced(generation, first + len(BOX))  # nearly all of millions
    found = boxes(generation)
    if not found:
        return None
    while len(found) > 1 and found[-1].text is not None and _QUOTED.fullmatch(found[-1].text.strip()):
        found.pop()
    parts = _parts(generation, found, reference) if len(found) > 1 and reference else None
    return ", ".join(parts) if parts else found[-1].text


def _braced(text: str, first: int) -> str | None:
    """What stands in the braces that open at `first`; None if they never close."""
    depth, place = 0, first
    while (end := text.find("}", place)) >= 0:
        depth += text.count("{", place, end) - 1
        place = end + 1
        if depth == 0:
            inside = text[first + 1 : end]
            if "\\{" in inside or "\\}" in inside or inside.endswith("\\"):
                break  # braces are escaped, or look so
            return inside  # as nearly all are
    depth = 0
    for match in BRACE_OR_ESCAPE.finditer(text, first):
        depth += (match[0] == "{") - (match[0] == "}")
        if depth == 0:
            return text[first + 1 : match.start()]
    return None


def fallback_answer(generation: str) -> tuple[str, str] | None:
    """(answer, which of FALLBACKS it stands behind) of a text without a box; None if it has none of them either."""
    if boxes(generation):
        return None
    for name, pattern in FALLBACKS.items():
        found = pattern.findall(generation)
        if found and (answer := _HOPE.sub("", found[-1]).strip().strip("*").rstrip(".").strip()):
            return answer, name
    return None


class Box(NamedTuple):
    """A box of a generation: where its command begins and its content ends; text: None if it never closes."""

    start: int
    end: int
    text: str | None


def boxes(generation: str) -> list[Box]:
    """The boxes of a generation, in order; the inner one of two, and none of a problem that the model went on to."""
    if BOX not in generation and "box" in generation:
        generation = _LOST_BACKSLASH.sub(r"\\boxed", generation)
    commands = list(_BOX.finditer(generation))
    ends = _ends(generation, commands[0].end()) if commands else {}
    found: list[Box] = []
    stop = len(generation)
    for command in commands:
        if command.start() > stop:
            break
        box = _box(generation, command, ends)
        if box is None:
            continue
        if found and box.start < found[-1].end:
            found.pop()
        if not found and len(commands) > 1:
            behind = _NEXT_PROBLEM.search(generation, box.end)
            stop = behind.start() if behind else stop
        found.append(box)
    return found


def _ends(text: str, first: int) -> dict[int, int]:
    """Where the braces from `first` on close: index of { -> index of }."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for match in BRACE_OR_ESCAPE.finditer(text, first):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            ends[opened.pop()] = match.start()
    return ends


def _box(generation: str, command: re.Match, ends: dict[int, int]) -> Box | None:
    """The box of a command; None if the command is only named."""
    start, first = command.span()
    if generation.startswith("{", first):
        end = ends.get(first)
        return Box(start, len(generation), None) if end is None else Box(start, end + 1, generation[first + 1 : end])
    bare = _BARE.match(generation, first)
    if bare:
        return Box(start, bare.end(), bare[0])
    return None if generation[first:].strip() else Box(start, first, None)


def _parts(generation: str, found: list[Box], reference: str) -> list[str] | None:
    """The last boxes, if they are as many as the parts of the reference and stand as parts of one answer do."""
    if len(reference) > MAX_REFERENCE:
        return None
    count = len(_LIST.split(reference.strip(" $()[]{}\\.")))
    count -= bool(re.match(r"\W*\([b-h]\)", reference))
    last = found[-count:]
    texts = [box.text for box in last]
    if not 2 <= count <= MAX_PARTS or len(last) < count or None in texts:
        return None
    between = [generation[one.end : other.start] for one, other in itertools.pairwise(last)]
    joint = all(len(text) <= MAX_BETWEEN and "\n" not in text.strip() and _JOINT.fullmatch(text) for text in between)
    before = generation[found[-count - 1].end if len(found) > count else 0 : last[0].start]
    labels = [_LABEL.findall(text) for text in (before, *between)]
    labelled = all(names and names[-1] == "abcdefgh"[place] for place, names in enumerate(labels))
    return [text or "" for text in texts] if joint or labelled else None
