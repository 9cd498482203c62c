"""The front page: how good each model is in one sentence, all of them in one chart, what to be wary of, what a paper needs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup, escape

from openmath.benchmarks.registry import read_registry
from openmath.report import meanings
from openmath.report.gains import after_training
from openmath.report.page import percent, render, with_interval
from openmath.report.section import Section
from openmath.report.summaries import Summary
from openmath.results.cut_short import WARNING

NOISE = {"within": "within noise", "differs": "more than noise", "too small to tell": "too few problems to tell"}
WIDE = 5.0  # points: an interval that reaches further to a side is told
MANY_UNPARSED = 0.05  # of the answers that a judge was asked about
LITTLE_AGREEMENT, ENOUGH = 0.5, 10  # of judge and grader: one of them is wrong on most of so many answers
BACKTICKS = re.compile(r"`([^`]+)`")  # around keys of the configuration


@dataclass(frozen=True)
class Dot:
    """One accuracy of the chart, in percent. published: of the same mode, in percent or as solved/total."""

    kind: str  # greedy | majority
    mode: str
    accuracy: float
    low: float
    high: float
    published: list[tuple[str, float]]

    @property
    def text(self) -> str:
        return f"{self.mode} {self.accuracy:.1f} [{self.low:.1f}, {self.high:.1f}]"


def overview_section(summaries: list[Summary], comparisons: Sequence[Path] = ()) -> Section:
    """Sentences, chart, table, warnings, health of the judges, and the methods to copy. comparisons: as of gains.gains."""
    benchmarks = list(dict.fromkeys(row["benchmark"] for summary in summaries for row in summary.metrics))
    html = render(
        "overview.html",
        sentences=[sentence(summary, comparisons) for summary in summaries],
        warnings=warnings(summaries),
        panels=[(name, problems(summaries, name), panel(summaries, name)) for name in benchmarks],
        published=any(summary.published for summary in summaries),
        sampling=grouped([(line, summary.model) for summary in summaries if (line := sampling_line(summary))]),
        header=["model", "mode", "graded by", *benchmarks],
        rows=[row for summary in summaries for row in accuracy_rows(summary, benchmarks)],
        judges_header=["model", "judge", "answers", "asked", "unparsed", "refused", "agreement"],
        meanings=meanings,
        judges=[judge_health(summary) for summary in summaries if summary.judge != "none"],
        methods=[summary for summary in summaries if summary.methods],
    )
    return Section("overview", "Overview", html)


def grading_of(row: dict) -> str:
    """The judge's numbers where there are any."""
    return "judge" if "accuracy_judge" in row else "symbolic"


def leading_modes(summary: Summary, benchmark: str) -> dict[str, dict]:
    """The rows of greedy and majority of a benchmark, as far as they were made."""
    rows = [row for row in summary.metrics if row["benchmark"] == benchmark]
    found = {row["mode"].partition("@")[0]: row for row in rows}
    return {kind: found[kind] for kind in ("greedy", "majority") if kind in found}


def graded_by(summary: Summary, row: dict) -> str:
    return f"judged by {summary.judge}" if grading_of(row) == "judge" else "graded symbolically"


def sentence(summary: Summary, comparisons: Sequence[Path] = ()) -> Markup:
    """'M solves 67.7 % of math greedily, 76.1 % by majority of 256 (judged by J); 0.3 points below ..., within noise.'

    Of the benchmark with the most problems: it says the most. A trained model is also set beside the one that it started from.
    """
    benchmark = max(summary.metrics, key=lambda row: row["n_items"])["benchmark"]
    modes = leading_modes(summary, benchmark)
    parts: list[str] = []
    for kind, row in modes.items():
        how = "greedily" if kind == "greedy" else f"by majority of {row['n_samples']}"
        of = "" if parts else f" of {benchmark}"
        parts.append(f"{100 * row[f'accuracy_{grading_of(row)}']:.1f} %{of} {how}")
    row = next(iter(modes.values()))
    text = f" solves {', '.join(parts)} ({graded_by(summary, row)}, {row['n_items']:,} problems)"
    text += after_training(summary, row, grading_of(row), comparisons)
    return Markup("<b>{}</b>{}.").format(summary.model, text + beside_published(summary, row))


