r"""List the benchmarks that can be asked for: problems, state here, hash, licence, source; and the groups.

    python scripts/list_benchmarks.py

State: `prepared` in data/, else `-`. Hash: `registered`, `pinned DAY` (benchmarks.lock.json), or `first fetch`, which will pin it.
"""

import argparse
import json
from pathlib import Path

from openmath.benchmarks.lock import read_pins
from openmath.benchmarks.registry import OWN, read_registry
from openmath.errors import printable, run_command
from openmath.settings.benchmark_names import read_groups

COLUMNS = ("name", "problems", "state", "hash", "licence", "source")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--own-json", default="{}", help="benchmark_sources of the configuration: name -> file or address"
    )
    options = parser.parse_args()
    pins = read_pins()
    rows = [list(COLUMNS)]
    for name, entry in (read_registry() | own_entries(json.loads(options.own_json))).items():
        state = "prepared" if Path(f"data/{name}.jsonl").exists() else "-"
        rows.append(
            [
                name,
                f"{entry['rows']:,}" if entry["rows"] else "?",
                state,
                hash_state(name, entry, pins),
                entry.get("licence", "your own"),
                entry["sources"][0]["url"],
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(printable("  ".join(cells).rstrip()))
    print("\nGroups:")
    for group, members in read_groups().items():
        print(f"  {group}: {', '.join(members)}")


def own_entries(sources: dict) -> dict[str, dict]:
    """Benchmarks of the user's own, in the form of the registry."""
    urls = {name: given if isinstance(given, str) else given["source"] for name, given in sources.items()}
    return {name: OWN | {"sources": [{"url": url}]} for name, url in urls.items() if name not in read_registry()}


def hash_state(name: str, entry: dict, pins: dict) -> str:
    if "problems_sha256" in entry or any("sha256" in source for source in entry["sources"]):
        return "registered"
    if entry is OWN or not entry["rows"]:
        return "-"
    return f"pinned {pins[name]['first_fetched']}" if name in pins else "first fetch"


if __name__ == "__main__":
    run_command(main)
