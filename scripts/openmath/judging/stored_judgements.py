"""What the store of a judge says of each question, without the answers' files: for stores that somebody ships."""

from pathlib import Path

from openmath.client.parameters import Parameters
from openmath.errors import InputError, parts_of
from openmath.files.rows import read_rows
from openmath.judging.attempts import Attempts
from openmath.judging.settings import QUESTION_FIELDS, JudgeSettings
from openmath.judging.store import VerdictStore


def stored_judgements(folder: Path) -> dict[tuple[str, ...], dict]:
    """(problem, predicted, expected answer) -> its judged row, by the settings under which the store has the most questions."""
    store, by_settings = VerdictStore(folder), dict[str, dict]()
    for record in store.records.values():
        question: dict = {
            name: text for name, text in record.items() if name in QUESTION_FIELDS and isinstance(text, str)
        }
        if str(record.get("settings")) in store.described and len(question) == len(QUESTION_FIELDS):
            key = tuple(question[name] for name in QUESTION_FIELDS)
            by_settings.setdefault(str(record["settings"]), {})[key] = question
    if not by_settings:
        raise InputError("The store holds no verdicts.", where=folder)
    name, questions = max(by_settings.items(), key=lambda pair: (len(pair[1]), pair[0]))
    if others := {key for other in by_settings.values() for key in other} - questions.keys():
        print(
            f"judges: warning: {folder}: {len(others)} questions are not compared, as they were asked under other settings "
            f"(model, prompt or limit) than the other {len(questions)}",
            flush=True,
        )
    tries = max((a for r in store.records.values() if isinstance(a := r.get("attempt"), int)), default=1)
    with parts_of("the settings of a judge", folder):
        settings = JudgeSettings(**store.described[name])
        policy = "paper" if "presence_penalty" in settings.sampling else "default"
    parameters = Parameters(optional=frozenset(settings.sampling))
    attempts = Attempts(settings, policy, tries, plain_too=True, parameters=parameters)
    attempts.recall(store.records)
    rows = {}
    for key, question in questions.items():
        if attempts.records(question, store.records):
            last, verdict = attempts.judgement(question, store.records)
            rows[key] = question | {"judgement": last["judgement"], "judge_verdict": verdict}
    return rows


def judged_by_both(stores: list[Path], benchmarks: list[Path]) -> dict[str, dict[str, list[dict]]]:
    """Benchmark -> store's name -> its judged rows of the questions that all stores have, in the same order.

    benchmarks: data/*.jsonl, which say where a problem belongs; what is in none of them is of the benchmark "other".
    """
    names = [folder.resolve().name for folder in stores]
    if len(set(names)) < len(names):
        raise InputError("Two stores have the same name.", found=", ".join(names), hint="rename one of the folders.")
    said = [stored_judgements(folder) for folder in stores]
    shared = sorted(set.intersection(*(set(rows) for rows in said)))
    counts = ", ".join(f"{name} {len(rows)}" for name, rows in zip(names, said, strict=True))
    print(f"judges: different questions that were asked: {counts}; both {len(shared)}, which are compared", flush=True)
    belongs = {str(row.get("problem")): path.stem for path in benchmarks for row in read_rows(path)}
    found: dict[str, dict[str, list[dict]]] = {}
    for key in shared:
        verdicts = found.setdefault(belongs.get(key[0], "other"), {name: [] for name in names})
        for name, rows in zip(names, said, strict=True):
            verdicts[name].append(rows[key])
    return found
