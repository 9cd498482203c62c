"""Which new problems repeat a test problem, by a judge's verdicts on pairs (similar.py) or by their similarity alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from openmath.dataset.similar import ORDERS

MOST_EXAMPLES = 5  # of each benchmark


@dataclass
class Findings:
    """contaminated: id of a new problem -> the row that says so. benchmarks: name -> new problems that repeat one of it.

    pairs: compared; unparsed: verdicts that nobody could read; such a pair counts as different only if the other order says so.
    undecided: new problems with an unreadable verdict and none that says yes; they stay. examples: of each benchmark.
    """

    contaminated: dict[str, dict] = field(default_factory=dict)
    benchmarks: dict[str, set[str]] = field(default_factory=dict)
    pairs: int = 0
    unparsed: int = 0
    undecided: set[str] = field(default_factory=set)
    examples: dict[str, list[list[str]]] = field(default_factory=dict)

    def counts(self) -> dict:
        """As JSON."""
        return {
            "contaminated": len(self.contaminated),
            "by_benchmark": {name: len(ids) for name, ids in self.benchmarks.items()},
            "pairs": self.pairs,
            "unparsed": self.unparsed,
            "undecided": len(self.undecided),
            "examples": self.examples,
        }


def findings(rows: Iterable[dict], similarity: float | None, benchmarks: Iterable[str]) -> Findings:
    """rows: similar.questions, judged unless a similarity is given; from it on a pair is the same problem."""
    found = Findings(benchmarks={name: set() for name in benchmarks})
    for row in rows:
        found.pairs += row["order"] == ORDERS[0]
        verdict = (
            "yes" if similarity is not None and row["similarity"] >= similarity else row.get("judge_verdict", "no")
        )
        if verdict == "unparsed":
            found.unparsed += 1
            found.undecided.add(row["new"])
        elif verdict == "yes":
            found.contaminated.setdefault(row["new"], row)
            ids = found.benchmarks[row["benchmark"]]
            if row["new"] not in ids:
                ids.add(row["new"])
                examples = found.examples.setdefault(row["benchmark"], [])
                pair = [row["predicted_answer"], row["expected_answer"]]
                if len(examples) < MOST_EXAMPLES:
                    examples.append(pair if row["order"] == ORDERS[0] else pair[::-1])
    found.undecided -= found.contaminated.keys()
    return found
