"""lighteval, `--save-details`: details/{model}/{time}/details_{task}_{time}.parquet, with columns `doc` and `model_response` (from
0.11 on), or `full_prompt`, `predictions`, `gold`, as lists or as their Python spelling. Several texts of a row are its runs.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from openmath.benchmarks.sources import parquet_rows
from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.foreign.found import GREEDY, Found, Source
from openmath.foreign.reading import MAX_LINE
from openmath.foreign.texts import answer_keys, reference_text

TOOL = "lighteval"
FILE = re.compile(r"details_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+)\.parquet")
LONGEST = 100_000  # characters of a list in Python's spelling, which is parsed


def claim(files: list[Path], found: Found) -> list[Path]:
    """Add what is of this tool; returns the other files."""
    others = []
    for path in files:
        match = FILE.fullmatch(path.name)
        if not match:
            others.append(path)
            continue
        parts = [part for part in match["task"].split("|") if not part.isdigit()]  # suite|task|shots, or task|shots
        task = parts[-1] if parts else match["task"]
        settings = _sampling(path, match["time"])
        rows = partial(_rows, path, greedy=settings == "temperature 0")
        home = path.resolve().parents[1]
        found.sources.append(Source(TOOL, home.name, str(home), task, (path,), rows, settings, match["time"]))
    return others


def _sampling(path: Path, time: str) -> str:
    """What the tables of the same run, results/{model}/results_{time}.json, say of the temperature."""
    folders = path.resolve().parents
    for above in folders[2:5]:
        for tables in above.glob(f"results/**/results_{time}.json"):
            if tables.stat().st_size > MAX_LINE:
                break
            general = read_json(tables, "the tables of lighteval")
            general = general.get("config_general") if isinstance(general, dict) else None
            for key in ("generation_parameters", "model_config"):
                place = general.get(key) if isinstance(general, dict) else None
                place = place.get("generation_parameters", place) if isinstance(place, dict) else {}
                if isinstance(place.get("temperature"), int | float):
                    return f"temperature {place['temperature']:g}"
    return "sampling not recorded"


def _rows(path: Path, *, greedy: bool) -> Iterator[tuple[int | None, dict]]:
    for number, row in enumerate(parquet_rows(path)):
        said = _current(row) if "model_response" in row else _older(row)
        texts = said.pop("texts")
        if not isinstance(said["problem"], str) or not texts or not all(isinstance(text, str) for text in texts):
            raise InputError(
                "This is not a row of lighteval's details.",
                where=f"{path}, row {number + 1}",
                expected="doc.query and model_response.text, or full_prompt and predictions",
                found=f"columns {', '.join(map(str, row))}",
                hint="tasks that compare likelihoods have no text to grade: move the file away.",
            )
        for run, text in enumerate(texts):
            yield GREEDY if greedy and len(texts) == 1 else run, said | {"generation": text} | answer_keys(text, None)


def _current(row: dict) -> dict:
    doc, response = (
        value if isinstance(value := _value(row.get(key)), dict) else {} for key in ("doc", "model_response")
    )
    said = {
        "id": doc.get("id"),
        "problem": doc.get("query"),
        "expected_answer": _gold(doc),
        "texts": response.get("text"),
    }
    tokens, thoughts = response.get("output_tokens"), response.get("reasonings")
    if isinstance(tokens, list) and len(tokens) == 1 and isinstance(tokens[0], list) and tokens[0]:
        said["num_generated_tokens"] = len(tokens[0])
    if isinstance(thoughts, list) and len(thoughts) == 1 and isinstance(thoughts[0], str):
        said["reasoning"] = thoughts[0]
    return said


def _older(row: dict) -> dict:
    gold, prompt = _value(row.get("gold")), row.get("example") or row.get("full_prompt")
    return {"problem": prompt, "expected_answer": reference_text(gold), "texts": _value(row.get("predictions"))}


def _gold(doc: dict) -> str | None:
    choices, index = doc.get("choices"), doc.get("gold_index")
    index = index[0] if isinstance(index, list) and index else index
    if isinstance(choices, list) and isinstance(index, int) and 0 <= index < len(choices):
        return reference_text(choices[index])
    return None


def _value(text: object) -> object:
    """What a column that was cast to text held: JSON, or a list as Python spells it. Other values as they are."""
    if not isinstance(text, str) or not text.startswith(("[", "{")) or len(text) > LONGEST:
        return text
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text
