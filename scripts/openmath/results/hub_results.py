"""Results as a model repository of the Hugging Face Hub holds them: .eval_results/{benchmark}.yaml, one entry each.

The Hub shows one value of a model on the leaderboard of a data set's task; which these are stands in config/benchmarks.yaml.
"""

from datetime import UTC, datetime

from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from openmath.results.finished import Finished, Score, headline
from openmath.results.load import NO_JUDGE


def hub_entries(
    finished: Finished, registry: dict[str, dict], publisher: dict
) -> tuple[dict[str, list[dict]], dict[str, str]]:
    """(benchmark -> the entries of its file, benchmark -> why it has none). registry: of config/benchmarks.yaml."""
    entries, missing = {}, {}
    for name in dict.fromkeys(score.benchmark for score in finished.scores):
        score = headline([score for score in finished.scores if score.benchmark == name])
        prepared = finished.manifest["benchmarks"].get(name)
        registered = registry.get(name, {})
        board = registered.get("leaderboard")
        if prepared is None:
            missing[name] = "the samples are imported: which problems they are about is not recorded"
        elif score.n_items < prepared["registered_rows"]:
            missing[name] = f"{score.n_items} of {prepared['registered_rows']} problems only"
        elif board is None:
            missing[name] = "no task of a data set on the Hub is registered for it"
        elif prepared["problems_sha256"] != registered.get("problems_sha256", prepared["problems_sha256"]):
            missing[name] = "other problems than the registered ones"
        else:
            entries[name] = eval_result_entries_to_yaml([_entry(finished, score, board, publisher)])
    return entries, missing


def _entry(finished: Finished, score: Score, board: dict, publisher: dict) -> EvalResultEntry:
    """In percent, as the Hub's boards are."""
    same = finished.hub_dataset(score.benchmark)
    address = publisher.get("url")
    started = finished.started
    return EvalResultEntry(
        dataset_id=board["dataset"],
        task_id=board["task"],
        value=round(100 * score.value, 2),
        dataset_revision=same[1] if same and same[0] == board["dataset"] else None,
        date=None if started is None else datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        source_url=address,
        source_name=publisher.get("name") if address else None,
        notes=_notes(finished, score),
    )


def _notes(finished: Finished, score: Score) -> str:
    who = "symbolic grading" if score.judge == NO_JUDGE else f"judged by {score.judge}"
    sampling = finished.sampling(score.benchmark, score.mode)
    shots = [f"{len(sampling['prompt']['examples'])}-shot"] if sampling else []
    interval = f"95 % interval {100 * score.low:.2f} to {100 * score.high:.2f}"
    return ", ".join([score.mode, who, *shots, f"{score.n_items} problems", interval, "openmath-evaluation"])


def hub_readme(finished: Finished, entries: dict[str, list[dict]], missing: dict[str, str]) -> str:
    """What the folder is, and why a benchmark is not in it."""
    lines = [f"| {name} | `.eval_results/{name}.yaml` |" for name in entries]
    lines += [f"| {name} | none: {reason} |" for name, reason in missing.items()]
    return (
        f"# Results of {finished.model} for its model repository\n\n"
        "Put `.eval_results` into the repository, or open a pull request with it there: docs/export.md.\n\n"
        "| benchmark | entry |\n|---|---|\n" + "\n".join(lines) + "\n"
    )
