"""lm-evaluation-harness, `--log_samples`: samples_{task}_{time}.jsonl, a row for each problem and filter, with all its repeats."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from openmath.errors import InputError
from openmath.foreign.found import GREEDY, Found, Source
from openmath.foreign.reading import first_row, foreign_rows
from openmath.foreign.texts import PROBLEM_NAMES, REFERENCE_NAMES, answer_keys, named, reference_text

TOOL = "lm-evaluation-harness"
FILE = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl(?:\.gz|\.zst)?")
RESULTS = re.compile(r"results(?:_\d{4}-\d\d-\d\dT[\d.:-]+)?\.json")
NO_ANSWER = "[invalid]"  # what its filters say


def claim(files: list[Path], found: Found) -> list[Path]:
    """Add what is of this tool; returns the other files."""
    others = []
    for path in files:
        match = FILE.fullmatch(path.name)
        if match:
            row = first_row(path)
            if not isinstance(row.get("doc"), dict) or "resps" not in row:
                found.skip("of lm-evaluation-harness's name, but without `doc` and `resps`", path)
                continue
            home, settings = path.resolve().parent, sampling_of(row)
            rows = partial(_rows, path, greedy=not settings)
            started = match["time"] or ""
            found.sources.append(Source(TOOL, home.name, str(home), match["task"], (path,), rows, settings, started))
        elif RESULTS.fullmatch(path.name):
            found.skip("tables of lm-evaluation-harness and lighteval: the samples are counted anew", path)
        else:
            others.append(path)
    return others


def sampling_of(row: dict) -> str:
    """The sampling of a row as text; "" where it is greedy, as it is unless `do_sample` or a temperature is set."""
    for _, settings in _requests(row):
        if isinstance(settings, dict) and settings.get("do_sample", True):
            temperature = settings.get("temperature")
            if isinstance(temperature, int | float) and temperature > 0:
                return f"temperature {temperature}, top_p {settings.get('top_p')}, top_k {settings.get('top_k')}"
    return ""


def _requests(row: dict) -> list[tuple[object, object]]:
    """(prompt, settings) of each request that a row stands for; at least one, of None where it does not say."""
    arguments = row.get("arguments")
    parts = (
        list(arguments.values()) if isinstance(arguments, dict) else arguments if isinstance(arguments, list) else []
    )
    found: list[tuple[object, object]] = [
        (part.get("arg_0"), part.get("arg_1")) for part in parts if isinstance(part, dict)
    ]
    found += [(part[0], part[1]) for part in parts if isinstance(part, list) and len(part) == 2]
    return found or [(None, None)]


def _rows(path: Path, *, greedy: bool) -> Iterator[tuple[int | None, dict]]:
    """Each document once, whatever filters it went through; its repeats are the runs, also where they are greedy."""
    seen: set[object] = set()
    for number, row in enumerate(foreign_rows(path), start=1):
        doc, texts = row.get("doc"), _texts(row.get("resps"))
        if not isinstance(doc, dict) or texts is None:
            raise InputError(
                "This is not a row of generated samples.",
                where=f"{path}:{number}",
                expected="`doc`, an object, and `resps`, a list of texts for each request",
                found=f"resps {row.get('resps')!r:.80}",
                hint="tasks that compare likelihoods have no text to grade: move the file away.",
            )
        doc_id = row.get("doc_id", number)
        document = doc_id if isinstance(doc_id, str | int) else str(doc_id)
        if row.get("filter") is not None:
            if document in seen:
                continue
            seen.add(document)
        filtered = row.get("filtered_resps")
        first = filtered[0] if isinstance(filtered, list) and filtered else filtered
        taken = first if isinstance(first, list) else filtered if isinstance(filtered, list) else [filtered]
        problem = named(doc, PROBLEM_NAMES)
        said = {"id": document, "problem": problem if isinstance(problem, str) else _requests(row)[0][0]}
        reference = reference_text(row.get("target"))
        said["expected_answer"] = reference_text(named(doc, REFERENCE_NAMES)) if reference is None else reference
        for run, text in enumerate(texts):
            theirs = taken[run] if run < len(taken) and taken[run] != NO_ANSWER else None
            yield (
                GREEDY if greedy and len(texts) == 1 else run,
                said | {"generation": text} | answer_keys(text, theirs if isinstance(theirs, str) else None),
            )


def _texts(responses: object) -> list[str] | None:
    """The repeats of the one request of a row; None where they are none."""
    first = responses[0] if isinstance(responses, list) and responses else None
    if isinstance(first, str):  # older versions
        first = responses
    return first if isinstance(first, list) and first and all(isinstance(text, str) for text in first) else None
