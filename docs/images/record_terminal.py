"""Records what people see at a terminal: writes docs/terminal.md, and draws terminal.svg beside this file.

    python docs/images/record_terminal.py        # in an environment of `make env`; minutes

In a new copy of the workflow, at a pretended terminal: the demo, a mistake in the configuration, an engine that does not start,
Ctrl-C, the same command again.
"""

import argparse
import fcntl
import html
import os
import pty
import re
import shutil
import struct
import sys
import tempfile
import termios
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORKFLOW = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")
COLUMNS, ROWS = 100, 40
CONTROL_C = b"\x03"
SEQUENCE = re.compile(r"\x1b\[(\d*(?:;\d+)*)([A-Za-z])|\r|\n|\x07|[^\x1b\r\n\x07]+")
FONT_SIZE, LINE, CHARACTER, MARGIN = 13, 18, 7.83, 16  # SVG units of a monospaced font
PAGE = """# What a run says

Recorded by `docs/images/record_terminal.py` at a terminal of {columns} columns.

## The demo

While it generates, the last line of each running job moves:

```
{generating}
```

At the end:

```
{finished}
```

## A mistake in the configuration

```
{mistake}
```

## A job that fails

With `engines: {{llamacpp: {{args: --slots eight}}}}`, which the engine does not take, and four more sample runs to make:

```
{failed}
```

## Ctrl-C, and the same command again

With `generation: {{seeds: 12}}` in `more.yaml` four sample runs are to be made. Ctrl-C while they are:

```
{interrupted}
```

The same command goes on from there; here while it generates, and at the end:

```
{going_on}
```

```
{rerun}
```

## Files, pipes and Snakemake's own output

A file or a pipe (`nohup`, `sbatch`, CI) gets a line where a job begins, with its log, and one where it ends; nothing moves. On a
cluster one line sums up the jobs: how many of each stage are submitted, samples and questions done, tokens a second.

Of a failed job the error is shown, from `error:` on or the last 15 lines of its log, with what the cluster said.
`.snakemake/log` has all.

Snakemake's own output comes with the environment variable `OPENMATH_TERMINAL=snakemake`, with `--verbose`, `--printshellcmds`,
`--debug-dag`, `--quiet rules` or a logger plugin, in a dry run, and where another workflow uses this one as a module.
"""


class Screen:
    """Lines as a terminal shows them, of the control sequences that a run writes."""

    def __init__(self) -> None:
        self.lines, self.row, self.column = [""], 0, 0

    def write(self, text: str) -> None:
        for found in SEQUENCE.finditer(text):
            match found[2], found[0]:
                case "A", _:
                    self.row -= int(found[1] or 1)
                case "K", _:
                    self.lines[self.row] = ""
                case None, "\r":
                    self.column = 0
                case None, "\n":  # a terminal makes \r\n of it
                    self.row, self.column = self.row + 1, 0
                    self.lines += [""] * (self.row == len(self.lines))
                case None, words if words != "\x07":
                    line = self.lines[self.row].ljust(self.column)
                    self.lines[self.row] = line[: self.column] + words + line[self.column + len(words) :]
                    self.column += len(words)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).strip()


class Seen(NamedTuple):
    meanwhile: str  # the screen when `moment` was there first
    finally_: str


def play(folder: Path, *arguments: str, moment: str = "$^", interrupt: bool = False) -> Seen:
    """Run Snakemake at a terminal of its own. interrupt: by Ctrl-C, at the moment that this pattern is on the screen."""
    command = ["snakemake", *arguments]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        os.execvpe(command[0], command, {**os.environ, "PATH": path, "TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen, meanwhile = Screen(), ""
    screen.write(f"$ {' '.join(command)}\n")
    while True:
        try:
            said = os.read(terminal, 65536)
        except OSError:  # Linux says so that nobody writes any more
            break
        screen.write(said.decode(errors="replace"))
        if not meanwhile and re.search(moment, screen.text()):
            meanwhile = screen.text()
            if interrupt:
                os.write(terminal, CONTROL_C)
    os.waitpid(pid, 0)
    return Seen(meanwhile, screen.text())


def draw(seen: Seen) -> str:
    """An SVG of the screen while it ran and, below, of what it said last."""
    first = seen.meanwhile.splitlines()
    last = seen.finally_.splitlines()
    lines = [*first, "...", *last[last.index("") :]]
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), len(lines) * LINE + 2 * MARGIN
    texts = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + (number + 1) * LINE - 5}">{html.escape(line).replace(" ", "&#160;")}</text>'
        for number, line in enumerate(lines)
        if line
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<rect width="100%" height="100%" rx="8" fill="#1b1f27"/>
<g fill="#d7dce5" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{FONT_SIZE}">
{texts}
</g>
</svg>
"""


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in WORKFLOW:
            source = ROOT / name
            shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy2(source, folder / name)
        (folder / "more.yaml").write_text("generation: {seeds: 12}\n")
        (folder / "mistake.yaml").write_text("generation: {sedes: 12}\n")
        (folder / "broken.yaml").write_text("engines: {llamacpp: {args: --slots eight}}\n")
        demo, cores = ("--configfile", "config/demo.yaml"), ("--cores", "all")
        first = play(folder, *demo, *cores, moment=r"\d\d/180 samples")
        mistake = play(folder, *demo, "mistake.yaml", *cores)
        failed = play(folder, *demo, "more.yaml", "broken.yaml", *cores)
        stopped = play(folder, *demo, "more.yaml", *cores, moment=r"[23]\d/80 samples", interrupt=True)
        again = play(folder, *demo, "more.yaml", *cores, moment=r"\d+/\d+ samples")
    (ROOT / "docs/terminal.md").write_text(
        PAGE.format(
            columns=COLUMNS,
            generating=first.meanwhile,
            finished=first.finally_,
            mistake=mistake.finally_,
            failed=failed.finally_,
            interrupted=stopped.finally_,
            going_on=again.meanwhile,
            rerun=again.finally_,
        )
    )
    (HERE / "terminal.svg").write_text(draw(first))


if __name__ == "__main__":
    main()
