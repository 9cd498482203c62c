"""Where the files of a manifest lie on this machine. A manifest is public: its paths are relative, or cut to their last part."""

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.files.yaml_files import read_yaml
from openmath.provenance.public import public


def root_of(summary: Path, manifest: dict) -> Path:
    """The folder that the paths of a manifest start from: of those that can be it, the one that holds most of the files.

    summary: results/MODEL/summary/JUDGE, in which any folder may be a link to another disk.
    """
    shell = os.environ.get("PWD", "")  # knows the links by which it came to the working directory
    places = [Path(os.path.abspath(summary)), summary.resolve(), Path(os.path.abspath(os.path.join(shell, summary)))]
    places.append(Path.cwd() / "results" / manifest["model"] / "summary" / manifest["judge"])
    same = [place for place in places if len(place.parents) > 3 and place.exists() and place.samefile(summary)]
    roots = [place.parents[3] for place in same]
    return max(
        roots, default=summary.resolve(), key=lambda root: sum((root / path).exists() for path in manifest["files"])
    )


def samples_folder(root: Path, model: str, recorded: str) -> Path:
    """Where imported samples lie; each file is compared with its hash later. recorded: as the manifest names the folder.

    As Snakemake has recorded it of the jobs that graded them, or as the configurations in the checkout say.
    """
    if (root / recorded).exists():
        return root / recorded
    for folder in _graded_folders(root, model):
        if public(folder) == recorded and (root / folder).is_dir():
            return root / folder
    for path in sorted([*root.glob("*.y*ml"), *root.glob("config/*.y*ml")]):
        try:
            config = read_yaml(path, "a configuration")
            folder = config["models"][model]["samples"]  # type: ignore[index]
        except (InputError, LookupError, TypeError):
            continue  # another file, or of other models
        if isinstance(folder, str) and public(folder) == recorded and (root / folder).is_dir():
            return root / folder
    return root / recorded


def _graded_folders(root: Path, model: str) -> Iterator[str]:
    """Folders of benchmarks whose files were graded, from Snakemake's record of each table of grades: a configuration elsewhere
    may have named them."""
    for grades in sorted((root / f"results/{model}/grades").glob("*.parquet")):
        name = urlsafe_b64encode(str(grades.relative_to(root)).encode()).decode()
        record = root / ".snakemake/metadata" / name
        try:
            inputs = read_json(record, "a record of Snakemake")["input"]
            yield from dict.fromkeys(str(Path(path).parents[1]) for path in inputs)
        except (InputError, OSError, LookupError, TypeError):
            continue  # not there, or of another form: `--persistence-backend`, a long name
