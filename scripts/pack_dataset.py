r"""Pack the kept solutions of all parts: train.parquet, smaller sets, card.md, counts.json, manifest.json.

    python scripts/pack_dataset.py --name demo --teacher smollm2-135m --kept datasets/demo/kept/*/*.parquet \
        --subsets 1000 --output-dir datasets/demo

Read it by `datasets.load_dataset("parquet", data_files="datasets/demo/train.parquet")`. What filter_solutions.py counted is read
from beside each kept file; --sample-manifests are those of the grades, which name every sample file by its sha256.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.arguments import whole
from openmath.errors import InputError, parts_of, run_command

if TYPE_CHECKING:
    from openmath.dataset.kept import Counts


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--name", required=True)
    add("--teacher", required=True, help="the model's name, for the card")
    add("--kept", required=True, nargs="+", type=Path, help="of filter_solutions.py, in order")
    add("--new-problems", nargs="*", default=[], type=Path, help="counts.json files of collect_problems.py")
    add("--clean-problems", nargs="*", default=[], type=Path, help="counts.json files of decontaminate_problems.py")
    add("--subsets", nargs="*", default=[], type=whole(1), metavar="ROWS", help="rows of smaller sets")
    add("--seed", type=whole(0), default=42, help="of the shuffle")
    add("--sample-manifests", nargs="*", default=[], type=Path, help="manifests of the grades")
    add("--engine", type=Path, help="the teacher's engine.json")
    add("--config-json", action="store_true", help="the configuration as JSON on standard input, to be recorded")
    add("--output-dir", required=True, type=Path)
    return parser.parse_args()


def counts_of(paths: list[Path]) -> dict[str, dict]:
    """Part -> what was counted of its problems."""
    from openmath.files.json_files import read_json

    return {path.name.removesuffix(".counts.json"): read_json(path, "the counts of new problems") for path in paths}


def main() -> None:
    options = parse_arguments()

    import json

    from openmath.dataset.behind import licences_of
    from openmath.dataset.card import SetCounts, card
    from openmath.dataset.packing import pack
    from openmath.files.fingerprint import identity, write_manifest
    from openmath.files.json_files import read_json
    from openmath.files.rows import write_text
    from openmath.machine import machine, versions
    from openmath.provenance.public import check_no_secret, public
    from openmath.settings.dataset_layout import subset_name

    folder = options.output_dir
    parts = [read_json(path.with_suffix(".counts.json"), "the counts of kept solutions") for path in options.kept]
    if not any(part["kept"] for part in parts):
        raise InputError(
            "No solution is left for the set.", where=folder, found=losses(parts), hint="which step took them all?"
        )
    names = {"train": None} | {subset_name(rows): rows for rows in options.subsets}
    files = {folder / f"{name}.parquet": rows for name, rows in names.items()}
    sizes, problems = pack(options.kept, files, options.seed)
    for path, rows in files.items():
        if rows is not None and sizes[path] < rows:
            print(f"warning: {path} has all {sizes[path]:,} rows, not {rows:,}: there are no more", file=sys.stderr)
    counts: SetCounts = {
        "parts": parts,
        "new_problems": counts_of(options.new_problems),
        "clean_problems": counts_of(options.clean_problems),
        "sets": {path.stem: rows for path, rows in sizes.items()},
        "problems": problems,
    }
    with parts_of("the counts of kept solutions", folder):
        expected = sum(part["kept"] for part in parts)
        if expected != counts["sets"]["train"]:
            raise InputError(
                "Kept solutions and their counts do not agree.", where=folder, expected=expected, found=counts["sets"]
            )
        text = card(options.name, options.teacher, counts, licences_of(counts["parts"]))
    write_manifest(folder / "counts.json", counts)
    write_text(folder / "card.md", text)
    manifest = {
        "dataset": options.name,
        "seed": options.seed,
        "sets": {path.name: identity(path) | {"rows": rows} for path, rows in sizes.items()},
        "kept": {str(path): identity(path) for path in options.kept},
        "samples": {str(path): read_json(path, "the manifest of grades") for path in options.sample_manifests},
        "engine": read_json(options.engine, "the description of an engine") if options.engine else None,
        "config": json.load(sys.stdin) if options.config_json else None,
        "machine": machine(),
        "versions": versions(),
    }
    manifest = public(manifest)
    check_no_secret(json.dumps(manifest))
    write_manifest(folder / "manifest.json", manifest)
    print(f"{folder}: {', '.join(f'{name} {rows:,}' for name, rows in counts['sets'].items())} rows")


def losses(parts: list["Counts"]) -> str:
    """What was written, what was correct, and what each filter has left."""
    written, correct = (sum(part[key] for part in parts) for key in ("samples", "correct"))
    steps = [
        f"after {name} {sum(one['after'] for part in parts for one in part['filters'] if one['filter'] == name):,}"
        for name in dict.fromkeys(one["filter"] for part in parts for one in part["filters"])
    ]
    return ", ".join([f"{written:,} solutions written, {correct:,} correct", *steps])


if __name__ == "__main__":
    run_command(main)
