r"""Fetch, check and clean one benchmark.

    python scripts/prepare_benchmark.py gsm8k --output data/gsm8k.jsonl
    python scripts/prepare_benchmark.py gsm8k --source downloads/test.jsonl --output data/gsm8k.jsonl

A name that is not registered is your own benchmark: --source FILE with `problem` and `expected_answer` in each row.
"""

import argparse
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from openmath.benchmarks.registry import REGISTRY, find_benchmark, prepare_rows, problems_sha256, read_registry
from openmath.client.within import within
from openmath.errors import InputError, run_command
from openmath.files.fingerprint import sha256_file, write_manifest
from openmath.files.records import BenchmarkRecord
from openmath.files.rows import read_rows, write_rows
from openmath.provenance.public import public

ROOT = Path(__file__).parents[1]  # relative sources of the registry are files of this repository
READ_SECONDS = 60.0  # without a byte
ALL_SECONDS = 900.0  # of a whole download: 10 kB/s for the largest benchmark
MAX_BYTES = 500 * 2**20  # the largest benchmark has 8 MB; a wrong URL may serve anything


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--source", help="file or URL; default: the registered sources in turn")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--registry", type=Path, default=REGISTRY)
    parser.add_argument("--allow-partial", action="store_true", help="accept fewer rows than registered, and say so")
    options = parser.parse_args()

    benchmark = find_benchmark(options.name, read_registry(options.registry), has_source=bool(options.source))
    sources = [{"url": options.source}] if options.source else benchmark["sources"]
    with tempfile.TemporaryDirectory() as folder:
        source, raw = fetch_any(options.name, sources, Path(folder) / "raw.jsonl", shipped=not options.source)
        raw_sha256 = sha256_file(raw)
        if source.get("sha256", raw_sha256) != raw_sha256:
            raise InputError(
                "The source does not have the registered hash.",
                where=source["url"],
                expected=source["sha256"],
                found=raw_sha256,
            )
        rows = prepare_rows(options.name, benchmark, list(read_rows(raw)), source["url"])
    registered = benchmark["rows"] or len(rows)
    problems = problems_sha256(rows)
    check_problems(benchmark, len(rows), problems, source["url"], allow_partial=options.allow_partial)
    write_rows(options.output, rows)
    record: BenchmarkRecord = {
        "benchmark": options.name,
        "source": public(source["url"]),
        "source_sha256": raw_sha256,
        "prepared_sha256": sha256_file(options.output),
        "problems_sha256": problems,
        "rows": len(rows),
        "registered_rows": registered,
        "cleaning": benchmark.get("clean", []),
    }
    write_manifest(options.output.with_suffix(".manifest.json"), record)
    print(f"{options.name}: {len(rows)} of {registered} rows")


def fetch_any(name: str, sources: list[dict], target: Path, *, shipped: bool) -> tuple[dict, Path]:
    """(the first source that can be had, its file). Raises InputError where none can."""
    errors = []
    for source in sources:
        try:
            return source, fetch(source["url"], target, shipped=shipped)
        except OSError as error:  # URLError and HTTPError are OSErrors
            errors.append(f"{source['url']}: {error}")
    raise InputError(
        "The benchmark could not be fetched.",
        where=name,
        found="\n    ".join(errors),
        hint="run `snakemake fetch` where there is a network, or name a local file with --source "
        f"(benchmark_sources: {{{name}: FILE}} in the configuration).",
    )


def check_problems(benchmark: dict, rows: int, problems: str, where: str, *, allow_partial: bool) -> None:
    """Raise InputError unless these are the registered problems, or a part of them that was asked for."""
    registered = benchmark["rows"] or rows
    if rows != registered and not (allow_partial and rows < registered):
        raise InputError(
            "The source does not have the registered number of rows.",
            where=where,
            expected=registered,
            found=rows,
            hint="for a deliberate part of a benchmark use --allow-partial (allow_partial_benchmarks: true).",
        )
    expected = benchmark.get("problems_sha256", problems)
    if rows == registered and problems != expected:
        raise InputError(
            "The problems or their references differ from the registered ones.",
            where=where,
            expected=f"problems_sha256 {expected}",
            found=problems,
            hint="another version of the benchmark? Give it a name of its own, and compare its numbers with nobody's.",
        )


def fetch(url: str, target: Path, *, shipped: bool) -> Path:
    """The file behind a URL or path. Raises OSError when it cannot be had."""
    if not url.startswith(("http://", "https://")):
        path = ROOT / url if shipped else Path(url)
        path.stat()
        return path
    try:
        return within(ALL_SECONDS, lambda: download(url, target, time.monotonic() + ALL_SECONDS))
    except TimeoutError:
        raise OSError(f"not whole within {ALL_SECONDS:g} s, or silent for {READ_SECONDS:g} s") from None


def download(url: str, target: Path, deadline: float) -> Path:
    """deadline: by time.monotonic; nothing is written after it."""
    with urllib.request.urlopen(url, timeout=READ_SECONDS) as reply, open(target, "wb") as file:
        length = reply.headers.get("Content-Length")  # absent from a chunked reply, and whatever the server says
        while block := reply.read1(2**20):  # what has come: a server that drips must not hold us in one read
            if time.monotonic() > deadline:
                raise TimeoutError
            file.write(block)
            if file.tell() > MAX_BYTES:
                raise OSError(f"larger than {MAX_BYTES} bytes")
        if length and file.tell() != int(length):
            raise OSError(f"cut off after {file.tell()} of {length} bytes")
    return target


if __name__ == "__main__":
    run_command(main)
