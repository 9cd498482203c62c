"""The example of docs/dataset.md: a set from problems and a teacher of the reader's own; and what is said where nothing is left."""

import json
import random
import re

import pytest
import yaml
from conftest import ROOT, copy_workflow, snakemake
from unit.judge_server import judge_server

pytestmark = pytest.mark.slow
THINGS = ["stars", "tiles", "stones", "maps", "roses", "boats", "stamps", "coins"]


def teacher(question: str) -> str:
    """Writes new problems of sums, and adds two numbers, now and then wrongly, always in other words."""
    first, second = random.randrange(10, 99), random.randrange(10, 99)
    if "New problem:" in question:
        thing, place = random.sample(THINGS, 2)
        return (
            f"There are {first} {thing} behind the {place}, and {second} {thing} in front. How many {thing} are there?"
        )
    first, second = map(int, re.findall(r"\d+", question.rpartition("Problem:")[2])[:2])
    found = first + second + (random.random() < 0.2)
    words = " ".join(random.choices(THINGS, k=30))
    return f"We add both numbers: {first} + {second} = {found}. {words}\n\\boxed{{{found}}}"


def example() -> dict:
    """The page's configuration."""
    [text] = re.findall(r"^```yaml\n(benchmarks:.*?)^```", (ROOT / "docs/dataset.md").read_text(), re.M | re.S)
    return yaml.safe_load(text) | {"benchmarks": ["arithmetic-mini"]}  # the page's are not here


def test_a_set_from_own_problems_by_an_own_teacher(tmp_path):
    copy_workflow(tmp_path)
    rows = [
        {"problem": f"Anna has {n + 2} pens and buys {n + 3}. How many are these?", "expected_answer": str(2 * n + 5)}
        for n in range(10)
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with judge_server(teacher) as server:
        config = example()
        config["models"]["teacher"]["base_url"] = server.base_url
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        reply = snakemake(tmp_path, "dataset")
        assert reply.returncode == 0, reply.stdout + reply.stderr
        asked = len(server.bodies)
        counts = json.loads((tmp_path / "datasets/mine/counts.json").read_text())
        assert counts["parts"][0]["samples"] == 8 * 10
        assert {part["source"] for part in counts["parts"]} == {"own", "augmented_own"}
        assert counts["sets"]["train"] == sum(part["kept"] for part in counts["parts"]) > 80
        assert (tmp_path / "datasets/mine/stages.svg").exists()
        config["dataset"]["min_solution_characters"] = 10_000
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        reply = snakemake(tmp_path, "dataset")
        said = reply.stdout + reply.stderr
        assert reply.returncode != 0 and "No solution is left for the set." in said and "after lengths 0" in said
        assert len(server.bodies) == asked  # only filtered again
