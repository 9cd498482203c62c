"""The viewer's data, and that its KaTeX is the released one."""

import base64
import gzip
import hashlib
import json
import re

from openmath.grading.table import grade_files
from openmath.report.viewer import KATEX, MAX_TEXT, SampleSet, katex_styles, samples_section

# katex 0.19.1 of the npm registry; the files of its dist/ and its LICENSE, unchanged.
KATEX_FILES = "cd4fd0a37907acc882f82e99ebe3302feab92370e7d543a40c848ec70f6593b2"


def test_katex_is_the_release():
    listing = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(KATEX)}\n"
        for path in sorted(KATEX.rglob("*"))
        if path.is_file()
    )
    assert hashlib.sha256(listing.encode()).hexdigest() == KATEX_FILES, listing


def test_styles_hold_their_fonts():
    css = katex_styles()
    assert css.count("data:font/woff2;base64,") == 20
    assert not re.search(r"url\((?!data:)", css)


def test_data_cannot_leave_its_block(tmp_path):
    texts = ["</script><script>x</script>\ud800 \\boxed{2}", "y" * (MAX_TEXT + 7)]
    files = {run: tmp_path / f"output-{run}.jsonl" for run in ("greedy", "rs0", "rs1")}
    for path in files.values():
        rows = [
            {"id": f"<{n}>", "problem": "1+1?", "expected_answer": "2", "generation": text}
            for n, text in enumerate(texts)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    grades = tmp_path / "grades.parquet"
    grade_files(list(files.values()), grades, processes=1)
    sets = [SampleSet(model, "b", files["greedy"], grades, files) for model in ("m", "n")]
    section = samples_section(sets)
    blocks = dict(
        re.findall(r'<script type="text/plain" data-block="([^"]+)">([A-Za-z0-9+/=]*)</script>', section.html)
    )
    assert section.html.count("<script") == section.html.count("</script>") == len(blocks)
    assert [name for name in blocks if name.startswith("problems/")] == ["problems/0/index", "problems/0/0"]  # shared
    shown = {name: json.loads(gzip.decompress(base64.b64decode(text))) for name, text in blocks.items()}
    assert shown["index/1"]["flags"] == {"greedy": [1, 4], "majority": [1, 4]}
    first, second = shown["texts/0/0"]
    assert first["greedy"]["text"] == "</script><script>x</script>\ufffd \\boxed{2}"
    assert first["votes"]["candidates"] == [["2", 2, 1.0]] and second["votes"]["unanswered"] == 2
    assert second["majority"]["text"] == "y" * MAX_TEXT + "\n[... 7 more characters]"
    assert samples_section(sets).html == section.html
