"""What judging costs, and the stop before it costs more than allowed."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openmath.client.completion import Completion
from openmath.errors import InputError
from openmath.files.records import Calls

# For a first estimate, until the store holds verdicts of the judge itself: the shipped prompt has 1,662 characters, about 500
# tokens, and a problem with two answers about 100; a judgement has a few sentences.
ASSUMED_PROMPT_TOKENS, ASSUMED_GENERATED_TOKENS = 600, 180
MESSAGE_TOKENS = 16  # what a chat template adds to a message, generously


def cost(records: Sequence[Mapping]) -> Calls:
    """Calls, tokens and dollars of some verdicts."""

    def total(name: str) -> Any:
        return sum(record.get(name) or 0 for record in records)

    return {
        "calls": len(records),
        "num_prompt_tokens": total("num_prompt_tokens"),
        "num_generated_tokens": total("num_generated_tokens"),
        "usd": round(total("usd"), 6),
    }


@dataclass(frozen=True)
class Prices:
    """USD per million tokens of the prompt (input) and of the reply (output)."""

    input: float
    output: float

    def usd(self, prompt_tokens: float | None, generated_tokens: float | None) -> float:
        return ((prompt_tokens or 0) * self.input + (generated_tokens or 0) * self.output) / 1e6

    def at_most(self, messages: list[dict], max_tokens: int) -> float:
        """Upper bound of one call: no tokenizer makes more tokens than bytes."""
        tokens = sum(len(message["content"].encode()) + MESSAGE_TOKENS for message in messages)
        return self.usd(tokens, max_tokens)

    def estimate(self, calls: int, records: Iterable[Mapping]) -> float:
        """USD of so many calls, by the tokens of earlier ones."""
        known = [r for r in records if r.get("num_prompt_tokens") and r.get("num_generated_tokens")]
        if not known:
            return calls * self.usd(ASSUMED_PROMPT_TOKENS, ASSUMED_GENERATED_TOKENS)
        prompt, generated = (sum(r[f"num_{side}_tokens"] for r in known) for side in ("prompt", "generated"))
        return calls * self.usd(prompt, generated) / len(known)


class BudgetSpent(InputError):
    """The next call could exceed the budget."""


class Budget:
    """Lets a call through only while everything paid and everything in flight, at its highest price, stays within the limit.

    limit, spent: USD. Prices may be None: then all is let through.
    """

    def __init__(self, prices: Prices | None, limit: float | None, spent: float):
        self.prices, self.limit, self.spent = prices, limit, spent
        self._reserved: list[float] = []
        self._settled = asyncio.Condition()

    def fits(self, usd: float) -> bool:
        return self.limit is None or self.spent + sum(self._reserved) + usd <= self.limit

    async def reserve(self, messages: list[dict], max_tokens: int) -> float:
        """USD set aside for a call; waits while calls in flight may still turn out cheaper. Raises BudgetSpent."""
        usd = self.prices.at_most(messages, max_tokens) if self.prices else 0.0
        async with self._settled:
            while not self.fits(usd):
                if not self._reserved:
                    raise self.spent_error(usd)
                await self._settled.wait()
            self._reserved.append(usd)
        return usd

    async def settle(self, reserved: float, paid: float) -> None:
        """A call has ended: `paid` USD took the place of `reserved`."""
        async with self._settled:
            self._reserved.remove(reserved)
            self.spent += paid
            self._settled.notify_all()

    def usd(self, reply: Completion, at_most: float) -> float | None:
        """What a reply cost; its upper bound where the server does not count tokens. None without prices."""
        if self.prices is None:
            return None
        if reply.num_prompt_tokens is None or reply.num_generated_tokens is None:
            return at_most
        return self.prices.usd(reply.num_prompt_tokens, reply.num_generated_tokens)

    def spent_error(self, usd: float) -> BudgetSpent:
        return BudgetSpent(
            "The judge's budget does not allow another call. Every verdict paid so far is kept.",
            expected=f"at most {self.limit:.2f} USD in all (budget_usd)",
            found=f"{self.spent:.4f} USD spent, up to {usd:.4f} USD for the next call",
            hint="raise budget_usd and run the same command again: it asks only what is missing.",
        )
