r"""Fetch, check and clean one benchmark.

    python scripts/prepare_benchmark.py gsm8k --output data/gsm8k.jsonl
    python scripts/prepare_benchmark.py gsm8k --source downloads/test.jsonl --output data/gsm8k.jsonl
    python scripts/prepare_benchmark.py own --source hf:org/name@main/test --field problem=task --output data/own.jsonl

A source is a file, an address, or a file or split on the Hugging Face Hub: JSON lines, JSON, CSV, TSV or parquet. A name that is
not registered is your own benchmark. Registered ones without a hash are pinned by their first fetch in benchmarks.lock.json.
"""

import argparse
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from openmath.benchmarks.cleaning import CLEANING
from openmath.benchmarks.hub import PREFIX, fetch_from_hub
from openmath.benchmarks.lock import LOCK, check_pin
from openmath.benchmarks.registry import REGISTRY, find_benchmark, prepare_rows, problems_sha256, read_registry
from openmath.benchmarks.sources import MAX_BYTES, check_not_packed, read_source, repair, source_format
from openmath.client.failures import shown_address
from openmath.client.within import leave, within
from openmath.errors import InputError, run_command
from openmath.files.fingerprint import sha256_file, sha256_text, write_manifest
from openmath.files.records import BenchmarkRecord
from openmath.files.rows import write_rows
from openmath.provenance.public import public

ROOT = Path(__file__).parents[1]  # relative sources of the registry are files of this repository
READ_SECONDS = 60.0  # without a byte
ALL_SECONDS = 900.0  # of a whole download


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--source", help="file, address or hf:...; default: the registered sources in turn")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--registry", type=Path, default=REGISTRY)
    parser.add_argument("--field", action="append", metavar="OURS=THEIRS", help="where the source has other names")
    parser.add_argument("--clean", nargs="+", choices=CLEANING, help="cleaning steps, in order")
    parser.add_argument("--allow-partial", action="store_true", help="accept fewer rows than registered, and say so")
    options = parser.parse_args()

    registry = read_registry(options.registry)
    benchmark = find_benchmark(options.name, registry, has_source=bool(options.source))
    benchmark = benchmark | described(options.field, options.clean)
    check_not_packed(options.source or "")
    sources = [{"url": options.source}] if options.source else benchmark["sources"]
    with tempfile.TemporaryDirectory() as folder:
        expected, source, files = fetch_any(options.name, sources, Path(folder) / "raw", shipped=not options.source)
        raw_sha256 = sha256_of_all(files)
        if expected.get("sha256", raw_sha256) != raw_sha256:
            raise InputError(
                "The source does not have the registered hash.",
                where=source,
                expected=expected["sha256"],
                found=raw_sha256,
            )
        raw: list[dict] = []
        for file in files:
            suffix = source_format(source if "://" in source else file.name)  # what was fetched has no name of its own
            mended = repair(file, benchmark.get("repairs", []), Path(folder) / f"repaired{suffix}")
            raw += read_source(mended, suffix)
        check_fields(options.field, raw, source)
        rows = prepare_rows(options.name, benchmark, raw, source)
    if not rows:
        raise InputError(
            "The source has no problems.", where=source, expected="one row for each problem", found="no rows"
        )
    registered = benchmark["rows"] or len(rows)
    problems = problems_sha256(rows)
    check_problems(benchmark, len(rows), problems, source, allow_partial=options.allow_partial)
    pinned = "problems_sha256" in benchmark or "sha256" in expected
    if options.name in registry and len(rows) == registered and not pinned:
        if check_pin(options.name, problems, registered, public(source)):
            print(f"{options.name}: no hash is registered; what came now is pinned in {LOCK}")
    write_rows(options.output, rows)
    record: BenchmarkRecord = {
        "benchmark": options.name,
        "source": public(source),
        "source_sha256": raw_sha256,
        "prepared_sha256": sha256_file(options.output),
        "problems_sha256": problems,
        "rows": len(rows),
        "registered_rows": registered,
        "cleaning": benchmark.get("clean", []),
    }
    write_manifest(options.output.with_suffix(".manifest.json"), record)
    print(f"{options.name}: {len(rows)} of {registered} rows")


def described(fields: list[str] | None, clean: list[str] | None) -> dict:
    """What the command line says of a benchmark, as the registry would."""
    pairs = dict(field.partition("=")[::2] for field in fields or [])
    if not all(pairs) or not all(pairs.values()):
        raise InputError("A field has no name.", where="--field", expected="OURS=THEIRS", found=", ".join(fields or []))
    return ({"fields": pairs} if pairs else {}) | ({"clean": clean} if clean else {})


def check_fields(fields: list[str] | None, rows: list[dict], source: str) -> None:
    """Raise InputError for a field that the user names and no row has."""
    for field in fields or []:
        theirs = field.partition("=")[2]
        if not any(theirs in row for row in rows):
            found = ", ".join(map(str, rows[0])) if rows else "no rows"
            raise InputError("No row has this field.", where=source, expected=theirs, found=found)


def sha256_of_all(files: list[Path]) -> str:
    """Of the file as it arrived; of several (shards of a split), the hash of their hashes."""
    hashes = [sha256_file(file) for file in files]
    return hashes[0] if len(hashes) == 1 else sha256_text("".join(f"{digest}\n" for digest in hashes))


def fetch_any(name: str, sources: list[dict], target: Path, *, shipped: bool) -> tuple[dict, str, list[Path]]:
    """(the first source that can be had as the registry has it, its address, its files). Raises InputError where none can.

    The address is without what may be a key in it: a signed one's query.
    """
    errors = []
    for source in sources:
        url = source["url"]
        address = shown_address(url) if "://" in url else url
        try:
            if url.startswith(PREFIX):
                files, address = from_hub(url)
            else:
                files = [fetch(url, target, shipped=shipped)]
            return source, address, files
        except OSError as error:  # URLError and HTTPError are OSErrors
            errors.append(f"{address}: {error}")
    raise InputError(
        "The benchmark could not be fetched.",
        where=name,
        found="\n    ".join(errors),
        hint="run `snakemake fetch` where there is a network, or name a local file with --source "
        f"(benchmark_sources: {{{name}: FILE}} in the configuration).",
    )


def from_hub(url: str) -> tuple[list[Path], str]:
    """As fetch_from_hub, but not for ever."""
    try:
        return within(ALL_SECONDS, lambda: fetch_from_hub(url))
    except TimeoutError:
        found, hint = f"not whole within {ALL_SECONDS:g} s", "run the same command again: it goes on where it was."
        leave(InputError("The download is too slow.", where=url, found=found, hint=hint))


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
