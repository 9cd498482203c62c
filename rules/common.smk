"""Configuration, names and input functions. Nothing here writes, uses the network or looks at which files exist."""

from openmath.config import checked_config
from openmath.errors import InputError
from openmath.fingerprint import sha256_text
from snakemake.exceptions import WorkflowError

try:
    config = checked_config(config)
except InputError as error:
    raise WorkflowError(str(error)) from None

SCRIPTS = f"{workflow.basedir}/scripts"
POLICY = config["policy"]
BENCHMARKS = config["benchmarks"]
MODELS = config["models"]
JUDGES = config["judges"]
GENERATION = config["generation"]
PUBLISHED = f"{workflow.basedir}/config/published.yaml"
SERVED = [name for name, model in MODELS.items() if "samples" not in model]  # models that we run ourselves


wildcard_constraints:
    benchmark="|".join(map(re.escape, BENCHMARKS)),
    model="|".join(map(re.escape, MODELS)),
    judge="|".join(map(re.escape, [*JUDGES, "none"])),


def sample_runs(model):
    """The sample runs of a model: greedy, rs0, rs1, ..."""
    greedy = MODELS[model].get("greedy", GENERATION["greedy"])
    return ["greedy"] * greedy + seed_runs(model)


def seed_runs(model):
    """The sampled runs of a model, in seed order."""
    return [f"rs{seed}" for seed in range(MODELS[model].get("seeds", GENERATION["seeds"]))]


def sample_file(model, benchmark, run):
    """Where one sample run lies: ours, or where another tool has left it."""
    folder = MODELS[model].get("samples", f"results/{model}/eval-results")
    return f"{folder}/{benchmark}/output-{run}.jsonl"


def sample_files(wildcards):
    """All sample runs of one model on one benchmark, greedy first, then by seed."""
    return [sample_file(wildcards.model, wildcards.benchmark, run) for run in sample_runs(wildcards.model)]


def carries_problems(model):
    """Whether problems and references come from the sample files: imported ones, and those of a limited run."""
    return "samples" in MODELS[model] or GENERATION["limit"] is not None


def problems_file(wildcards):
    """Problems and references: the prepared benchmark, or the first sample file."""
    if carries_problems(wildcards.model):
        return sample_files(wildcards)[0]
    return f"data/{wildcards.benchmark}.jsonl"


def problems_option(wildcards):
    """The option under which fill_majority.py takes problems_file()."""
    return "--samples" if carries_problems(wildcards.model) else "--benchmark"


def benchmark_option(wildcards):
    """`--benchmark FILE` for grading; else the samples carry their own references."""
    return [] if carries_problems(wildcards.model) else ["--benchmark", problems_file(wildcards)]


def grades_files(wildcards):
    """Grades of one model on all benchmarks, in the order of the tables."""
    return [f"results/{wildcards.model}/grades/{benchmark}.parquet" for benchmark in BENCHMARKS]


def judge_pairs(model, judge):
    """(file to judge, judged file) of all benchmarks and modes of one model."""
    pairs = []
    for benchmark in BENCHMARKS:
        judged = f"results/{model}/judged/{judge}/{benchmark}"
        if "greedy" in sample_runs(model):
            pairs.append((sample_file(model, benchmark, "greedy"), f"{judged}/greedy.jsonl"))
        if seed_runs(model):
            majority = f"results/{model}/eval-results-majority/{benchmark}/output-majority.jsonl"
            pairs.append((majority, f"{judged}/majority.jsonl"))
    return pairs


def judged_files(wildcards):
    """Judged files behind one summary; none where no judge is configured."""
    if wildcards.judge == "none":
        return []
    return [judged for _, judged in judge_pairs(wildcards.model, wildcards.judge)]


def prompt_file(name):
    """A prompt named in the configuration: a file of config/prompts, or a path."""
    return name if "/" in name else f"{workflow.basedir}/config/prompts/{name}.yaml"


def prompt_sha256(name):
    """Hash of a prompt's text: a param, so that an edited prompt computes anew, and a moved checkout does not."""
    return text_sha256(prompt_file(name))


def text_sha256(path):
    """Hash of a small file of the configuration."""
    try:
        with open(path) as file:
            return sha256_text(file.read())
    except OSError as error:
        raise WorkflowError(f"Cannot read a file that the configuration names ({error.strerror}): {path}") from None


def engine_setting(model, key):
    """How a model's engine is run: `command`, `args` (speed only) or `image`; never a param."""
    return config["engines"].get(MODELS[model]["engine"], {}).get(key, "")


def gpus(model):
    """GPUs that a job of a model's engine needs."""
    return MODELS[model]["tensor_parallel"] if MODELS[model]["engine"] in ("vllm", "trtllm") else 0


def benchmark_files():
    return [f"data/{benchmark}.jsonl" for benchmark in BENCHMARKS if SERVED]


def checkpoint_files():
    return [f"models/{model}/manifest.json" for model in SERVED if MODELS[model]["engine"] != "endpoint"]


def greedy_files():
    return [sample_file(model, b, "greedy") for model in MODELS if "greedy" in sample_runs(model) for b in BENCHMARKS]


def all_sample_files():
    return [sample_file(model, b, run) for model in MODELS for run in sample_runs(model) for b in BENCHMARKS]


def all_grades_files():
    return expand("results/{model}/grades/{benchmark}.parquet", model=MODELS, benchmark=BENCHMARKS)


def majority_files():
    template = "results/{model}/eval-results-majority/{benchmark}/output-majority.jsonl"
    return expand(template, model=[m for m in MODELS if seed_runs(m)], benchmark=BENCHMARKS)


def summary_files():
    return expand(
        "results/{model}/summary/{judge}/tables.txt",
        model=MODELS,
        judge=JUDGES or ["none"],
    )
