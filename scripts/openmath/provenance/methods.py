"""A manifest as the paragraph of a paper, with what has to be cited.

Knows the manifest, and of the benchmarks and engines in it their titles and citations: config/benchmarks.yaml, engine_kinds.py.
"""

import json
from collections import Counter

from openmath.benchmarks.registry import read_registry
from openmath.foreign.configured import size_warning
from openmath.provenance import bibliography as cited
from openmath.provenance.training import base_of, training_sentences
from openmath.provenance.words import cite, listed, machine_text, source_text
from openmath.settings.engine_kinds import KINDS, engine_kind, tokenizer_of
from openmath.settings.sampling import OF_ALL_RUNS, TRUNCATIONS, configured_sampling, samples_as_checkpoint

TEMPLATES = {
    "chat": "the checkpoint's own chat template",
    "llama3-instruct": "the Llama 3 instruct template with an empty system turn",
    "completion": "no template, as a text to go on with",
}
GRADING = {
    "default": "compared with the reference by a symbolic grader with exact arithmetic",
    "paper": "compared with the reference by the rules of the recipe's grader (relative tolerance 1e-4)",
}
VOTING = {
    "default": "The majority answer is voted over mathematically equal answers; tied answers share the credit.",
    "paper": "The majority answer is voted over answer strings; of tied answers the one seen first wins.",
}


def methods_text(manifest: dict) -> str:
    """methods.md: paragraph, data, BibTeX. Citations are Pandoc's: [@key]."""
    sentences = [
        *_model(manifest),
        *training_sentences(manifest),
        *_sampling(manifest),
        _benchmarks(manifest),
        *_grading(manifest),
        *_judging(manifest),
        *_statistics(manifest),
        *_hardware(manifest),
    ]
    paragraph = " ".join(sentences)
    text = f"# Methods: {manifest['model']}, judge {manifest['judge']}\n\n{paragraph}\n" + _data(manifest)
    return f"{text}\n## BibTeX\n\n```bibtex\n{cited.bibliography(paragraph, _hub_models(manifest))}\n```\n"


def _code(manifest: dict) -> str:
    code = manifest["workflow"]
    parts = [f"version {code['version']}"] if code["version"] else []
    if code["commit"]:
        parts.append(f"commit {code['commit'][:12]}{' with local changes' if code['modified'] else ''}")
    return ", ".join(parts or [f"code {code['code']}"])


def _engine(engine: dict) -> str:
    """Name and version of an engine, and what of its settings belongs into a paper."""
    program, _, version = engine["version"].partition(" ")
    titles = {kind.package: kind.title for kind in KINDS.values()}  # an engine of one's own may run a program of ours
    name = titles[program].format(version=version) if program in titles else engine["version"]
    kind, settings = engine_kind(engine["engine"]), engine["settings"]
    context = f"a context of {settings['context_length']:,} tokens"
    how = f" in {settings['dtype']}, with {context}" if settings["dtype"] == kind.stores else f" with {context}"
    if kind.on_gpus and settings["tensor_parallel"]:  # a GGUF file has its own precision
        parallel = f"tensor parallelism {settings['tensor_parallel']}"
        parallel += f", pipeline parallelism {settings['pipeline_parallel']}" if "pipeline_parallel" in settings else ""
        how = f" in {settings['dtype']}, with {parallel} and {context}"
    backend = " (PyTorch backend)" if settings.get("backend") == "pytorch" else ""
    return f"{name}{backend}{cite(kind.citation)}{how}"


def _model(manifest: dict) -> list[str]:
    workflow = f"the openmath-evaluation workflow ({_code(manifest)}; built on Snakemake{cite(cited.WORKFLOW)})"
    recipe = f"the evaluation of OpenMathInstruct-2{cite(cited.RECIPE)} as implemented in {workflow}"
    engine = manifest["engine"]
    if engine is None:
        return [f"We applied {recipe} to existing samples of {manifest['model']}; how they were drawn is not recorded."]
    first = f"We evaluated {source_text(engine['model'])} by {recipe}."
    if engine_kind(engine["engine"]).hosted:
        named = manifest["generation"].get("answered_by")
        who = f"; it calls itself {listed(named)}" if named else ""
        return [first, f"The engine behind the endpoint is not known to us{who}."]
    return [first, f"Answers were generated with {_engine(engine)}."]


