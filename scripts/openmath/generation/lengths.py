"""How long answers get: by it as many are asked for at a time as the engine's cache holds.

Standard library only: this module also runs inside engine containers.
"""

import operator
from collections.abc import Collection, Iterable
from itertools import starmap, takewhile

from openmath.generation.staging import StagedRun
from openmath.settings.defaults import MAX_NEW_TOKENS, TOKENS_PER_SAMPLE

USUAL_SHARE = TOKENS_PER_SAMPLE / MAX_NEW_TOKENS  # of the longest answer: what the plan assumes, too


def common_tokens(prompts: Collection[list]) -> int:
    """So many tokens all prompts begin with, as examples do: it is what the first and the last by order share."""
    ends = zip(min(prompts, default=[]), max(prompts, default=[]), strict=False)
    return sum(takewhile(bool, starmap(operator.eq, ends)))


class Lengths:
    """Tokens of the answers of one job: `add` those that end. longest: tokens of the longest. sure: answers after which their mean
    counts; the first to end are the short ones, so that until then the mean is no less than what is usual.
    """

    def __init__(self, staged: Iterable[StagedRun], prompts: Collection[list], *, longest: int, sure: int):
        runs = list(staged)
        self._tokens, self._answers = sum(run.tokens for run in runs), sum(run.counted for run in runs)
        common = common_tokens(prompts)  # lie in the cache once
        self._prompt = sum(map(len, prompts)) / max(1, len(prompts)) - common
        self._usual, self._sure = USUAL_SHARE * longest, sure

    def add(self, tokens: int) -> None:
        self._tokens, self._answers = self._tokens + tokens, self._answers + 1

    def held(self) -> float:
        """Tokens of a request in the engine's cache: the prompt's own and, on average over its time, half of the answer."""
        answer = self._tokens / self._answers if self._answers else 0.0
        return self._prompt + (answer if self._answers >= self._sure else max(answer, self._usual)) / 2
