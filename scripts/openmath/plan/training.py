"""What trainings take: hours by the measured or stated speed, disk for checkpoints. Only of those that are not finished."""

from collections.abc import Iterator
from pathlib import Path

from openmath.files.json_files import read_json
from openmath.plan.files import Inventory
from openmath.settings.training_layout import RECIPE, SPEED, TrainingLayout
from openmath.training.curve import read_curve
from openmath.training.memory import Shape, disk_bytes, shape_of
from openmath.training.recipe import Recipe, read_recipe

RECENT_STEPS = 50  # whose speed counts


def training_costs(inventory: Inventory) -> Iterator[dict]:
    """Of each training to run: steps left, tokens, seconds, gpu_hours (None: no speed is known), disk_bytes (None: the base is not
    here yet), and what that rests on, in words."""
    layout = TrainingLayout(inventory.config)
    for run, settings in layout.runs.items():
        record = f"training/{run}/training.json"
        wanted = record in inventory.due if inventory.due is not None else not Path(record).exists()
        if wanted:
            yield _cost(run, settings, recipe_of(layout, run), base_shape(inventory.config, settings["base"]))


def recipe_of(layout: TrainingLayout, run: str) -> Recipe:
    return read_recipe({key: layout.runs[run][key] for key in (*RECIPE, *SPEED)})


def base_shape(config: dict, base: str) -> Shape | None:
    """The sizes of a base, where its checkpoint is here and a HF one."""
    path = Path(config["models"][base].get("path", f"models/{base}/checkpoint"), "config.json")
    return shape_of(read_json(path, "the model's configuration")) if path.is_file() else None


def _cost(run: str, settings: dict, recipe: Recipe, shape: Shape | None) -> dict:
    path = Path(f"training/{run}/curve.csv")
    points = read_curve(path)[-RECENT_STEPS:] if path.exists() else []
    left = recipe.steps - (points[-1].step if points else 0)
    if points:
        per_step, speed = points[-1].tokens / points[-1].step, settings.get("tokens_per_second")
        times = [point.tokens_per_second for point in points if point.tokens_per_second > 0]
        speed = len(times) / sum(1 / one for one in times) if times else speed
        source = f"{speed:,.0f} tokens/s measured on {len(times)} steps" if times else "no speed measured"
    else:
        per_step, speed = recipe.batch_size * recipe.max_length, settings.get("tokens_per_second")
        said = (
            f"{speed:,.0f} tokens/s stated (tokens_per_second)"
            if speed
            else "no speed known: training: tokens_per_second"
        )
        source = f"{said}; at most {recipe.max_length:,} tokens a row"
    seconds = left * per_step / speed if speed else None
    gpus = settings["gpus"] * settings["nodes"]
    return {
        "run": run,
        "steps": left,
        "tokens": round(left * per_step),
        "hours": None if seconds is None else seconds / 3600,
        "gpu_hours": None if seconds is None else gpus * seconds / 3600,
        "disk_bytes": disk_bytes(shape, recipe) if shape else None,
        "assumptions": [source],
    }
