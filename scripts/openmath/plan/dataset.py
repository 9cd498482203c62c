"""What a training set's samples take: which are there, and the teacher's time for those that are not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from openmath.errors import InputError
from openmath.files.append_only import kept_rows
from openmath.generation.progress import is_job
from openmath.plan.files import FileToJudge, Inventory, Stage, count_lines, finished_samples
from openmath.plan.speed import RECENT_JOBS, ROW_BYTES, TOKEN_BYTES, Speed, finished_jobs, measure_speed
from openmath.settings.dataset_layout import NEW_SOLUTIONS, DatasetLayout, SamplingJob
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.same_problems import Comparison, comparisons


@dataclass
class Step:
    """One stage of one origin. files: counts; samples, tokens, disk (bytes): of what is missing; jobs: seconds of each."""

    name: str
    files: Stage
    speed: Speed
    samples: int = 0
    tokens: float = 0.0
    disk: float = 0.0
    jobs: list[float] = field(default_factory=list)


def dataset_steps(inventory: Inventory) -> Iterator[Step]:
    """All stages of all origins, in order, for a configuration with `dataset`."""
    layout = DatasetLayout(inventory.config)
    steps: dict[tuple[str, str], Step] = {}
    for job in layout.jobs:
        step = steps.get((job.stage, job.origin))
        if step is None:
            name = f"{job.stage} of {job.origin}"
            speed = _speed(inventory, layout, job)
            step = steps[job.stage, job.origin] = Step(name, Stage(layout.folder, name, "generation"), speed)
        _add(step, job, inventory, layout)
    yield from steps.values()


def _add(step: Step, job: SamplingJob, inventory: Inventory, layout: DatasetLayout) -> None:
    """Count the files of one job."""
    problems = [_problems(path, job, inventory) for path in job.problems]
    left = 0
    for number, path in enumerate(job.outputs):
        wanted = path in inventory.due if inventory.due is not None else not Path(path).exists()
        if not wanted:
            step.files.present += Path(path).exists()
            continue
        staging = Path(layout.folder, ".staging", job.stage, job.origin)
        staged = max(map(finished_samples, staging.glob("*/{}/{}".format(*path.split("/")[-2:]))), default=0)
        step.files.partial += staged > 0
        step.files.missing += staged == 0
        left += max(0, problems[number % len(problems)] - staged)
    if left:
        per_sample, speed = step.speed.tokens[job.origin], step.speed
        copies = inventory.config["generation"].get("engines_per_job", 1)
        step.samples += left
        step.tokens += left * per_sample
        step.disk += left * speed.bytes[job.origin]
        step.jobs.append(
            speed.start_seconds + speed.ramp_seconds + left * per_sample / (speed.tokens_per_second * copies)
        )


def _problems(path: str, job: SamplingJob, inventory: Inventory) -> int:
    """Problems of a file; of new ones that are not written yet as many as they are made from: each could be good."""
    if job.stage == NEW_SOLUTIONS and Path(path).exists():
        return count_lines(path)
    return inventory.problems(job.origin)


def pairs_to_judge(inventory: Inventory, judge: str) -> Iterator[FileToJudge]:
    """Pairs with a test problem that a judge is still to compare; none where nobody wants it."""
    for one in comparisons(inventory.config):
        if one.judged is None or one.settings["judge"] != judge:
            continue
        if one.judged in inventory.due if inventory.due is not None else not Path(one.judged).exists():
            exists = Path(one.pairs).exists() and one.pairs not in (inventory.due or ())
            most = 0 if exists else 2 * one.settings["top"] * _compared(one, inventory)  # each pair in both orders
            yield FileToJudge(one.name, one.origin or "", one.pairs, exists, one.settings["prompt"], most)


def _compared(comparison: Comparison, inventory: Inventory) -> int:
    """The most problems that will be compared: of rows with the same problem one is."""
    written = [_rows(path) for path in map(Path, comparison.problems) if path.is_file()]
    if not written and comparison.origin:
        return inventory.problems(comparison.origin)
    return sum(written)


def _rows(path: Path) -> int:
    """Rows of .parquet or JSON lines; of parquet only the footer is read."""
    if path.suffix != ".parquet":
        return count_lines(path)
    from pyarrow.parquet import read_metadata

    try:
        return read_metadata(path).num_rows
    except (OSError, ValueError) as error:  # pyarrow's own is a ValueError
        raise InputError("Cannot read the training set.", where=path, found=" ".join(str(error).split())) from None


def _speed(inventory: Inventory, layout: DatasetLayout, job: SamplingJob) -> Speed:
    """Measured on this stage's own jobs; else the engine's speed on those of an evaluation, and the length assumed."""
    config, teacher = inventory.config, layout.dataset["teacher"]
    generation, engine = config["generation"], config["models"][teacher]["engine"]
    path = Path(layout.folder, ".staging", job.stage, job.origin, "jobs.jsonl")
    own = [one for one in kept_rows(path, is_job) if one["tokens"] and one["seconds"]] if path.exists() else []
    speed = Speed(generation["tokens_per_second"], engine_kind(engine).start_seconds)
    speed.sources.append(measure_speed(speed, own or finished_jobs(config, teacher)[-RECENT_JOBS:]))
    samples, longest = sum(one["samples"] for one in own), job.drawn["max_new_tokens"]
    speed.longest = longest
    if samples:
        usual = sum(one["tokens"] for one in own) / samples
        speed.sources.append(f"{usual:,.0f} tokens a sample measured on earlier jobs")
    else:
        usual = min(generation["tokens_per_sample"], longest)
        speed.sources.append(f"{usual:,.0f} tokens a sample assumed (generation: tokens_per_sample)")
    speed.tokens[job.origin], speed.bytes[job.origin] = usual, ROW_BYTES + TOKEN_BYTES * usual
    return speed
