"""The sample viewer's data beside a page: one folder for each model, which the page reads piece by piece, also from file://.

    FOLDER/sets.json            what there is, for report/viewer.py
    FOLDER/BENCHMARK/NAME.js    one block, as a script: a page may not fetch from file://, but it may run scripts

Blocks are those of sample_blocks.py, and `seeds-G-N`: all samples of a few problems, of the G-th group of sample runs. Samples are
read problem by problem, so that what is in memory does not grow with their number.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from openmath.errors import InputError
from openmath.files.fast_rows import encode_row, read_rows
from openmath.files.json_files import read_json
from openmath.files.rows import check_ids, write_text
from openmath.report.sample_blocks import BLOCK, all_flags, problem_blocks, read_problems, sample_blocks
from openmath.report.sample_sets import SampleSet
from openmath.report.sample_texts import cut, fitted, shown_text
from openmath.results.grades import Graded, read_grades

SETS = "sets.json"
CALL, END = 'openmathSamples("', '");\n'  # around a block's text; base64 holds no quotation mark
GROUP = 64  # sample runs a group: so many files are open at once
CHUNK = 1_000_000  # characters of an average block of seeds
MAX_CHUNK = 4_000_000  # of any: the longest texts are cut


def write_samples(sets: Iterable[SampleSet], folder: Path, policy: str) -> None:
    """FOLDER with all blocks of `sets`, one model's. policy: how votes were counted, `default` or `paper`."""
    entries = [write_set(sample_set, folder / sample_set.benchmark, policy) for sample_set in sets]
    write_text(folder / SETS, json.dumps(entries, indent=1) + "\n")  # last: it says that the rest is there


def read_sets(folder: Path) -> list[dict]:
    """What write_samples has written to a folder."""
    return read_json(folder / SETS, "the list of samples", hint="show_samples.py --output makes it.")


def write_set(sample_set: SampleSet, folder: Path, policy: str) -> dict:
    """One benchmark's blocks; returns its entry in sets.json.

    names: of the blocks that a page may hold itself; characters: of these. problems_sha256: of those blocks that models share.
    seeds: of each group its sample runs, and the problems of a block.
    """
    problems = read_problems(sample_set.problems, sample_set.details)
    graded = read_grades(sample_set.grades)
    ids = [problem["id"] for problem in problems]
    check_ids(graded.ids, ids, where=sample_set.grades, expected_from=sample_set.problems)
    digest = hashlib.sha256()
    names, characters = [], 0
    for name, value in (*problem_blocks(problems), *sample_blocks(sample_set, graded, policy)):
        text = pack(value)
        if name.startswith("problems-"):
            digest.update(text.encode())
        write_block(folder, name, text)
        names.append(name)
        characters += len(text)
    entry = {"model": sample_set.model, "benchmark": sample_set.benchmark, "names": names, "characters": characters}
    return entry | {"problems_sha256": digest.hexdigest(), "seeds": write_seeds(sample_set, graded, folder)}


def write_seeds(sample_set: SampleSet, graded: Graded, folder: Path) -> list[dict]:
    """All samples of each problem; one run alone is shown as the majority's."""
    runs = [run for run in graded.runs if run != "greedy"]
    groups: list[dict] = []
    for start in range(0, len(runs) if len(runs) > 1 else 0, GROUP):
        part = graded.select(runs[start : start + GROUP])
        size = sum(sample_set.sample_file(run).stat().st_size for run in part.runs)
        count = max(1, min(BLOCK, CHUNK * len(part.ids) // max(1, size)))
        chunk: list[list[dict]] = []
        for number, samples in enumerate(problem_samples(sample_set, part)):
            chunk.append(samples)
            if len(chunk) == count or number == len(part.ids) - 1:
                texts = iter(fitted([sample for row in chunk for sample in row], MAX_CHUNK))
                block = [[next(texts) for _ in row] for row in chunk]
                write_block(folder, f"seeds-{len(groups)}-{number // count}", pack(block, level=6))
                chunk = []
        groups.append({"runs": part.runs, "problems": count})
    return groups


def problem_samples(sample_set: SampleSet, graded: Graded) -> Iterator[list[dict]]:
    """The samples of each problem, in the order of the runs; one row of each file in memory."""
    paths = [sample_set.sample_file(run) for run in graded.runs]
    files = [read_rows(path) for path in paths]
    flags = all_flags(graded).tolist()
    for number, identifier in enumerate(graded.ids):
        samples = []
        for run, rows in enumerate(files):
            row = next(rows, None)
            if row is None:
                raise InputError(
                    "A sample file ends before its grades.",
                    where=paths[run],
                    expected=f"{len(graded.ids)} rows, {identifier} next",
                )
            samples.append(
                shown_text(row) | {"flags": flags[number][run], "answer": cut(graded.answer_of(number, run))}
            )
        yield samples


def pack(value: Any, level: int = 9) -> str:
    """JSON, gzip, base64. Lone surrogates become U+FFFD; the same value gives the same text."""
    return base64.b64encode(gzip.compress(encode_row(value), level, mtime=0)).decode()


def write_block(folder: Path, name: str, text: str) -> None:
    write_text(folder / f"{name}.js", CALL + text + END)


def read_block(folder: Path, name: str) -> str:
    """The text of a block, for a page that holds it itself. Raises InputError where it is missing or no block."""
    path = folder / f"{name}.js"
    try:
        text = path.read_text(encoding="utf-8")
        if not (text.startswith(CALL) and text.endswith(END)):
            raise ValueError("not a block")
        base64.b64decode(packed := text[len(CALL) : -len(END)], validate=True)
    except (OSError, ValueError) as error:
        raise InputError("Cannot read a part of the samples.", where=path, found=str(error)) from None
    return packed
