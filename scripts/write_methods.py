r"""The record behind the tables of one model and judge: manifest.json, and from it methods.md, a paragraph for a paper.

    python scripts/write_methods.py --configfile config/demo.yaml --model smollm2-135m --judge smollm2-135m \
        --summary results/smollm2-135m/summary/smollm2-135m/{tables.txt,metrics.json} \
        --output-dir results/smollm2-135m/summary/smollm2-135m
    python scripts/write_methods.py --manifest results/smollm2-135m/summary/smollm2-135m/manifest.json

The second form prints the paragraph of a manifest. A manifest holds no secret, no path, host or user name: docs/provenance.md.
"""

import argparse
import json
from pathlib import Path

from openmath.arguments import add_config_options
from openmath.errors import InputError, parts_of, printable, run_command
from openmath.files.fingerprint import write_manifest
from openmath.files.rows import write_text


def main() -> None:
    options = parse_arguments()

    from openmath.provenance.manifest import collect
    from openmath.provenance.methods import methods_text
    from openmath.provenance.public import check_no_secret
    from openmath.provenance.stages import read_record
    from openmath.settings.config_options import read_config

    if options.manifest:
        with parts_of("the manifest of a summary", options.manifest):
            text = methods_text(read_record(options.manifest))
        print(printable(text), end="")
        return
    if not (options.model and options.judge and options.summary and options.output_dir):
        raise InputError("Give --model, --judge, --summary and --output-dir, or --manifest alone.")
    config = read_config(options)
    with parts_of("the results of a model", f"results/{options.model}"):
        record = collect(config, options.model, options.judge, options.summary)
        text = methods_text(dict(record))
    check_no_secret(json.dumps(record, ensure_ascii=False))
    write_manifest(options.output_dir / "manifest.json", record)
    write_text(options.output_dir / "methods.md", text)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add_config_options(parser).add_argument("--manifest", type=Path, help="print the paragraph of this manifest")
    add("--model", help="its name in the configuration")
    add("--judge", help="its name in the configuration, or none")
    add("--summary", nargs="+", help="files of the summary: what summarize_results.py has written")
    add("--output-dir", type=Path, help="gets manifest.json and methods.md")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