def _sampling(manifest: dict) -> list[str]:
    if manifest["engine"] is None:
        return []
    sentences = []
    generation, found = manifest["config"]["generation"], manifest["generation"]["settings"]
    model = manifest["config"]["models"][manifest["model"]]
    sampling = configured_sampling(manifest["config"], manifest["model"])
    template, variables = model["prompt_template"], model.get("chat_template_kwargs")
    if found:
        sampling = found[0]["settings"]
        template, variables = sampling["prompt_template"], sampling.get("chat_template_kwargs")
        examples = len(sampling["prompt"]["examples"])
        shots = f"with {examples} worked example{'s' * (examples > 1)}" if examples else "zero-shot"
        messages = tokenizer_of(manifest["engine"]) == "none"  # it applies a template of its own
        form = "as chat messages" if messages else f"under {TEMPLATES[template]}"
        given = f" with {json.dumps(variables)}" if variables else ""
        sentences.append(f"The prompt (sha256 {found[0]['prompt_sha256'][:12]}) was used {shots} {form}{given}.")
    if len(found) > 1:
        sentences.append(f"Sample runs were drawn under {len(found)} different settings, listed in the manifest.")
    greedy = model.get("greedy", generation["greedy"])
    seeds = model.get("seeds", generation["seeds"])
    drawn = ["one greedy decoding"] if greedy else []
    if seeds:
        which = "seed 0" if seeds == 1 else f"seeds 0 to {seeds - 1}"
        drawn.append(
            f"{seeds} sampled run{'s' * (seeds > 1)} (temperature {sampling['temperature']}, "
            f"top-p {sampling['top_p']}{_set(sampling, TRUNCATIONS)}, {which})"
        )
    limit = f"at most {sampling['max_new_tokens']:,} new tokens each"
    sentences.append(f"Each problem was answered by {listed(drawn)}, with {limit}{_set(sampling, OF_ALL_RUNS)}.")
    if refused := manifest["generation"].get("asked_without"):
        names = listed([f"no {name.replace('_', '-')}" for name in refused])
        sentences.append(f"The endpoint takes {names} of a request's own; it was asked without.")
    if samples_as_checkpoint(manifest["config"], manifest["model"]):
        sentences.append("What the checkpoint's generation_config.json says of sampling was followed.")
    return sentences


def _set(sampling: dict, keys: tuple[str, ...]) -> str:
    """', top-k 20': of these keys those that are set."""
    return "".join(
        f", {key.replace('_', ' ' if key in OF_ALL_RUNS else '-')} {sampling[key]}" for key in keys if key in sampling
    )


def _title(benchmark: str, registry: dict[str, dict]) -> str:
    """A benchmark's name in papers; its own where it is not registered."""
    return registry.get(benchmark, {}).get("title", benchmark)


def _benchmarks(manifest: dict) -> str:
    parts, registry = [], read_registry()
    for name, result in manifest["results"].items():
        if manifest["engine"] is None and list(size_warning(name, result["problems"])):
            parts.append(
                f"a set of {result['problems']:,} problems by the name of {name}, which are not those of that benchmark"
            )
            continue
        registered = manifest["benchmarks"].get(name, {}).get("registered_rows", result["problems"])
        of = "" if result["problems"] == registered else f" of {registered:,}"
        citation = registry.get(name, {}).get("citation")
        parts.append(f"{_title(name, registry)} ({result['problems']:,}{of} problems){cite(citation)}")
    return f"The benchmarks are {listed(parts)}." if len(parts) > 1 else f"The benchmark is {parts[0]}."


def _grading(manifest: dict) -> list[str]:
    rules = manifest["grading"]
    exact = cite(cited.GRADER) if rules["policy"] == "default" else ""
    grader = f"{GRADING[rules['policy']]}{exact} (version {rules['grader_version']})"
    sentences = [f"The content of the last \\boxed{{}} of an answer was {grader}."]
    voted = any(mode.startswith("majority") for result in manifest["results"].values() for mode in result["modes"])
    return sentences + ([VOTING[rules["policy"]]] if voted else [])


