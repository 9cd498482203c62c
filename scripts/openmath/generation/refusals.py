"""Questions that cannot be answered: a few are results, many say that the endpoint is wrong.

Refusals are free, so that they are kept only at the end of a job: where there were too many, a mended endpoint is asked all again.
Standard library only: this module also runs inside engine containers.
"""

from collections.abc import Callable

from openmath.client.parameters import NEUTRAL, refused_parameter
from openmath.errors import InputError, printable
from openmath.generation.samples import Job, Refusal

SHOWN = 200  # characters of a server's words


class Refusals:
    """The refusals of one job. total: its samples; known: those of them that were refused before. most: share that may be."""

    def __init__(self, total: int, known: int, most: float):
        self._total, self._known, self._most = total, known, most
        self._new: list[tuple[Job, Refusal]] = []

    def add(self, job: Job, refusal: Refusal) -> None:
        self._new.append((job, refusal))

    def __len__(self) -> int:
        return len(self._new)

    def too_many(self) -> bool:
        """More than the share. In a small job one is no sign of anything, unless `most` is 0 or nothing else came."""
        refused = self._known + len(self._new)
        if not self._most:
            return refused > 0
        return self._most < 1 and (refused > max(1.0, self._most * self._total) or refused == self._total)

    def error(self, where: str) -> InputError:
        """Why the job stops. where: the endpoint."""
        words = self._new[-1][1].words
        return InputError(
            "Too many questions are refused; every finished sample is kept.",
            where=where,
            expected=f"at most {self._most:.1%} of {self._total:,} samples (max_refused)",
            found=f"{self._known + len(self._new):,}, of which {len(self._new):,} now; the last: {words}",
            hint=_hint_of_parameter(refused_parameter(words, NEUTRAL))
            or "so many mean that the endpoint or its settings are wrong: mend them and run the same command again. Where the "
            "questions are to blame, raise generation: max_refused.",
        )

    def keep(self, stage: Callable[[Job, Refusal], None]) -> None:
        """Record all as the outcome of their samples, and say so."""
        for job, refusal in self._new:
            stage(job, refusal)
        if self._new:
            (benchmark, run, row), first = self._new[0]
            words = printable(first.words)[:SHOWN]
            print(
                f"generate: {len(self._new)} of {self._total} samples refused, and recorded as such; "
                f"{benchmark} {run} {row['id']}: {words}",
                flush=True,
            )


def _hint_of_parameter(name: str | None) -> str | None:
    """What to write where the endpoint takes no value but its own."""
    if name is None:
        return None
    unlike = "" if name == "temperature" else "{top_p: 1}, or where it takes no temperature either "
    return (
        f"an endpoint that takes no {name} draws by its own, which is 1. Write models: NAME: sampling: {unlike}"
        "{temperature: 1, top_p: 1} with greedy: false, for a greedy run needs 0. A 1 that is refused too is left out. "
        "These are other samples (docs/extending.md)."
    )
