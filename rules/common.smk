"""Configuration, names and input functions. Nothing here writes, uses the network or looks at which files exist."""

from openmath.preflight.snakemake_hooks import plain_error
from openmath.settings.config import checked_config
from openmath.settings.config_files import files_behind
from openmath.errors import InputError
from openmath.files.fingerprint import sha256_text
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.layout import Layout, prompt_file
from openmath.settings.command_lines import Options
from openmath.settings.defaults import RESULT_FORMATS, SAMPLE_FORMATS
from snakemake.exceptions import WorkflowError

try:
    config = checked_config(config, files_behind(config, workflow.configfiles, workflow.config_settings.config))
except InputError as error:
    raise plain_error(str(error)) from None

SCRIPTS = f"{ROOT}/scripts"  # a resource of each rule: a moved checkout computes nothing again
POLICY = config["policy"]
BENCHMARKS = config["benchmarks"]
MODELS = config["models"]
JUDGES = config["judges"]
GENERATION = config["generation"]
PUBLISHED = f"{ROOT}/config/published.yaml"
ORIGINS = list(config.get("dataset", {}).get("origins", {}))  # benchmarks whose problems a training set begins from
SERVED = [name for name, model in MODELS.items() if "samples" not in model]  # models that we run ourselves


wildcard_constraints:
    benchmark="|".join(map(re.escape, [*BENCHMARKS, *ORIGINS])),
    model="|".join(map(re.escape, MODELS)),
    judge="|".join(map(re.escape, [*JUDGES, "none"])),


LAYOUT, OPTIONS = Layout(config), Options(config)
sample_runs, seed_runs, generation_jobs = LAYOUT.sample_runs, LAYOUT.seed_runs, LAYOUT.generation_jobs
sample_file, judge_pairs, gpus = LAYOUT.sample_file, LAYOUT.judge_pairs, LAYOUT.gpus


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
    return [LAYOUT.grades_file(wildcards.model, benchmark) for benchmark in BENCHMARKS]


def grades_manifests(wildcards):
    """What graded each file of samples, and their hashes."""
    return [path.replace(".parquet", ".manifest.json") for path in grades_files(wildcards)]


def grouped_problems_files(wildcards):
    """Rows with the levels and subjects of the problems, in the order of grades_files()."""
    if wildcards.model in SERVED:
        return [f"data/{benchmark}.jsonl" for benchmark in BENCHMARKS]
    return [sample_file(wildcards.model, benchmark, sample_runs(wildcards.model)[0]) for benchmark in BENCHMARKS]


def judged_files(wildcards):
    """Judged files behind one summary; none where no judge is configured."""
    if wildcards.judge == "none":
        return []
    return [judged for _, judged in judge_pairs(wildcards.model, wildcards.judge)]


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


def checkpoint_manifest(wildcards):
    """An endpoint has no checkpoint."""
    return [] if engine_kind(MODELS[wildcards.model]["engine"]).hosted else f"models/{wildcards.model}/manifest.json"


def build_gpus(wildcards):
    """A TensorRT-LLM engine is built on the kind of GPU that it will run on."""
    return gpus(wildcards.model)


def judge_engine(judge):
    """Engine of a judge that the judging job serves itself."""
    served = OPTIONS.served_judge(judge)
    return [f"models/{served}/engine/engine.json"] if served else []


def all_judged_files(wildcards):
    """Judged files of one model under all judges."""
    return [judged for judge in JUDGES for _, judged in judge_pairs(wildcards.model, judge)]


def model_sample_files(wildcards):
    """All sample runs of one model on all benchmarks."""
    return [sample_file(wildcards.model, b, run) for b in BENCHMARKS for run in sample_runs(wildcards.model)]


def samples_folder(wildcards):
    """Where the sample files of a model lie, in one folder for each benchmark."""
    return LAYOUT.samples_folder(wildcards.model)


def unjudged_majority_files(wildcards):
    """Majority answers of one model; none where a judge has them in its own files."""
    voted = seed_runs(wildcards.model) and not JUDGES
    return [LAYOUT.majority_file(wildcards.model, b) for b in BENCHMARKS if voted]


def agreement_files():
    """The comparison of the judges of each model, where there are several."""
    return expand("results/{model}/judged/agreement.md", model=MODELS if len(JUDGES) > 1 else [])


def names_of(models):
    """Pattern of a wildcard that takes these names only, or none."""
    return "|".join(map(re.escape, models)) or "(?!)"


