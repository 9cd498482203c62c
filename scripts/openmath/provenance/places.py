"""Where the files of a manifest lie on this machine. A manifest is public: its paths are relative, or cut to their last part."""

import os
from pathlib import Path

from openmath.errors import InputError
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
    """Where imported samples lie, as the configurations in the checkout say; each file is compared with its hash later.

    recorded: as the manifest names the folder.
    """
    if (root / recorded).exists():
        return root / recorded
    for path in sorted([*root.glob("*.y*ml"), *root.glob("config/*.y*ml")]):
        try:
            config = read_yaml(path, "a configuration")
            folder = config["models"][model]["samples"]  # type: ignore[index]
        except (InputError, LookupError, TypeError):
            continue  # another file, or of other models
        if isinstance(folder, str) and public(folder) == recorded and (root / folder).is_dir():
            return root / folder
    return root / recorded