def _judging(manifest: dict) -> list[str]:
    judging = manifest["judging"]
    if judging is None:
        return ["No LLM judge was used: all accuracies are symbolic."]
    judge, files = judging["judge"], judging["files"].values()
    if isinstance(judge, str):
        key = next((key for start, key in cited.HOSTED_JUDGES.items() if judge.startswith(start)), None)
        name = f"{judge}{cite(key)}"
    elif judge["model"] == (manifest["engine"] or {}).get("model"):
        name = "the evaluated model itself"
    else:
        name = f"{source_text(judge['model'])}, run with {_engine(judge)}"
    rows = sum(file["rows"] for file in files)
    asked = rows - sum(sum(file["prefilled"].values()) for file in files)
    modes = [mode for mode in ("greedy", "majority") if any(f"/{mode}.jsonl" in path for path in judging["files"])]
    sentences = [
        f"An LLM judge, {name}, also compared the {listed(modes)} answers with the references"
        f" {_temperature(judging)} (prompt sha256 {judging['prompt_sha256'][:12]})."
        if judging.get("prompt_sha256")
        else f"An LLM judge, {name}, also compared the {listed(modes)} answers with the references."
    ]
    spared = "missing or equal to the reference" + (" for the symbolic grader" if judging["cascade"] else " as text")
    unparsed = sum(file["verdicts"].get("unparsed", 0) for file in files)
    sentences.append(
        f"Of {rows:,} answers {asked:,} went to the judge, the others were {spared};"
        f" {unparsed:,} replies held no verdict and count as not correct."
    )
    if refused := sum(file.get("outcomes", {}).get("refused", 0) for file in files):
        sentences.append(f"Of these, the judge's service refused {refused:,} for good.")
    if delimited := sum(file.get("delimited", 0) for file in files):
        sentences.append(
            f"In {delimited:,} answers stood words for a judge: these were put between tags and marked as data."
        )
    served = sum((Counter(file["answered_by"]) for file in files), Counter())
    prints = sorted({name.rpartition(" ")[2] for name in served} - {"None"})
    if isinstance(judge, str) and prints:
        sentences.append(f"The service named its system fingerprint{'s' * (len(prints) > 1)} {listed(prints)}.")
    return sentences


def _temperature(judging: dict) -> str:
    """At which temperature a judge has answered: as its requests said, or by its service where that takes none."""
    files, own = judging["files"].values(), "the temperature of its service"
    sampling = judging.get("sampling") or {"temperature": 0}  # of older versions, which always sent it
    if "temperature" not in sampling:
        return f"at {own}"
    said = f"at temperature {sampling['temperature']:g}"
    used = sum(sum(file["answered_by"].values()) for file in files)
    without = Counter[str]()
    for file in files:
        without.update(file.get("asked_without", {}))
    refused = sum(count for names, count in without.items() if "temperature" in names.split())
    if not refused:
        return said
    return f"at {own}, which takes no other" if refused == used else f"{said}, {refused:,} of them at {own}"


def _statistics(manifest: dict) -> list[str]:
    methods = sorted({method for result in manifest["results"].values() for method in result["intervals"]})
    keys = [next((key for start, key in cited.INTERVALS.items() if name.startswith(start)), None) for name in methods]
    parts = [f"{name}{cite(key)}" for name, key in zip(methods, keys, strict=True)]
    sentences = [f"Intervals are 95 % intervals over problems ({'; '.join(parts)})."]
    sampled = any(mode.startswith("pass@") for result in manifest["results"].values() for mode in result["modes"])
    if sampled:
        sentences.append(
            f"Curves of pass@k use the unbiased estimator{cite(cited.PASS_AT_K)},"
            " those of maj@k the exact expectation over all subsets of k samples."
        )
    return sentences


def _hardware(manifest: dict) -> list[str]:
    if manifest["engine"] is None:
        return []
    jobs, machines = manifest["times"]["generation"], manifest["generation"]["machines"]
    tokens = [entry["generated"] for entry in manifest["tokens"].values()]
    total = f"{sum(tokens):,} tokens were generated" if None not in tokens else "The samples were generated"
    if engine_kind(manifest["engine"]["engine"]).hosted or not machines:
        return [f"{total}."]
    where = listed(list(dict.fromkeys(map(machine_text, machines))))
    if any(job["gpus"] for job in jobs):
        used = f"{sum(job['gpu_seconds'] for job in jobs) / 3600:.1f} GPU-hours"
    else:
        used = f"{sum(job['seconds'] for job in jobs) / 3600:.2f} hours"
    return [f"{total} on {where}, in {used} of finished jobs."]


def _data(manifest: dict) -> str:
    registry = read_registry()
    rows = [
        f"| {_title(name, registry)} | {entry['source']} | `{entry['source_sha256'][:12]}` | `{entry['problems_sha256'][:12]}` |"
        for name, entry in manifest["benchmarks"].items()
    ]
    if not rows:
        return ""
    head = (
        "\n## Data\n\n| benchmark | source | sha256 | sha256 of problems and references |\n| --- | --- | --- | --- |\n"
    )
    return head + "\n".join(rows) + "\n"


def _hub_models(manifest: dict) -> list[dict]:
    judge = (manifest["judging"] or {}).get("judge")
    models = [engine["model"] for engine in (manifest["engine"], judge) if isinstance(engine, dict)]
    models += [base_of(manifest["training"])] if "training" in manifest else []
    models += [model["adapter"] for model in models if "adapter" in model]
    return [model for model in models if cited.hub_repository(model)]
