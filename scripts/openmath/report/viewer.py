"""Sample viewer: problems, generations, votes and verdicts, as one section of the report that works offline.

Generations are hostile text. They never meet HTML here: everything that comes from data travels as gzip blocks in base64,
which the page inflates when it needs them and shows as text nodes. Blocks: `sets` (what there is), `index/N` and
`problems/N/index` for list and filters, `problems/N/M` and `texts/N/M` for what one problem shows, BLOCK problems each.
"""

import base64
import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from openmath.answers import as_text
from openmath.errors import InputError
from openmath.files.fast_rows import read_rows, read_rows_at
from openmath.files.rows import check_ids, encode_row
from openmath.files.sample_rows import id_of, without_text
from openmath.grading.kept import KeptGrades, find_kept
from openmath.report.section import Section
from openmath.results.grades import Graded, read_grades
from openmath.statistics.votes import NONE, Ballots, majority
from openmath.thoughts import thought_and_answer

ASSETS = Path(__file__).parent / "assets"
KATEX = ASSETS / "katex"
SCRIPTS = (KATEX / "katex.min.js", ASSETS / "viewer_text.js", ASSETS / "viewer.js")
BLOCK = 100  # problems a block: one is inflated in a few milliseconds
MAX_TEXT = 40_000  # characters shown of one text, its head and its tail: ten times the longest useful solution
MAX_SET = 50_000_000  # characters shown of all samples of one set: 20 MB of page
SNIPPET = 160  # characters of a problem in the list
MAX_CANDIDATES = 8  # bars of a vote; the rest is counted
TAGS = ("level", "type", "subject", "difficulty", "domain", "source")  # upstream's columns worth showing
# Flags of an answer; viewer.js has the same.
CORRECT, TRUNCATED, NO_ANSWER, DISAGREE, REFUSED, UNFINISHED = 1, 2, 4, 8, 16, 32


@dataclass
class SampleSet:
    """One model on one benchmark.

    problems: rows with id, problem and expected_answer, as sample files have them. grades: grades.parquet.
    samples: sample run -> file. judged: judge -> mode (greedy | majority) -> judged file.
    details: the prepared benchmark, for solutions, levels and subjects.
    """

    model: str
    benchmark: str
    problems: Path
    grades: Path
    samples: dict[str, Path]
    judged: dict[str, dict[str, Path]] = field(default_factory=dict)
    details: Path | None = None

    def sample_file(self, run: str) -> Path:
        if run not in self.samples:
            raise InputError(
                "A sample file of these grades is missing.",
                where=self.grades,
                expected=f"output-{run}.jsonl beside {next(iter(self.samples.values()))}",
                hint="restore it, or grade the files that are left.",
            )
        return self.samples[run]

    @cached_property
    def _kept(self) -> KeptGrades | None:
        return find_kept(self.grades)

    def rows(self, run: str, numbers: list[int]) -> Iterator[tuple[int, dict]]:
        """(number, row) of these rows, ascending, of a sample file; only they are read where the grader has kept their places."""
        path = self.sample_file(run)
        kept = self._kept.read([run]) if self._kept and self._kept.unchanged({run: path}) else None
        if kept is not None:
            return zip(numbers, read_rows_at(path, kept["row_start"].take(numbers).to_pylist()), strict=True)
        wanted = set(numbers)
        return ((number, row) for number, row in enumerate(read_rows(path)) if number in wanted)


def samples_section(sets: Iterable[SampleSet], policy: str = "default") -> Section:
    """The viewer over all `sets`, in their order. policy: how votes were counted, `default` or `paper`."""
    blocks, listed = [], []
    known: dict = {}
    for number, sample_set in enumerate(sets):
        problems = read_problems(sample_set.problems, sample_set.details)
        index = {
            "ids": [problem["id"] for problem in problems],
            "snippets": [" ".join(problem["problem"][:SNIPPET].split()) for problem in problems],
        }
        packed = [pack(block) for block in batches(problems)]
        new = tuple(packed) not in known
        place = known.setdefault(tuple(packed), len(known))  # models share the problems of a benchmark
        if new:
            blocks.append((f"problems/{place}/index", pack(index)))
            blocks += [(f"problems/{place}/{n}", block) for n, block in enumerate(packed)]
        modes, votes = read_shown(sample_set, index["ids"], policy)
        shown = {name: {mode: getattr(part, name) for mode, part in modes.items()} for name in ("flags", "answers")}
        texts = [
            {mode: part.samples[n] for mode, part in modes.items()} | ({"votes": votes[n]} if votes else {})
            for n in range(len(problems))
        ]
        blocks.append((f"index/{number}", pack(shown)))
        blocks += [(f"texts/{number}/{n}", pack(block)) for n, block in enumerate(batches(texts))]
        listed.append({"model": sample_set.model, "benchmark": sample_set.benchmark, "problems": place})
    blocks.insert(0, ("sets", pack({"sets": listed, "block": BLOCK})))
    data = "\n".join(f'<script type="text/plain" data-block="{name}">{text}</script>' for name, text in blocks)
    return Section(
        anchor="samples",
        title="Samples",
        html=(ASSETS / "viewer.html").read_text() + data,
        styles=katex_styles() + (ASSETS / "viewer.css").read_text(),
        scripts=tuple(path.read_text() for path in SCRIPTS),
    )


