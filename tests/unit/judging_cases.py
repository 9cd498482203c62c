"""What the tests of judging share: the shipped prompt, a key to look for, rows, files."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMPT = ROOT / "config/prompts/judge-math.yaml"
SECRET = "sk-very-secret-key"


def different_rows(number: int) -> list[dict]:
    return [{"problem": f"p{i}", "predicted_answer": "1", "expected_answer": "2"} for i in range(number)]


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
