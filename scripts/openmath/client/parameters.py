"""Which parameters of a request an endpoint takes, as far as its refusals tell: names of one API are unknown to the next.

OpenAI's newer models refuse `max_tokens` (they say `max_completion_tokens`) and a temperature of 0, Gemini an unknown name,
Anthropic temperature and top_p together. Standard library only: this module also runs inside engine containers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from openmath.client.failures import words_of
from openmath.errors import printable

LIMITS = ("max_tokens", "max_completion_tokens")  # two names of one thing: the most tokens of a reply
# Where a sentence names several, the first of these goes: Anthropic takes a temperature or a top_p, and the temperature says more.
LEAST_FIRST = ("seed", "presence_penalty", "top_p", "reasoning_effort", "temperature")
NO_SUCH_NAME = re.compile(
    r"(?i)unsupported|(?:not|n't) (?:support|accept)|unknown|unrecogni[sz]ed|unexpected|extra (?:inputs|fields)|deprecated"
    r"|(?:not|n't|cannot)\b.{0,20}\b(?:permitted|allowed|accepted|enabled|specified|set|available)"
    r"|disallowed|\binstead\b|replaced|\bonly one\b"
)
NO_SUCH_VALUE = re.compile(r"(?i)\bonly\b|must be|should be|has to be|invalid|greater than|\bfixed at\b")
TOO_LARGE = re.compile(r"(?i)too (?:large|high|many|long)|at most|exceed|maximum|less than|range")  # of a token limit
CONTENT = ("messages", "prompt", "input", "content")  # a refusal of these may repeat what stands in them
# What an API takes for these where they are not sent: to leave this value out is to ask the same.
NEUTRAL = {"temperature": 1.0, "top_p": 1.0}
SENTENCES = re.compile(r"\n|[.;]\s")
NAME = re.compile(r"[a-z]\w*", re.IGNORECASE)
SHORT_NAMES = {"penalty": "presence_penalty"}  # Gemini
MOST_PARTS, MOST_LEVELS = 20, 6  # of a refusal
MOST_WORDS, SHOWN = 2000, 200  # characters of it


@dataclass
class Parameters:
    """What one endpoint is sent; shared by all who ask it, and changed by its refusals.

    optional: names that whoever asks may leave out, which makes another request of it. left_outs: all sets of these left out so
    far, the one in force last. idle: names without which the same is asked. limit_name: one of LIMITS. neutral: values without
    which the same is asked, by name.
    """

    optional: frozenset[str] = frozenset()
    left_outs: list[frozenset[str]] = field(default_factory=lambda: [frozenset()])
    idle: frozenset[str] = frozenset()
    limit_name: str = LIMITS[0]
    neutral: Mapping[str, float] = field(default_factory=dict)
    _dropped: set[str] = field(default_factory=set)
    _refused_limits: set[str] = field(default_factory=set)

    def as_taken(self, sampling: dict) -> dict:
        """The same request in the endpoint's words: its name of the token limit, and nothing idle that it refuses."""
        kept = {
            name: value
            for name, value in sampling.items()
            if not (name in self._dropped and self._is_idle(name, value))
        }
        return {self.limit_name if name in LIMITS else name: value for name, value in kept.items()}

    def asks_the_same(self, name: str | None, sampling: Mapping[str, object]) -> bool:
        """Whether `as_taken` has an answer to the refusal of this parameter of a request."""
        return name in LIMITS or (name is not None and name in sampling and self._is_idle(name, sampling[name]))

    def _is_idle(self, name: str, value: object) -> bool:
        return name in self.idle or (name in self.neutral and value == self.neutral[name])

    def learn(self, status: int | None, refusal: object, sent: Mapping[str, object]) -> str | None:
        """The parameter that this refusal is about, if asking without it, or by its other name, may succeed.

        refusal: body of the reply, without the key. sent: what the request held.
        """
        ours = [name for name in sent if name in self.optional or self.asks_the_same(name, sent)]
        strict = (*LIMITS, *(self.neutral.keys() - self.idle))  # refused by name, or its value is another one's default
        name = refused_parameter(refusal, ours, strict) if status in (400, 422) else None
        if name in LIMITS:
            self._refused_limits.add(name)
            other = LIMITS[1 - LIMITS.index(name)]
            if other in self._refused_limits:
                return None
            if self.limit_name != other:
                self._tell(name, f"sent as {other}", refusal)
            self.limit_name = other
            return name
        if name is not None and self._is_idle(name, sent[name]):
            if name not in self._dropped:
                self._tell(name, "left out", refusal)
            self._dropped.add(name)
        elif name is not None and name not in self.left_outs[-1]:
            self._tell(name, "left out", refusal)
            self.left_outs.append(self.left_outs[-1] | {name})
        return name

    def recall(self, left_out: Iterable[str], limit_name: str | None) -> None:
        """What an earlier reply was asked with is in force again."""
        names = frozenset(left_out)
        if names <= self.optional:
            self.left_outs = [*(earlier for earlier in self.left_outs if earlier != names), names]
        if limit_name in LIMITS:
            self.limit_name = limit_name

    @property
    def unsent(self) -> frozenset[str]:
        """Names of what is left out though asking without it is the same."""
        return frozenset(self._dropped)

    def earlier(self) -> list[frozenset[str]]:
        """All sets of names left out so far, but the one in force; the smallest first."""
        return sorted(self.left_outs[:-1], key=lambda names: (len(names), sorted(names)))

    def _tell(self, name: str, so: str, refusal: object) -> None:
        print(
            printable(f"client: the endpoint refuses {name}, which is {so} from now on: {words_of(refusal)[:SHOWN]}"),
            flush=True,
        )


