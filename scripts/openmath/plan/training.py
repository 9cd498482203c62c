"""What trainings take: hours by the measured or stated speed, memory, disk for checkpoints. Only of those that are not finished."""

from collections.abc import Iterator
from pathlib import Path

from openmath.files.json_files import read_json
from openmath.plan.files import Inventory
from openmath.settings.training_layout import RECIPE, SPEED, TrainingLayout
from openmath.training.checkpoints import newest_complete
from openmath.training.curve import Point, read_curve
from openmath.training.earlier import MADE_FROM, of_a_step
from openmath.training.fits import disk_left
from openmath.training.memory import Shape, device_bytes, shape_of_checkpoint
from openmath.training.recipe import Recipe, read_recipe

RECENT_STEPS = 50  # whose speed counts


def training_costs(inventory: Inventory) -> Iterator[dict]:
    """Of each training to run: steps left, tokens, seconds, gpu_hours (None: no speed is known), memory_bytes of each device and
    disk_bytes (None: the base is not here yet), and what that rests on, in words."""
    layout = TrainingLayout(inventory.config)
    for run, settings in layout.runs.items():
        record = layout.record(run)
        wanted = record in inventory.due if inventory.due is not None else not Path(record).exists()
        if wanted:
            yield _cost(run, settings, recipe_of(layout, run), base_shape(inventory.config, settings["base"]))


def recipe_of(layout: TrainingLayout, run: str) -> Recipe:
    return read_recipe({key: layout.runs[run][key] for key in (*RECIPE, *SPEED)})


def base_shape(config: dict, base: str) -> Shape | None:
    """The sizes of a base, where its checkpoint is here."""
    return shape_of_checkpoint(Path(config["models"][base].get("path", f"models/{base}/checkpoint")))


def _cost(run: str, settings: dict, recipe: Recipe, shape: Shape | None) -> dict:
    folder = Path("training", run)
    points = _points_of(folder, recipe)
    measured = [point.tokens_per_second for point in points[-RECENT_STEPS:] if point.tokens_per_second > 0]
    speed: float | None
    if measured:
        per_step, speed = points[-1].tokens / points[-1].step, len(measured) / sum(1 / one for one in measured)
        source = f"{speed:,.0f} tokens/s measured on {len(measured)} steps"
    else:
        per_step, speed = recipe.batch_size * recipe.max_length, settings.get("tokens_per_second")
        said = f"{speed:,.0f} tokens/s stated" if speed else "no speed known"
        source = f"{said} (training: tokens_per_second); at most {recipe.max_length:,} tokens a row"
    left = recipe.steps - _step_to_go_on_from(folder, points)
    seconds = left * per_step / speed if speed else None
    devices = settings["gpus"] * settings["nodes"]
    return {
        "run": run,
        "steps": left,
        "tokens": round(left * per_step),
        "hours": None if seconds is None else seconds / 3600,
        "gpu_hours": None if seconds is None else devices * seconds / 3600,
        "memory_bytes": device_bytes(shape, recipe, max(devices, 1)) if shape else None,
        "disk_bytes": disk_left(shape, recipe, folder) if shape else None,
        "assumptions": [source],
    }


def _points_of(folder: Path, recipe: Recipe) -> list[Point]:
    """What an earlier try has measured; nothing where it had another recipe: this training does not go on from it."""
    note = folder / MADE_FROM
    before = read_json(note, "what a training is made from") if note.is_file() else {}
    if before.get("recipe") != of_a_step(recipe) or not (folder / "curve.csv").is_file():
        return []
    return read_curve(folder / "curve.csv")


def _step_to_go_on_from(folder: Path, points: list[Point]) -> int:
    """Of the newest whole checkpoint: later steps of the curve are made again."""
    found = newest_complete(folder, lambda _: None) if points else None
    return found[1]["step"] if found else 0
