"""Prices: upper bounds that hold, and estimates from what is known."""

import pytest

from openmath.client.completion import Completion
from openmath.judging.budget import MESSAGE_TOKENS, Budget, Prices, cost

PRICES = Prices(input=1.0, output=10.0)  # USD per million tokens


def reply(prompt: int | None, generated: int | None) -> Completion:
    return Completion("Judgement: Yes", "stop", prompt, generated, None, None)


def test_a_call_has_no_more_tokens_than_bytes_and_what_a_template_adds():
    messages = [{"role": "user", "content": "∑∑"}, {"role": "user", "content": "abc"}]
    assert MESSAGE_TOKENS >= 16
    assert PRICES.at_most(messages, 100) == pytest.approx((6 + 3 + 2 * MESSAGE_TOKENS + 10 * 100) / 1e6)


def test_a_reply_costs_its_tokens_and_its_upper_bound_where_they_are_not_counted():
    budget = Budget(PRICES, None, 0.0)
    assert budget.usd(reply(100, 20), 9.0) == pytest.approx((100 + 200) / 1e6)
    assert budget.usd(reply(0, 0), 9.0) == 0.0
    assert [budget.usd(answer, 9.0) for answer in (reply(None, 20), reply(100, None), reply(None, None))] == [9.0] * 3
    assert Budget(None, None, 0.0).usd(reply(100, 20), 9.0) is None


def test_an_estimate_takes_the_mean_of_the_replies_that_say_their_tokens():
    records = [
        {"num_prompt_tokens": 100, "num_generated_tokens": 20},
        {"num_prompt_tokens": 300, "num_generated_tokens": 40},
    ]
    assert PRICES.estimate(7, [*records, {"num_prompt_tokens": 5}, {}]) == pytest.approx(7 * (200 + 300) / 1e6)
    assert PRICES.estimate(7, [{}]) == PRICES.estimate(7, []) == pytest.approx(7 * (600 + 1800) / 1e6)


def test_the_limit_itself_may_be_spent():
    budget = Budget(PRICES, limit=1.0, spent=0.75)
    assert budget.fits(0.25) and not budget.fits(0.2500001)
    assert Budget(PRICES, None, 1e9).fits(1e9)


def test_costs_add_up():
    records = [
        {"num_prompt_tokens": 1, "num_generated_tokens": 2, "usd": 0.5},
        {"usd": None},
        {"num_prompt_tokens": 3, "usd": 0.25},
    ]
    assert cost(records) == {"calls": 3, "num_prompt_tokens": 4, "num_generated_tokens": 2, "usd": 0.75}
