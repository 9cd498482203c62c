r"""Export the verdicts of a judge to one file, or import such files: tables are then replayed without a key.

python scripts/exchange_verdicts.py export judgements/gpt-4o --output gpt-4o.verdicts.jsonl
python scripts/exchange_verdicts.py import judgements/gpt-4o --input gpt-4o.verdicts.jsonl
"""

import argparse
from pathlib import Path

from openmath.errors import run_command
from openmath.judging.exchange import export_verdicts, import_verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    export = actions.add_parser("export", help="all verdicts of a store as one file; the same bytes each time")
    export.add_argument("store", type=Path)
    export.add_argument("--output", required=True, type=Path)
    imports = actions.add_parser(
        "import", help="add the verdicts that are not in the store; those that are there stay as they are"
    )
    imports.add_argument("store", type=Path)
    imports.add_argument("--input", required=True, nargs="+", type=Path)
    options = parser.parse_args()
    if options.action == "export":
        print(f"{options.output}: {export_verdicts(options.store, options.output)} verdicts")
        return
    added, same, other = import_verdicts(options.store, options.input)
    print(
        f"{options.store}: {added} verdicts added, {same} were there, {other} were there with another reply (ours stays)"
    )


if __name__ == "__main__":
    run_command(main)
