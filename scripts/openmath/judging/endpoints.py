"""Who answers for a judge: the key of a hosted one, the identity of one that is replayed."""

from pathlib import Path

from openmath.api_keys import read_key
from openmath.errors import InputError
from openmath.judging.store import VerdictStore


def check_judge_key(api_key_env: str | None) -> str:
    """The API key, or 'none' for an endpoint without one. Raises InputError where the variable holds none."""
    key = read_key(api_key_env, what="The judge's API key")
    if key is None:
        raise InputError(
            "The judge's API key is not set.",
            expected=f"the environment variable {api_key_env}",
            hint=f"export {api_key_env}=..., or `replay: true` where every verdict is in the store, or a self-hosted judge.",
        )
    return key


def replayed_identity(store: VerdictStore, folder: Path, prompt: dict, sampling: dict) -> object:
    """The identity of the one judge in the store with this prompt and sampling: replaying needs no engine."""
    fitting = [d["identity"] for d in store.described.values() if (d["prompt"], d["sampling"]) == (prompt, sampling)]
    if len(fitting) != 1:
        raise InputError(
            "The store does not say which engine is replayed.",
            where=folder,
            expected="verdicts of one engine under this prompt, token limit and policy",
            found=f"{len(fitting)} engines" + "".join(f"\n    {identity}" for identity in fitting),
            hint="import the verdicts, or judge without replay (the engine has to be there then).",
        )
    return fitting[0]
