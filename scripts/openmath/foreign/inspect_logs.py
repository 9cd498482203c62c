"""inspect_ai: logs `.eval`, zip files of header.json and samples/{id}_epoch_{n}.json, read member by member without inspect_ai."""

import re
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from openmath.errors import InputError
from openmath.foreign.found import GREEDY, Found, Source
from openmath.foreign.reading import member, opened_zip
from openmath.foreign.texts import answer_keys, reference_text

TOOL = "inspect_ai"
SAMPLE = re.compile(r"samples/(?P<id>.+)_epoch_(?P<epoch>\d{1,9})\.json", re.DOTALL)
HEADERS = ("header.json", "_journal/start.json")  # the second: of a log that was never finished
SAMPLING = ("temperature", "top_p", "top_k", "max_tokens")
ENDS = {"stop": "stop", "max_tokens": "length", "model_length": "length"}  # its words for why a sample ended, and ours
ATTACHMENT = "attachment://"  # before the hash of a text that stands once in the sample


def claim(files: list[Path], found: Found) -> list[Path]:
    """Add what is of this tool; returns the other files."""
    others = []
    for path in files:
        if path.suffix != ".eval":
            others.append(path)
            continue
        with opened_zip(path) as log:
            names = [name for name in HEADERS if name in log.NameToInfo]
            if not names:
                raise InputError("This is not a log of inspect_ai.", where=path, expected=f"a member {HEADERS[0]}")
            header = member(log, names[0])
        evaluation = header.get("eval")
        if not isinstance(evaluation, dict) or not isinstance(evaluation.get("task"), str):
            raise InputError("A log of inspect_ai does not say its task.", where=f"{path}: {names[0]}")
        plan = header.get("plan")
        known = _sampling(
            evaluation.get("model_generate_config"), plan.get("config") if isinstance(plan, dict) else None
        )
        greedy = known.get("temperature") == 0
        settings = (
            "" if greedy else ", ".join(f"{key} {value}" for key, value in known.items()) or "sampling not recorded"
        )
        task, home = evaluation["task"].rpartition("/")[2], str(evaluation.get("model") or "")
        started = str(evaluation.get("created") or "")
        rows = partial(_rows, path, greedy=greedy)
        model = home.rpartition("/")[2]
        found.sources.append(Source(TOOL, model, home, task, (path,), rows, settings, started))
    return others


def _sampling(*configs: object) -> dict:
    """What these say of the sampling; the last one counts."""
    known: dict = {}
    for config in configs:
        if isinstance(config, dict):
            known |= {key: config[key] for key in SAMPLING if config.get(key) is not None}
    return known


def _rows(path: Path, *, greedy: bool) -> Iterator[tuple[int | None, dict]]:
    """Samples in the order of the log; an epoch is a run. Those that ended with an error are none."""
    with opened_zip(path) as log:
        members = [(match, name) for name in log.NameToInfo if (match := SAMPLE.fullmatch(name))]
        several = len({match["epoch"] for match, _ in members}) > 1
        for match, name in members:
            sample = member(log, name)
            if sample.get("error"):
                continue
            run = GREEDY if greedy and not several else int(match["epoch"]) - 1
            yield run, _row(log, name, sample)


def _row(log: zipfile.ZipFile, name: str, sample: dict) -> dict:
    attached = sample.get("attachments")
    attachments = attached if isinstance(attached, dict) else {}
    try:
        output: dict = sample["output"]
        choice: dict = (
            output["choices"][0] if output["choices"] else {"message": {"content": ""}, "stop_reason": "unknown"}
        )
        text, thought = _content(choice["message"]["content"], attachments)
        problem = _problem(sample["input"], attachments)
        usage: dict = output.get("usage") or {}
        tokens = {"num_prompt_tokens": usage.get("input_tokens"), "num_generated_tokens": usage.get("output_tokens")}
        reason = ENDS.get(str(choice.get("stop_reason")))
        scores = [score for score in (sample.get("scores") or {}).values() if isinstance(score, dict)]
        taken = next((answer for score in scores if isinstance(answer := score.get("answer"), str)), None)
        reference = reference_text(sample.get("target"))
    except (LookupError, TypeError, AttributeError, StopIteration) as error:
        raise InputError(
            "This is not a sample of inspect_ai.",
            where=f"{log.filename}: {name}",
            expected="input, target, output.choices with a message",
            found=f"{type(error).__name__}: {error}",
        ) from None
    row = {"id": sample.get("id"), "problem": problem, "expected_answer": reference, "generation": text}
    row |= {"finish_reason": reason} | tokens | ({"reasoning": thought} if thought else {})
    return row | answer_keys(text, taken)


def _content(content: object, attachments: dict) -> tuple[str, str]:
    """(text, thought) of a message: text, or parts of several types."""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [str(_attached(part["text"], attachments) or "") for part in parts if part.get("type") == "text"]
    thoughts = [str(_attached(part["reasoning"], attachments)) for part in parts if part.get("type") == "reasoning"]
    return "\n".join(texts), "\n".join(thoughts)


def _problem(given: object, attachments: dict) -> str:
    """The text of a sample's input: text, or the last message of the user."""
    if isinstance(given, list):
        given = next(message["content"] for message in reversed(given) if message["role"] == "user")
    return _content(given, attachments)[0]


def _attached(text: object, attachments: dict) -> object:
    if isinstance(text, str) and text.startswith(ATTACHMENT):
        return attachments.get(text.removeprefix(ATTACHMENT), text)
    return text
