r"""The results of one model, without its samples, as other programs read them.

    python scripts/export_metrics.py results/m/summary/gpt-4o --output results/m/records --publisher-name "Our group"

    table/results.csv, results.parquet         one row a result, for pandas and spreadsheets
    hub/.eval_results/BENCHMARK.yaml           for a model repository of the Hugging Face Hub
    eee/data/.../UUID.json                     a record of Every Eval Ever, schema 0.3.0
    lm-eval/results_MODEL.json                 as lm-evaluation-harness writes its results

Give the summaries of one model, first that of the judge whose verdicts count: metrics.json, questions.parquet and manifest.json of
each are read. What the forms hold: docs/export.md.
"""

import argparse
import json
from pathlib import Path

from openmath.errors import InputError, parts_of, run_command
from openmath.files.rows import atomic_write, write_text
from openmath.settings import defaults


def main() -> None:
    options = parse_arguments()
    if options.output.is_dir() and any(options.output.iterdir()):
        raise InputError("The output folder is not empty.", where=options.output, hint="name another folder.")

    from openmath.provenance.public import check_no_secret
    from openmath.results.finished import read_finished

    folders = ", ".join(map(str, options.summaries))
    with parts_of("the summaries of a model", folders):
        finished = read_finished(options.summaries)
        contents: dict[Path, str] = {}
        if "hub" in options.formats:
            contents |= hub_files(finished, options)
        if "eee" in options.formats:
            contents |= eee_files(finished, options)
        if "lm-eval" in options.formats:
            contents |= lm_eval_files(finished)
        for text in contents.values():
            check_no_secret(text)
        for path, text in contents.items():
            write_text(options.output / path, text)
        if "table" in options.formats:
            write_table(options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("summaries", nargs="+", type=Path, help="results/MODEL/summary/JUDGE, of one model")
    add("--output", required=True, type=Path, help="a new or empty folder")
    add(
        "--formats",
        nargs="+",
        choices=defaults.RESULT_FORMATS,
        default=defaults.RESULT_FORMATS,
        help="all, if left out",
    )
    add("--judge-prompts", nargs="*", default=[], metavar="JUDGE=FILE", help="whose text a record shows")
    add("--publisher-name", help="who publishes the results")
    add("--publisher-url", help="address that explains them")
    add("--publisher-relationship", choices=defaults.RELATIONSHIPS, help="of the publisher to the model's makers")
    return parser.parse_args()


def publisher(options: argparse.Namespace) -> dict[str, str]:
    """Those of name, url and relationship that are given."""
    given = {key: getattr(options, f"publisher_{key}") for key in ("name", "url", "relationship")}
    return {key: value for key, value in given.items() if value}


def write_table(options: argparse.Namespace) -> None:
    from openmath.files.text_tables import csv_text
    from openmath.results.load import results_table

    results = results_table([folder.absolute() for folder in options.summaries])
    write_text(options.output / "table/results.csv", csv_text(results))
    with atomic_write(options.output / "table/results.parquet") as file:
        results.to_parquet(file, index=False)
    print(f"table: {len(results)} results")


def hub_files(finished, options: argparse.Namespace) -> dict[Path, str]:
    import yaml

    from openmath.benchmarks.registry import read_registry
    from openmath.results.hub_results import hub_entries, hub_readme

    entries, missing = hub_entries(finished, read_registry(), publisher(options))
    for name, reason in missing.items():
        print(f"hub: no entry for {name}: {reason}")
    files = {Path("hub/README.md"): hub_readme(finished, entries, missing)}
    for name, content in entries.items():
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        files[Path("hub/.eval_results") / f"{name}.yaml"] = text
    return files


def eee_files(finished, options: argparse.Namespace) -> dict[Path, str]:
    import time

    from openmath.results.every_eval_ever import record

    prompts = dict(judge_prompt(finished, argument) for argument in options.judge_prompts)
    path, content = record(finished, prompts, publisher(options), time.time())
    return {Path("eee") / path: json.dumps(content, indent=2, ensure_ascii=False) + "\n"}


def judge_prompt(finished, argument: str) -> tuple[str, str]:
    """(judge, text of its prompt) of JUDGE=FILE; "" where the file has changed since it judged."""
    from openmath.files.fingerprint import canonical_json, sha256_text
    from openmath.judging.settings import read_judge_prompt

    judge, _, path = argument.partition("=")
    prompt = read_judge_prompt(path)
    judging = finished.manifests.get(judge, {}).get("judging") or {}
    same = judging.get("prompt_sha256") == sha256_text(canonical_json(prompt))
    return judge, "\n\n".join(filter(None, [prompt["system"], prompt["user"]])) if same else ""


def lm_eval_files(finished) -> dict[Path, str]:
    from openmath.results.lm_eval import lm_eval_results

    text = json.dumps(lm_eval_results(finished), indent=2, ensure_ascii=False) + "\n"
    return {Path("lm-eval") / f"results_{finished.model}.json": text}


if __name__ == "__main__":
    run_command(main)