def beside_published(summary: Summary, row: dict) -> str:
    """'; 0.3 points below the published 68.0 (SET), within noise', of the same grading where the sets have it; or nothing."""
    same = [
        published
        for published in summary.published
        if (published["benchmark"], published["mode"]) == (row["benchmark"], row["mode"])
    ]
    same.sort(key=lambda published: published["grading"] != grading_of(row))
    if not same:
        return ""
    first = same[0]
    points = first["ours"] - first["published"]
    distance = f"{abs(points):.1f} points {'above' if points > 0 else 'below'}" if round(points, 1) else "equal to"
    return f"; {distance} the published {first['published_text']} ({first['set']}), {NOISE[first['verdict']]}"


def panel(summaries: list[Summary], benchmark: str) -> list[tuple[Summary, list[Dot]]]:
    """The dots of each model and judge on a benchmark."""
    rows = []
    for summary in summaries:
        dots = [dot(summary, kind, row) for kind, row in leading_modes(summary, benchmark).items()]
        rows += [(summary, dots)] if dots else []
    return rows


def problems(summaries: list[Summary], benchmark: str) -> str:
    """'5,000', or '12 to 60' where the models were asked different numbers of problems."""
    counts = sorted(
        {row["n_items"] for summary in summaries for row in summary.metrics if row["benchmark"] == benchmark}
    )
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"


def dot(summary: Summary, kind: str, row: dict) -> Dot:
    grading = grading_of(row)
    accuracy, low, high = (100 * row[f"{name}_{grading}"] for name in ("accuracy", "ci95_low", "ci95_high"))
    published = [
        (f"{theirs['published_text']} by {theirs['set']}", theirs["published"])
        for theirs in summary.published
        if (theirs["benchmark"], theirs["mode"], theirs["grading"]) == (row["benchmark"], row["mode"], grading)
    ]
    return Dot(kind, row["mode"], accuracy, low, high, published)


def accuracy_rows(summary: Summary, benchmarks: list[str]) -> list[list]:
    """Greedy and majority, one column per benchmark."""
    cells: dict[tuple[str, str], dict[str, Markup | str]] = {}
    for benchmark in benchmarks:
        for row in leading_modes(summary, benchmark).values():
            graded = summary.judge if grading_of(row) == "judge" else "symbolic"
            cells.setdefault((row["mode"], graded), {})[benchmark] = accuracy(row, grading_of(row))
    return [[summary.model, *key, *(found.get(name, "") for name in benchmarks)] for key, found in cells.items()]


def accuracy(row: dict, grading: str) -> Markup | str:
    """Accuracy of a row of the metrics with its interval; '' where this grading was not made."""
    if f"accuracy_{grading}" not in row:
        return ""
    return with_interval(row[f"accuracy_{grading}"], row[f"ci95_low_{grading}"], row[f"ci95_high_{grading}"])


def warnings(summaries: list[Summary]) -> list[Markup]:
    """What a reader of the numbers has to know first: of the benchmarks, of all models alike, then of each model in one line."""
    benchmarks = list(dict.fromkeys(row["benchmark"] for summary in summaries for row in summary.metrics))
    lines = [Markup("{}").format(text) for name in benchmarks if (text := few_problems(summaries, name))]
    partial = [partial_benchmarks(summary) for summary in summaries]
    alike = [text for text in partial[0] if len(partial) > 1 and all(text in found for found in partial)]
    lines += [Markup("<b>All models</b>: {}.").format("; ".join(alike))] if alike else []
    for summary, parts in zip(summaries, partial, strict=True):
        alone = [text for text in parts if text not in alike]
        found = [*alone, *below_tables(summary), *judge_warnings(summary)]
        lines += [Markup("<b>{}</b>: {}.").format(summary.title, code_marked("; ".join(found)))] if found else []
    return lines


def few_problems(summaries: list[Summary], benchmark: str) -> str:
    dots = [one for _, of_model in panel(summaries, benchmark) for one in of_model]
    reach = max(max(one.high - one.accuracy, one.accuracy - one.low) for one in dots)
    few = (
        f"{benchmark} has only {problems(summaries, benchmark)} problems: intervals reach {reach:.0f} points to a side."
    )
    return few if reach > WIDE else ""


