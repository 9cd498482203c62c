"""What each stage writes down beside its result, as JSON objects; docs/provenance.md lists the files.

CheckpointRecord    models/{model}/manifest.json, by download_checkpoint.py
BenchmarkRecord     data/{benchmark}.manifest.json, by prepare_benchmark.py
EngineRecord        models/{model}/engine/engine.json, by build_engine.py
JobRecord           a line of results/{model}/.staging/jobs.jsonl, by generate.py: openmath/generation/progress.py
GradesRecord        results/{model}/grades/{benchmark}.manifest.json, by grade_answers.py
MajorityRecord      .../output-majority.manifest.json, by fill_majority.py
JudgedRecord        results/{model}/judged/{judge}/{benchmark}/{mode}.manifest.json, by judge_answers.py
SummaryRecord       results/{model}/summary/{judge}/manifest.json, by write_methods.py

`sha256` is of the bytes of a file, in hex; a fingerprint is of settings, 16 hex digits (openmath/files/fingerprint.py).
"""

from typing import NotRequired, TypedDict

from openmath.files.fingerprint import FileIdentity


class Gpus(TypedDict, total=False):
    """Empty without an NVIDIA GPU."""

    gpus: list[str]  # their names
    gpu_memory_mib: list[str]
    driver: str
    cuda: str  # the newest version that the driver knows


class Machine(Gpus):
    cpu: str
    cores: int | None  # that this process may use
    memory_gib: int
    system: str


class Calls(TypedDict):
    """What some verdicts cost."""

    calls: int
    num_prompt_tokens: int
    num_generated_tokens: int
    usd: float


class CheckpointRecord(TypedDict):
    source: str  # hf:REPOSITORY, pypi:NAME, or path
    revision: str | None  # commit or version; None of a local folder
    files: dict[str, str]  # name -> sha256:HEX, or sampled-sha256:HEX of a large file
    # Fingerprint of what was asked for: a path may hold a name. Not in the manifest of a summary.
    requested: NotRequired[str]
    adapter: NotRequired["CheckpointRecord"]  # a LoRA adapter that is served on it


class BenchmarkRecord(TypedDict):
    benchmark: str  # its name
    source: str  # URL or path
    source_sha256: str  # of the file as it arrived
    prepared_sha256: str  # of data/{benchmark}.jsonl
    problems_sha256: str  # of problems and references alone
    rows: int
    registered_rows: int  # of the whole benchmark
    cleaning: list[str]


class EngineIdentity(TypedDict):
    """What can change an engine's answers."""

    engine: str  # its name
    version: str  # in the words of its program
    # source and revision; of a checkpoint also `files`, the fingerprint of all its files, and the same three of its `adapter`
    model: dict[str, str | dict | None]
    settings: dict  # openmath/settings/sample_settings.py: engine_settings


class EngineRecord(EngineIdentity):
    checkpoint: NotRequired[str]  # its folder; none of an endpoint
    weights: NotRequired[str]  # folder of a converted engine, or file of a copy of the weights
    adapter: NotRequired[str]  # folder of a LoRA adapter


class GradesRecord(TypedDict):
    grader_version: int
    policy: str  # default or paper
    samples: dict[str, FileIdentity]  # sample run -> its file as graded
    problems: FileIdentity | None  # the benchmark; None where rows were graded against their own references
    grades: FileIdentity
    rows: int  # samples
    distinct_answers: int  # pairs of problem and answer
    unsettled: int  # of these pairs: not settled within the limits
    seconds: float  # by the clock
    machine: Machine
    versions: dict[str, str]


class MajorityRecord(TypedDict):
    policy: str
    sample_runs: list[str]  # that have a vote
    grades: FileIdentity | None  # None where the samples were graded on the way
    problems: FileIdentity
    answers: FileIdentity  # output-majority.jsonl


class CostOfRun(TypedDict):
    """Of one run of judge_answers.py, over all its files."""

    paid_in_this_run: Calls
    seconds: float  # by the clock


class JudgedRecord(CostOfRun):
    input: str  # file name of the answers
    judge: object  # model snapshot of a hosted judge; engine, version, model and settings of a self-hosted one
    settings: str  # fingerprint of judge, prompt and sampling
    prompt: str  # fingerprint
    prompt_sha256: str
    sampling: dict[str, float]  # arguments of every request
    policy: str
    cascade: bool  # asked only where the symbolic grader says no
    rows: int
    prefilled: dict[str, int]  # rows that needed no call, by the reason: no_answer, identical, symbolic
    verdicts: dict[str, int]  # rows by yes, no, unparsed
    outcomes: dict[str, int]  # rows without a verdict: cut, empty, refused
    delimited: int  # rows whose answer holds words for a judge
    answered_by: dict[str, int]  # verdicts by the server's own words: model and system_fingerprint
    verdicts_used: Calls  # whenever they were paid
    asked_without: dict[str, int]  # verdicts by the parts of `sampling` that the endpoint refused by name
    answers: FileIdentity
    judged: FileIdentity
    machine: Machine
    versions: dict[str, str]


class SummaryRecord(TypedDict):
    """Public: no path of a machine and no secret is in it. `None` where a stage has no part in the summary."""

    format: int  # raised when a reader of older manifests would misunderstand them
    model: str
    judge: str  # its name, or none
    workflow: dict  # commit, modified, version, code: openmath/provenance/workflow.py
    config: dict  # what of the configuration the summary rests on
    benchmarks: dict[str, BenchmarkRecord]
    checkpoint: CheckpointRecord | None
    training: NotRequired[dict]  # training.json of a model that came out of one
    engine: EngineRecord | None
    generation: dict  # settings with their sample files, machines, versions, engine_args
    tokens: dict[str, dict[str, int | None]]  # benchmark -> prompt and generated, of all samples
    grading: dict  # grader_version, policy, counts of each benchmark, machines, versions
    judging: dict | None  # judge, settings, counts and costs of each file, machines, versions
    results: dict[str, dict]  # benchmark -> problems, modes, intervals: methods of the confidence intervals
    summary: dict  # machine and versions that made the tables
    times: dict  # seconds by the clock, and GPU seconds of generation; the one part that differs between equal runs
    files: NotRequired[dict[str, FileIdentity]]  # path -> file, from the benchmark to the tables; added last
