"""Which new problems repeat a test problem, by a judge's verdicts on pairs (similar.py) or by their similarity alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from textwrap import indent

from openmath.dataset.similar import ORDERS
from openmath.files.text_tables import markdown_table

MOST_EXAMPLES = 5  # of each benchmark


@dataclass
class Findings:
    """contaminated: id of a new problem -> the row that says so. benchmarks: name -> new problems that repeat one of it.
    repeated: name -> its problems that are repeated.

    pairs: compared; unparsed: verdicts that nobody could read; such a pair counts as different only if the other order says so.
    undecided: new problems with an unreadable verdict and none that says yes; they stay. examples: of each benchmark.
    """

    contaminated: dict[str, dict] = field(default_factory=dict)
    benchmarks: dict[str, set[str]] = field(default_factory=dict)
    repeated: dict[str, set[str]] = field(default_factory=dict)
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
    names = list(benchmarks)
    found = Findings(benchmarks={name: set() for name in names}, repeated={name: set() for name in names})
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
            found.repeated[row["benchmark"]].add(row["test"])
            ids = found.benchmarks[row["benchmark"]]
            if row["new"] not in ids:
                ids.add(row["new"])
                examples = found.examples.setdefault(row["benchmark"], [])
                pair = [row["predicted_answer"], row["expected_answer"]]
                if len(examples) < MOST_EXAMPLES:
                    examples.append(pair if row["order"] == ORDERS[0] else pair[::-1])
    found.undecided -= found.contaminated.keys()
    return found


def report(found: Findings, problems: int, similarity: float | None) -> str:
    """Markdown for people. problems: compared; similarity: as findings() had it."""
    decided = "a judge's verdict in either order" if similarity is None else f"a cosine of at least {similarity:g}"
    lines = [
        {
            "benchmark": name,
            "problems of the set that repeat one": f"{len(ids):,}",
            "its problems that are repeated": f"{len(found.repeated[name]):,}",
        }
        for name, ids in found.benchmarks.items()
    ]
    doubt = f"{found.unparsed:,} verdicts could not be read; {len(found.undecided):,} problems count as different in spite of one."
    examples = "".join(
        f"\n## {name}, examples\n"
        + "".join(f"\nIn the set:\n\n{_code(new)}\nTest problem:\n\n{_code(test)}" for new, test in pairs)
        for name, pairs in found.examples.items()
    )
    return f"""# Paraphrases

{problems:,} different problems of the set were compared with near test problems, in {found.pairs:,} pairs; {decided} decided.
{len(found.contaminated):,} of them repeat a test problem.

{markdown_table(lines)}
{doubt}
{examples}"""


def _code(text: str) -> str:
    """As Markdown shows it letter by letter, whatever it holds."""
    return indent(text.strip() or "(empty)", "    ", lambda line: True) + "\n"
