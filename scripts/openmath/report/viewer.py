"""Sample viewer: problems, generations, votes and verdicts, as one section of the report that works offline.

Generations are hostile text. They never meet HTML here: everything that comes from data travels as gzip blocks in base64, which
the page inflates when it needs them and shows as text nodes. Blocks lie beside the page (report/sample_files.py); as long as they
are not too many the page holds all but the seeds itself.
"""

import base64
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from markupsafe import Markup

from openmath.report.sample_blocks import BLOCK
from openmath.report.sample_files import pack, read_block, read_sets
from openmath.report.section import Section

ASSETS = Path(__file__).parent / "assets"
KATEX = ASSETS / "katex"
PARTS = ("text", "markdown", "data", "address", "sample")
SCRIPTS = (KATEX / "katex.min.js", *(ASSETS / f"viewer_{part}.js" for part in PARTS), ASSETS / "viewer.js")
MAX_PAGE = 90_000_000  # characters of samples that a page holds itself: four models on all of the paper's problems


def samples_section(folders: Sequence[Path], page: Path, prompts: Mapping[tuple[str, str], list[dict]] = {}) -> Section:
    """The viewer over the models whose samples lie in `folders` (sample_files.write_samples), in their order.

    page: where the page will lie. prompts: of prompt_shown.py, by model and benchmark.
    """
    sets, blocks = [], {}
    places: dict[str, str] = {}  # of problems, which models share
    found = [(folder, entry) for folder in folders for entry in read_sets(folder)]
    inside = sum(entry["characters"] for _, entry in found) <= MAX_PAGE
    for folder, entry in found:
        model, benchmark = entry["model"], entry["benchmark"]
        place = Path(os.path.relpath(folder, page.parent), benchmark).as_posix()
        problems = places.setdefault(entry["problems_sha256"], place)
        one = {"model": model, "benchmark": benchmark, "place": place, "problems": problems, "seeds": entry["seeds"]}
        sets.append(one | {"prompts": prompts.get((model, benchmark), [])})
        for name in entry["names"] if inside else []:
            if problems == place or not name.startswith("problems-"):
                blocks[f"{place}/{name}"] = read_block(folder / benchmark, name)
    blocks = {"sets": pack({"sets": sets, "block": BLOCK}), **blocks}
    block = Markup('<script type="text/plain" data-block="{}">{}</script>')
    data = "\n".join(block.format(name, text) for name, text in blocks.items())
    return Section(
        anchor="samples",
        title="Samples",
        html=(ASSETS / "viewer.html").read_text() + data,
        styles=katex_styles() + (ASSETS / "viewer.css").read_text(),
        scripts=tuple(path.read_text() for path in SCRIPTS),
        loads_scripts=True,
    )


@cache
def katex_styles() -> str:
    """KaTeX's style sheet with its woff2 fonts inside; older formats are left out."""
    css = (KATEX / "katex.min.css").read_text()
    css = re.sub(r',url\(fonts/[^)]+\.(?:woff|ttf)\) format\("[a-z]+"\)', "", css)

    def inline(match: re.Match) -> str:
        return f"url(data:font/woff2;base64,{base64.b64encode((KATEX / match[1]).read_bytes()).decode()})"

    return re.sub(r"url\((fonts/[^)]+\.woff2)\)", inline, css)
