"""Results in the shape of lm-evaluation-harness' results_*.json, for programs that read that.

A benchmark is a task. A metric's key is `metric,filter`: exact_match is the symbolic grading, llm_judge_{judge} a judge's; the
filter is the mode. Standard errors are over problems, as theirs: deviation (ddof 1) by the root of n.
"""

from typing import Any

from openmath.results.finished import Finished, Score
from openmath.results.load import NO_JUDGE

MODES = ("greedy", "pass@1")  # the beginning of those whose sampling describes a task: the greedy run first


def lm_eval_results(finished: Finished) -> dict[str, Any]:
    """The content of results_*.json."""
    manifest = finished.manifest
    tasks: dict[str, list[Score]] = {}
    for score in finished.scores:
        tasks.setdefault(score.benchmark, []).append(score)
    engine = manifest["engine"] or {}
    source = engine.get("model", {})
    configs = {name: _config(finished, name, scores) for name, scores in tasks.items()}
    registered = {name: entry["registered_rows"] for name, entry in manifest["benchmarks"].items()}
    return {
        "results": {name: {"alias": name} | _metrics(scores) for name, scores in tasks.items()},
        "configs": configs,
        "versions": dict.fromkeys(tasks, manifest["grading"]["grader_version"]),
        "n-shot": {name: config["num_fewshot"] for name, config in configs.items()},
        "higher_is_better": {name: dict.fromkeys(map(_metric, scores), True) for name, scores in tasks.items()},
        "n-samples": {
            name: {"original": registered.get(name, scores[0].n_items), "effective": scores[0].n_items}
            for name, scores in tasks.items()
        },
        "config": {
            "model": engine.get("version", "unknown"),
            "model_args": {"pretrained": finished.hub_model or finished.model, "revision": source.get("revision")},
            "model_dtype": engine.get("settings", {}).get("dtype"),
            "model_revision": source.get("revision"),
        },
        "git_hash": manifest["workflow"]["commit"],
        "date": finished.started,
        "model_source": "openmath-evaluation",
        "model_name": finished.hub_model or finished.model,
    }


def _metric(score: Score) -> str:
    return "exact_match" if score.judge == NO_JUDGE else f"llm_judge_{score.judge}"


def _metrics(scores: list[Score]) -> dict[str, float | str]:
    """Key -> value; "N/A" is their word where there is no standard error."""
    metrics: dict[str, float | str] = {}
    for score in scores:
        metrics[f"{_metric(score)},{score.mode}"] = score.value
        metrics[f"{_metric(score)}_stderr,{score.mode}"] = "N/A" if score.error is None else score.error
    return metrics


def _config(finished: Finished, name: str, scores: list[Score]) -> dict[str, Any]:
    """What describes a task: of several samplings the greedy one."""
    dataset = finished.hub_dataset(name)
    samplings = (finished.sampling(name, mode) for mode in MODES)
    sampling = next(filter(None, samplings), None)
    config: dict[str, Any] = {
        "task": name,
        "dataset_path": dataset[0] if dataset else name,
        "output_type": "generate_until",
        "repeats": max(score.n_samples for score in scores),
        "metric_list": [
            {"metric": metric, "aggregation": "mean", "higher_is_better": True}
            for metric in dict.fromkeys(map(_metric, scores))
        ],
        "num_fewshot": None,  # not known of imported samples
    }
    if sampling:
        names = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "max_new_tokens": "max_gen_toks"}
        given = {theirs: sampling[ours] for ours, theirs in names.items() if ours in sampling}
        config["generation_kwargs"] = given | {"do_sample": sampling["temperature"] > 0}
        config["num_fewshot"] = len(sampling["prompt"]["examples"])
        config["doc_to_text"] = sampling["prompt"]["user"]
        config["description"] = sampling["prompt"].get("system", "")
    return config
