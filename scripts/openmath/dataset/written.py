"""What of a sample is the solution or the problem that a teacher was asked for: what stands behind its thought, if it has one."""

from collections.abc import Mapping

from openmath.thoughts import answer_start_of


def written(row: Mapping) -> str:
    """Empty where the thought never ends."""
    text, start = str(row.get("generation") or ""), answer_start_of(row)
    if start is None:
        return ""
    return text[start:].lstrip() if start else text


def written_tokens(row: Mapping) -> int | None:
    """Its tokens, as the engine counts them; None where nobody has counted."""
    tokens, thought = row.get("num_generated_tokens"), row.get("num_reasoning_tokens")
    return tokens if tokens is None else max(0, tokens - (thought or 0))