def refused_parameter(refusal: object, sent: Iterable[str], strict: Iterable[str] = LIMITS) -> str | None:
    """The one of the names in `sent` that a refusal is about, in a field of its own or in a sentence that refuses it.

    strict: of these the name has to be refused, not a value that is too large.
    """
    by_letters = {_letters(name): name for name in sent}
    by_letters |= {short: name for short, name in SHORT_NAMES.items() if name in by_letters.values()}
    strict = set(strict)
    found = set[str]()
    for places, words in _places(refusal):
        if places[-1].startswith(CONTENT):
            return None
        names = {by_letters[place] for place in map(_letters, places) if place in by_letters}
        found |= names if _refuses_name(words) else names - strict
    if not found:
        for sentence in SENTENCES.split(words_of(refusal)[:MOST_WORDS]):
            names = {by_letters[part] for part in map(_letters, NAME.findall(sentence)) if part in by_letters}
            if _refuses_name(sentence):
                found |= names
            elif NO_SUCH_NAME.search(sentence) or NO_SUCH_VALUE.search(sentence):
                found |= names - strict
    return min(found, key=lambda name: LEAST_FIRST.index(name) if name in LEAST_FIRST else -1, default=None)


def _places(part: object, level: int = 0) -> Iterator[tuple[list[str], str]]:
    """(names that lead to a parameter, words about it): OpenAI's `param`, the `loc` of FastAPI's lists, which may end in a type."""
    if level > MOST_LEVELS or not isinstance(part, dict | list):
        return
    if isinstance(part, dict):
        place = part.get("param") or part.get("loc")
        places = [name for name in (place if isinstance(place, list) else [place]) if isinstance(name, str)]
        if places:
            yield (
                [name.rpartition(".")[2] for name in places],
                f"{part.get('code')} {part.get('type')} {words_of(part)[:MOST_WORDS]}",
            )
    for inner in list(part.values() if isinstance(part, dict) else part)[:MOST_PARTS]:
        yield from _places(inner, level + 1)


def _refuses_name(words: str) -> bool:
    return bool(NO_SUCH_NAME.search(words)) and not TOO_LARGE.search(words)


def _letters(name: str) -> str:
    """A name without its way of writing: xAI says presencePenalty."""
    return name.replace("_", "").lower()