def partial_benchmarks(summary: Summary) -> list[str]:
    known, registry = (summary.manifest or {}).get("benchmarks", {}), read_registry()
    found = []
    for name, asked in {row["benchmark"]: row["n_items"] for row in summary.metrics}.items():
        prepared, registered = known.get(name, {}), registry.get(name, {})  # imported samples come without the first
        whole = prepared.get("registered_rows") or prepared.get("rows") or registered.get("rows") or asked
        if asked < whole:
            found.append(f"{asked:,} of the {whole:,} problems of {name} only")
    return found


def below_tables(summary: Summary) -> list[str]:
    """What summarize_results.py warns of: samples cut short, runs that are copies."""
    lines = summary.tables.splitlines()
    return [line.removeprefix(WARNING).rstrip(".") for line in lines if line.startswith(WARNING)]


def code_marked(text: str) -> Markup:
    """A sentence, with what stands between backticks as code."""
    return Markup(BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))


def judge_warnings(summary: Summary) -> list[str]:
    found = []
    configured = (summary.manifest or {}).get("config", {}).get("judges", {}).get(summary.judge, {})
    if configured.get("self_hosted") == summary.model:
        found.append("the judge is the model itself")
    asked, unparsed, refused, agreement = judge_counts(summary)
    if asked and unparsed > MANY_UNPARSED * asked:
        found.append(
            f"{summary.judge} said neither yes nor no to {unparsed:,} of {asked:,} answers, which count as wrong"
        )
    if agreement is not None and agreement < LITTLE_AGREEMENT and asked - unparsed >= ENOUGH:
        found.append(
            f"{summary.judge} and the symbolic grading agree on only {agreement:.0%} of the answers that it was asked about: "
            "look at those on which they differ"
        )
    if refused:
        found.append(
            f"{refused:,} questions were refused by the service of {summary.judge}, their answers count as wrong"
        )
    return found


def judge_counts(summary: Summary) -> tuple[int, int, int, float | None]:
    """Asked, of these unparsed, of these refused, and the agreement over answers that were asked about and have a verdict."""
    asked = unparsed = refused = compared = 0
    agreeing = 0.0
    for row in summary.metrics:
        if row.get("asked") is None:
            continue
        without = round(row["unparsed"] * row["n_items"])
        asked, unparsed, refused = asked + row["asked"], unparsed + without, refused + (row["judge_refused"] or 0)
        if row.get("agreement_asked") is not None:
            compared += row["asked"] - without
            agreeing += row["agreement_asked"] * (row["asked"] - without)
    return asked, unparsed, refused, agreeing / compared if compared else None


def judge_health(summary: Summary) -> list:
    """A row of the table of judges; over all benchmarks, greedy and majority."""
    asked, unparsed, refused, agreement = judge_counts(summary)
    answers = sum(row["n_items"] for row in summary.metrics if "judge_words" in row)
    return [summary.model, summary.judge, *(f"{n:,}" for n in (answers, asked, unparsed, refused)), percent(agreement)]


def grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Line -> the models that it is about, each once."""
    found: dict[str, list[str]] = {}
    for line, model in pairs:
        if model not in found.setdefault(line, []):
            found[line].append(model)
    return found


def sampling_line(summary: Summary) -> str:
    """'greedy and 256 samples at temperature 0.7, top-p 0.95, at most 2,048 tokens'; '' for imported samples."""
    settings = (summary.manifest or {}).get("generation") or {}
    found = settings.get("settings") or []
    if not found:
        return ""
    sampling, runs = found[0]["settings"], next(iter(found[0]["files"].values()))
    samples = sum(run != "greedy" for run in runs)
    drawn = f"{samples} samples at temperature {sampling['temperature']:g}, top-p {sampling['top_p']:g}"
    parts = ["greedy"] * ("greedy" in runs) + [drawn] * (samples > 0)
    return f"{' and '.join(parts)}; at most {sampling['max_new_tokens']:,} tokens an answer"


def masthead(summaries: list[Summary]) -> str:
    """'30 November 2026, openmath-evaluation 0.1.0, commit 0123abcd': of the newest job behind the numbers; or ''."""
    manifests = [summary.manifest for summary in summaries if summary.manifest]
    if not manifests:
        return ""
    started = [job["started"] for manifest in manifests for job in manifest.get("times", {}).get("generation", [])]
    code = manifests[0]["workflow"]
    version = code["version"] or (code["commit"] or code["code"])[:12]
    day = [f"{datetime.fromtimestamp(max(started), UTC):%-d %B %Y}"] if started else []
    return ", ".join([*day, f"openmath-evaluation {version}"])
