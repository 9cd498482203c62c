"""Who answers, by the words of a server that is not ours: a sample run holds answers of one model, also over restarts.

A name that is not the one asked for proves nothing (deployments and local servers are named at will): a warning. Another
`system_fingerprint` is another build of the same model: a warning. Two models in one sample run stop the job.
Standard library only: this module also runs inside engine containers.
"""

import re
from collections.abc import Mapping

from openmath.client.replies import Completion
from openmath.errors import InputError, printable
from openmath.generation.staging import StagedRun

# What an alias gets when it is resolved: gpt-4o-2024-08-06, claude-sonnet-4-20250514, gemini-1.5-pro-002.
SNAPSHOT = re.compile(r"[-@:](\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{3,8})$")


def same_model(one: str, other: str) -> bool:
    """Whether two names may mean one model: equal but for the publisher before it, or one is an alias of the other's snapshot."""
    names = [name.casefold().rpartition("/")[2].removesuffix("-latest") for name in (one, other)]
    aliases = [SNAPSHOT.sub("", name) for name in names]
    return names[0] == names[1] or (aliases[0] == aliases[1] and any(map(str.__eq__, names, aliases)))


class ServedModels:
    """The models behind the sample runs of a job. asked: the name in each request; staged: the runs."""

    def __init__(self, asked: str, staged: Mapping[tuple[str, str], StagedRun]):
        self._asked, self._staged = asked, staged
        self._warned: set[str] = set()

    def conflict(self, benchmark: str, run: str, answer: Completion) -> str | None:
        """The model that has answered this run before, where it is certainly another one than that of `answer`. Prints warnings."""
        known = self._staged[benchmark, run].answered_by
        if answer.model:
            for model, _ in known:
                if model and not same_model(model, answer.model):
                    return model
            if not same_model(self._asked, answer.model):
                self._warn("name", f"asked for {self._asked!r}, the endpoint says that {answer.model!r} answers")
        for _, build in known:
            if build and answer.system_fingerprint and build != answer.system_fingerprint:
                words = f"system_fingerprint {build!r} became {answer.system_fingerprint!r}"
                self._warn("build", f"{words}: the same model may answer otherwise")
        return None

    def _warn(self, about: str, words: str) -> None:
        if about not in self._warned:
            self._warned.add(about)
            print(f"generate: warning: {printable(words)}; each row names who answered it", flush=True)


def two_models(where: str, first: str, second: str) -> InputError:
    """The job stops before a sample run holds answers of two models."""
    return InputError(
        "The endpoint answers with another model than before; every finished sample is kept.",
        where=where,
        expected=f"{first!r}, which has answered a part of this sample run",
        found=repr(second),
        hint="have the first model served again and run the same command again. To evaluate the second, give it an entry "
        "of its own under models; where an alias has moved on, name the dated snapshot as served_model.",
    )
