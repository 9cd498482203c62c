"""What all questions to a self-hosted judge begin with, its long instructions, is computed once."""

from collections.abc import Iterable
from itertools import islice

from openmath.client.completion import Endpoint
from openmath.engines.llamacpp_slots import has_slots, share_beginning
from openmath.generation.lengths import common_tokens
from openmath.generation.prompts import LlamaCppTokenizer, token_ids

SOME = 1000  # conversations; what these share, more of them share too, or nearly so


def share_instructions(judge: Endpoint, conversations: Iterable[list[dict]]) -> None:
    """Let each slot of llama.cpp hold the common beginning of the conversations. Other engines look for it themselves."""
    if not has_slots(judge) or len(some := list(islice(conversations, SOME))) < 2:
        return
    tokenizer = LlamaCppTokenizer(judge.base_url, judge.api_key)
    # The first and the last by order share what all share.
    ends = [token_ids(tokenizer, "chat", end(some, key=str)) for end in (min, max)]
    share_beginning(judge, ends[0][: common_tokens(ends)])