def benchmark_files():
    return [f"data/{benchmark}.jsonl" for benchmark in dict.fromkeys([*BENCHMARKS, *ORIGINS]) if SERVED]


def checkpoint_files():
    return [f"models/{model}/manifest.json" for model in SERVED if not engine_kind(MODELS[model]["engine"]).hosted]


def greedy_files():
    return [sample_file(model, b, "greedy") for model in MODELS if "greedy" in sample_runs(model) for b in BENCHMARKS]


def all_sample_files():
    return [sample_file(model, b, run) for model in MODELS for run in sample_runs(model) for b in BENCHMARKS]


def all_grades_files():
    return [LAYOUT.grades_file(model, b) for model in MODELS for b in BENCHMARKS]


def majority_files():
    return [LAYOUT.majority_file(model, b) for model in MODELS if seed_runs(model) for b in BENCHMARKS]


def summary_files():
    return [LAYOUT.summary_file(model, judge) for model in MODELS for judge in JUDGES or ["none"]]


def methods_files():
    return [LAYOUT.methods_file(model, judge) for model in MODELS for judge in JUDGES or ["none"]]


def summary_folders():
    return [os.path.dirname(path) for path in summary_files()]


def comparison_files():
    """One comparison per pair of models that the configuration asks for, and judge."""
    pairs = [f"{model}-vs-{other}" for model, other in config["compare"]]
    return expand("results/compare/{pair}/{judge}/comparison.md", pair=pairs, judge=JUDGES or ["none"])


def sample_folders():
    """The samples of each model, as the report's viewer reads them."""
    return [LAYOUT.report_folder(model) for model in MODELS]


def comparison_tables():
    return [f"{os.path.dirname(path)}/comparison.csv" for path in comparison_files()]


def exported_folders():
    """Samples, results, or both, of all models."""
    formats = {"export": OPTIONS.exported(SAMPLE_FORMATS), "records": OPTIONS.exported(RESULT_FORMATS)}
    return expand("results/{model}/{folder}", model=MODELS, folder=[name for name in formats if formats[name]])


def model_summary_folders(wildcards):
    """The summaries of one model, in the order of the judges."""
    return [os.path.dirname(LAYOUT.summary_file(wildcards.model, judge)) for judge in JUDGES or ["none"]]


def model_manifests(wildcards):
    """What stands behind each of them; it is written last."""
    return [f"{folder}/manifest.json" for folder in model_summary_folders(wildcards)]


# Of a part of the training set; DATASET stands in dataset.smk.


def part_problems(wildcards):
    """The problems of a part."""
    return DATASET.part(wildcards.stage, wildcards.part).problems


def part_samples(wildcards):
    """All sample runs of a part."""
    return DATASET.part(wildcards.stage, wildcards.part).sample_files


def part_labels(wildcards):
    """The labels of new problems; the others have references."""
    return f"datasets/{DATASET.name}/labels/{wildcards.part}.jsonl" if wildcards.stage == "new-solutions" else []


def labels_option(wildcards):
    """`--labels FILE` for filter_solutions.py."""
    labels = part_labels(wildcards)
    return ["--labels", labels] if labels else []


def part_source(wildcards):
    """What the set's column problem_source says."""
    return DATASET.part(wildcards.stage, wildcards.part).source


def part_origin(wildcards):
    """The benchmark that a part comes from."""
    return DATASET.part(wildcards.stage, wildcards.part).origin


def earlier_problems(wildcards):
    """New problems of the runs before this one."""
    return DATASET.problem_files(wildcards.origin)[: int(wildcards.seed)]


def problems_prompt(wildcards):
    """The prompt whose examples no new problem may copy."""
    return prompt_file(config["dataset"]["origins"][wildcards.origin]["problems"]["prompt"])


def problems_prompt_sha256(wildcards):
    """Hash of its text."""
    return text_sha256(problems_prompt(wildcards))


def training_pages(wildcards):
    """What the report shows of the trainings behind its models; TRAINING stands in training.smk."""
    return TRAINING.pages


def judge_environment(judge):
    """Conda environment of a judge that the job serves itself; else that of the scripts."""
    served = OPTIONS.served_judge(judge)
    return OPTIONS.engine_environment(served) if served else "../envs/workflow.yaml"


def judge_image(judge):
    """Its container, likewise."""
    served = OPTIONS.served_judge(judge)
    return (served and OPTIONS.engine_setting(served, "image")) or None
