"""What compressing sample files saves and costs: their size packed, and CPU seconds to pack, unpack and read, per GB of lines.

    python perf/packed_samples.py results/my-model/eval-results/*/output-*.jsonl

The files are packed as generate.py does with `generation: compress`, into a folder that is deleted afterwards.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from openmath.files.fast_rows import read_rows
from openmath.files.packed import packed_form, written_as
from openmath.files.rows import atomic_write, read_lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", nargs="+", type=Path)
    plain = packed = 0
    seconds = dict.fromkeys(("pack", "unpack", "read plain rows", "read packed rows"), 0.0)

    def timed(name: str, work) -> None:
        began = time.process_time()
        work()
        seconds[name] += time.process_time() - began

    with tempfile.TemporaryDirectory() as folder:
        for path in parser.parse_args().samples:
            small = packed_form(Path(folder) / path.name)

            def pack(path: Path = path, small: Path = small) -> None:
                with atomic_write(small) as file, written_as(small, file) as lines:
                    lines.writelines(read_lines(path))

            timed("pack", pack)
            timed("unpack", lambda small=small: sum(map(len, read_lines(small))))
            timed("read plain rows", lambda path=path: sum(1 for _ in read_rows(path)))
            timed("read packed rows", lambda small=small: sum(1 for _ in read_rows(small)))
            plain, packed = plain + path.stat().st_size, packed + small.stat().st_size
    print(f"{plain / 1e6:.1f} MB -> {packed / 1e6:.1f} MB, {plain / packed:.1f} times smaller")
    for name, used in seconds.items():
        print(f"  {name:17} {used / plain * 1e9:6.1f} CPU s per GB")


if __name__ == "__main__":
    main()
