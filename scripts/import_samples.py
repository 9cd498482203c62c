r"""Import samples that another tool has left: say what they are, and write them in our layout with a configuration for them.

    python scripts/import_samples.py downloads/their-results
    python scripts/import_samples.py downloads/their-results --out imported/theirs --config theirs.yaml

Reads NeMo-Skills (2024 to 2026), lm-evaluation-harness, inspect_ai, lighteval and CSV (docs/import.md). Problems are compared with
the benchmarks prepared in data/. FOLDER stays as it is. Writes, all or nothing:

    OUT/MODEL/BENCHMARK/output-greedy.jsonl, output-rs0.jsonl, ...     the samples
    OUT/import.json                                                    what they were made from, with hashes
    OUT/my.yaml, or --config                                           what to give to snakemake --configfile
"""

import argparse
import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.errors import InputError, printable, run_command
from openmath.files.rows import write_text

if TYPE_CHECKING:
    from openmath.foreign.publishing import Publication

DATA = Path("data")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what the tool has written, or one file of it")
    parser.add_argument("--out", type=Path, help="folder to write into (default: imported/NAME OF FOLDER)")
    parser.add_argument("--config", type=Path, help="configuration to write (default: OUT/my.yaml)")
    options = parser.parse_args()

    from openmath.files.fingerprint import write_manifest
    from openmath.foreign.findings import configurations, findings_text, record
    from openmath.foreign.folder import look
    from openmath.foreign.found import folder_name
    from openmath.foreign.importing import publications, read_models
    from openmath.foreign.matching import prepared_benchmarks

    out = options.out or Path("imported") / folder_name(options.folder.resolve().name)
    found = look(options.folder, own=out.resolve())
    out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        # Without a name: nothing is left of them, however this ends.
        spools = (stack.enter_context(tempfile.TemporaryFile(dir=out)) for _ in found.sources)
        models = read_models(found, spools)
        benchmarks = prepared_benchmarks(DATA)
        publishable = {model.name: publications(model, benchmarks) for model in models}
        configs = configurations(
            {m: [one.imported for one in of_model] for m, of_model in publishable.items()}, str(out)
        )
        if not configs:
            raise InputError("No sample can be imported.", where=options.folder)
        paths = config_paths(options.config or out / "my.yaml", len(configs))
        check_free(out, publishable, paths)
        imported = {
            model: [one.write(out / model / one.imported.name) for one in of_model if one.runs]
            for model, of_model in publishable.items()
        }
    compare_references(publishable)
    write_manifest(out / "import.json", record(imported))
    for path, config in zip(paths, configs, strict=True):
        write_text(path, config_text(config))
    print(printable(findings_text(imported, found)), end="")
    for path in paths:
        print(printable(f"next: snakemake --cores {os.cpu_count() or 1} --configfile {path}"))


def config_paths(first: Path, count: int) -> list[Path]:
    """Where the configurations go: my.yaml, my-2.yaml, ..."""
    return [first] + [first.with_name(f"{first.stem}-{number}{first.suffix}") for number in range(2, count + 1)]


def check_free(out: Path, publishable: "dict[str, list[Publication]]", configs: list[Path]) -> None:
    """Raise InputError where something of others would be written over, or mixed with what is imported."""
    from openmath.foreign.findings import MADE_BY

    for path in configs:
        if path.exists() and not path.read_text(errors="replace").startswith(MADE_BY):
            raise InputError("A configuration is there already.", where=path, hint="name another file: --config.")
    for model, benchmarks in publishable.items():
        for one in benchmarks:
            folder = out / model / one.imported.name
            ours = {f"output-{run}.jsonl" for run in one.runs}
            others = sorted(path for path in folder.glob("output*") if path.name not in ours)
            if others:
                found, hint = f"{others[0].name} ({len(others)} files)", "import into another folder: --out."
                raise InputError(
                    "The folder holds samples that are not imported now.", where=folder, found=found, hint=hint
                )


def compare_references(publishable: "dict[str, list[Publication]]") -> None:
    """A warning for each benchmark in which references are not ours, and how many of them differ in value."""
    from openmath.grading.pool import GraderPool

    for benchmarks in publishable.values():
        for one in benchmarks:
            pairs = list(one.references())
            if not pairs:
                continue
            with GraderPool(min(2, os.cpu_count() or 1)) as pool:
                differing = [
                    pair for pair, grade in zip(pairs, pool.grade_pairs(pairs), strict=True) if not grade.correct
                ]
            example = f", as {differing[0][0]!r:.60} for our {differing[0][1]!r:.60}" if differing else ""
            one.warnings.append(
                f"references spelled otherwise than ours: {len(pairs):,}, other in value: {len(differing):,}{example}; theirs count"
            )


def config_text(config: dict) -> str:
    """A configuration as a file."""
    import yaml

    from openmath.foreign.findings import MADE_BY

    return (
        f"{MADE_BY} Every key: config/README.md; judges, other policies and models can be added.\n\n"
        + yaml.safe_dump(config, sort_keys=False)
    )


if __name__ == "__main__":
    run_command(main)