def pack(value: Any) -> str:
    """JSON, gzip, base64. Lone surrogates become U+FFFD; the same value gives the same text."""
    return base64.b64encode(gzip.compress(encode_row(value), mtime=0)).decode()


def batches(rows: list) -> Iterator[list]:
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))


def read_problems(path: Path, details: Path | None) -> list[dict]:
    """id, problem, expected, solution, tags of each problem."""
    more = {str(row["id"]): row for row in read_rows(details)} if details else {}
    rows = (more.get(str(row.get("id")), {}) | row for row in read_rows(path))
    return [
        {
            "id": id_of(row, number),
            "problem": cut(row.get("problem")) or "",
            "expected": cut(as_text(row.get("expected_answer"))),
            "solution": cut(row.get("reference_solution")),
            "tags": [f"{tag}: {row[tag]}"[:80] for tag in TAGS if isinstance(row.get(tag), str | int | float)],
        }
        for number, row in enumerate(rows)
    ]


class LongText(NamedTuple):
    """A text, or of a long one both ends: not more than MAX_TEXT characters are ever shown. length: of the whole."""

    head: str
    tail: str
    length: int

    @staticmethod
    def of(text: str) -> "LongText":
        if len(text) <= MAX_TEXT:
            return LongText(text, text, len(text))
        return LongText(text[: MAX_TEXT // 2], text[-(MAX_TEXT // 2) :], len(text))

    def shown(self, most: int = MAX_TEXT) -> str:
        """The text in at most so many characters; what is left out in its middle, where no answer stands, is said."""
        if self.length <= most:
            return self.head
        half = most // 2
        return f"{self.head[:half]}\n[... {self.length - 2 * half:,} characters left out ...]\n{self.tail[-half:]}"


def cut(value: object) -> str | None:
    """A text of bounded length; what is left out is said."""
    return None if value is None else LongText.of(str(value)).shown()


def fitted(samples: list[dict]) -> list[dict]:
    """Samples with their LongTexts as text: the longest are cut to the length under which all of a set fit into MAX_SET."""
    lengths = np.sort([text.length for sample in samples for text in sample.values() if isinstance(text, LongText)])
    before = np.cumsum(lengths) - lengths  # characters of all that are shorter
    left = np.arange(len(lengths), 0, -1)
    over = before + lengths * left > MAX_SET  # were this one, and all that are longer, cut to its length
    most = int((MAX_SET - before[over][0]) // left[over][0]) if over.any() else MAX_TEXT
    return [
        {
            key: value.shown(min(most, MAX_TEXT)) if isinstance(value, LongText) else value
            for key, value in sample.items()
        }
        for sample in samples
    ]


@dataclass
class Shown:
    """What the viewer shows of one mode, of each problem (N,): flags, the answer, and the sample that gave it as `texts` has it."""

    flags: list[int]
    answers: list[str | None]
    samples: list[dict]


def read_shown(sample_set: SampleSet, ids: list[str], policy: str) -> tuple[dict[str, Shown], list[dict] | None]:
    """(mode -> what is shown of it, the votes on each problem; None without sampled runs)."""
    graded = read_grades(sample_set.grades)
    check_ids(graded.ids, ids, where=sample_set.grades, expected_from=sample_set.problems)
    modes: dict[str, Shown] = {}
    votes = None
    if "greedy" in graded.runs:
        modes["greedy"] = shown_samples("greedy", graded.select(["greedy"]), np.zeros(len(ids), int), sample_set)
    if seeds := [run for run in graded.runs if run != "greedy"]:
        sampled = graded.select(seeds)
        ballots = sampled.ballots(policy)
        vote = majority(ballots, policy)
        # Where nobody answered, the first sample shows why.
        run = np.where(vote.run == NONE, 0, vote.run)
        modes["majority"] = shown_samples("majority", sampled, run, sample_set)
        votes = [votes_of(number, sampled, ballots, bool(vote.tied[number])) for number in range(len(ids))]
    samples = iter(fitted([sample for part in modes.values() for sample in part.samples]))
    for part in modes.values():
        part.samples = list(islice(samples, len(ids)))
    return modes, votes


def shown_samples(mode: str, graded: Graded, run: np.ndarray, sample_set: SampleSet) -> Shown:
    """Of each problem the sample `run[problem]` (N,) of `graded`, with its text and the verdicts on it."""
    problems = np.arange(len(run))
    flags = graded.correct[problems, run] * CORRECT + (graded.answers[problems, run] == NONE) * NO_ANSWER
    for flag, marked in ((TRUNCATED, graded.truncated), (REFUSED, graded.refused), (UNFINISHED, graded.unfinished)):
        if marked is not None:
            flags = flags + marked[problems, run] * flag
    samples = [{"run": graded.runs[column], "text": None, "judged": []} for column in run]
    for column in np.unique(run):
        for number, row in sample_set.rows(graded.runs[column], np.flatnonzero(run == column).tolist()):
            samples[number] |= shown_text(row)
            if "refusal" in row:
                samples[number]["refusal"] = cut(row["refusal"])
    for judge, files in sample_set.judged.items():
        if mode in files:
            rows = list(map(without_text, read_rows(files[mode])))
            judged_ids = [id_of(row, number) for number, row in enumerate(rows)]
            check_ids(judged_ids, graded.ids, where=files[mode], expected_from=sample_set.grades)
            for number, row in enumerate(rows):
                verdict, reply = row.get("judge_verdict"), cut(row.get("judgement") or row.get("judge_refusal"))
                samples[number]["judged"].append([judge, verdict, reply, row.get("judge_prefilled")])
                differs = verdict == "unparsed" or (verdict == "yes") != bool(flags[number] & CORRECT)
                flags[number] |= DISAGREE * differs
    answers = [cut(graded.answer_of(number, int(run[number]))) for number in range(len(run))]
    return Shown(flags.tolist(), answers, samples)


def shown_text(row: dict) -> dict:
    """Text and tokens of a sample; where it has a thought, that apart. text: None where the row has no generation."""
    text = row.get("generation")
    shown = {"text": None if text is None else LongText.of(str(text)), "tokens": row.get("num_generated_tokens")}
    thought, answer = thought_and_answer(row)
    if thought:
        shown |= {"thought": LongText.of(thought), "text": LongText.of(answer)}
        shown |= {"thought_tokens": count} if (count := row.get("num_reasoning_tokens")) else {}
    return shown


def votes_of(number: int, sampled: Graded, ballots: Ballots, tied: bool) -> dict:
    """The votes on one problem, most first. candidates: [answer, votes, share graded correct]; others: [how many, votes]."""
    entries = np.arange(*np.searchsorted(ballots.problem, [number, number + 1]))
    entries = entries[np.argsort(-ballots.votes[entries], kind="stable")]
    top, rest = entries[:MAX_CANDIDATES], entries[MAX_CANDIDATES:]
    return {
        "total": ballots.runs,
        "tied": tied,
        "candidates": [
            [cut(sampled.answer_of(number, ballots.first_run[e])), int(ballots.votes[e]), float(ballots.correct[e])]
            for e in top
        ],
        "others": [len(rest), int(ballots.votes[rest].sum())],
        "unanswered": int(ballots.runs - ballots.votes[entries].sum()),
    }


@cache
def katex_styles() -> str:
    """KaTeX's style sheet with its woff2 fonts inside; older formats are left out."""
    css = (KATEX / "katex.min.css").read_text()
    css = re.sub(r',url\(fonts/[^)]+\.(?:woff|ttf)\) format\("[a-z]+"\)', "", css)

    def inline(match: re.Match) -> str:
        return f"url(data:font/woff2;base64,{base64.b64encode((KATEX / match[1]).read_bytes()).decode()})"

    return re.sub(r"url\((fonts/[^)]+\.woff2)\)", inline, css)
