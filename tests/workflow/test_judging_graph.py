"""Judges in the graph: hosted, batched and replayed ones side by side; secrets; a judge served by our own engine."""

import json
import shutil

import pytest
import yaml
from conftest import copy_workflow, run_script, snakemake
from unit.judge_server import judge_server

from openmath.files.rows import read_rows

SECRET = "sk-very-secret-key"


def hosted(server, **more) -> dict:
    return {"model": "judge-1", "base_url": server.base_url, "api_key_env": "JUDGE_KEY", **more}


def evaluate(folder, judges: dict, environment: dict | None = None):
    config = {"benchmarks": ["own"], "generation": {}, "judges": judges}
    config["models"] = {"imported": {"samples": "theirs", "seeds": 2}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return snakemake(folder, environment=environment)


@pytest.mark.slow
def test_judges_side_by_side_then_replayed_without_a_key(tmp_path):
    copy_workflow(tmp_path)
    (tmp_path / "theirs/own").mkdir(parents=True)
    for run in ("greedy", "rs0", "rs1"):
        rows = [{"problem": f"p{i}", "expected_answer": "2", "generation": f"\\boxed{{{i}}}"} for i in range(6)]
        (tmp_path / f"theirs/own/output-{run}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    with judge_server(
        lambda question: "Judgement: Yes" if "Predicted answer: 3\n" in question else "Judgement: No"
    ) as server:
        judges = {
            "online": hosted(server, prices={"input": 2.5, "output": 10}, budget_usd=1),
            "half-price": hosted(server, mode="batch", model="judge-2", poll_seconds=0.1),
        }
        unset = evaluate(tmp_path, judges, {"JUDGE_KEY": ""})
        assert unset.returncode != 0 and "JUDGE_KEY" in unset.stderr and not (tmp_path / "results").exists()
        reply = evaluate(tmp_path, judges, {"JUDGE_KEY": SECRET})
        assert reply.returncode == 0, reply.stdout + reply.stderr
        assert len(server.bodies) == len(server.batches.asked) == 5  # greedy and majority answers are the same

    table = (tmp_path / "results/imported/judged/agreement.md").read_text()
    assert (
        "| own | greedy | half-price | online | 6 | 0.3333 | 0.3333 | 0 | 0 | 1.0000 | 5 | 1.0000 | 1.0000 |" in table
    )
    assert list(read_rows(tmp_path / "results/imported/judged/agreement.jsonl")) == []
    tables = [tmp_path / f"results/imported/summary/{judge}/tables.txt" for judge in judges]
    before = [path.read_bytes() for path in tables]

    # What a reader of the paper does: the samples and the verdicts, no key, no server.
    shutil.rmtree(tmp_path / "results")
    verdicts = [tmp_path / f"{judge}.jsonl" for judge in judges]
    for judge, file in zip(judges, verdicts, strict=True):
        store = tmp_path / "judgements" / judge
        assert run_script("exchange_verdicts.py", "export", store, "--output", file).returncode == 0
        shutil.rmtree(store)
        assert run_script("exchange_verdicts.py", "import", store, "--input", file).returncode == 0
    replayed = {name: settings | {"replay": True} for name, settings in judges.items()}
    again = evaluate(tmp_path, replayed, {"JUDGE_KEY": ""})
    assert again.returncode == 0, again.stdout + again.stderr
    assert [path.read_bytes() for path in tables] == before

    said = unset.stdout + unset.stderr + reply.stdout + reply.stderr
    assert SECRET not in said
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_judge_of_our_own_is_replayed_without_its_engine(evaluation):
    """The session's evaluation was judged by its own model; its verdicts are enough to judge it again."""
    judged = evaluation / "results/tiny/judged/itself"
    before = {path.relative_to(judged): path.read_bytes() for path in judged.rglob("*.jsonl")}
    records = [
        line for path in (evaluation / "judgements/itself").glob("*.jsonl") for line in read_rows(path) if "key" in line
    ]
    assert records and all(record["num_generated_tokens"] for record in records)
    shutil.rmtree(evaluation / "results/tiny/judged")
    (evaluation / "models/tiny/engine/engine.json").rename(evaluation / "engine.json")
    pairs = [(path, judged / path) for path in before]
    sources = {
        "greedy": "eval-results/{}/output-greedy.jsonl",
        "majority": "eval-results-majority/{}/output-majority.jsonl",
    }
    inputs = [evaluation / "results/tiny" / sources[p.stem].format(p.parent.name) for p, _ in pairs]
    options = ("--judge", "itself", "--store", evaluation / "judgements/itself", "--prompt", evaluation / "judge.yaml")
    reply = run_script(
        "judge_answers.py", "--input", *inputs, "--output", *(o for _, o in pairs), *options, "--max-new-tokens", 8,
        "--replay", "--self-hosted",
    )  # fmt: skip
    assert reply.returncode == 0, reply.stderr
    assert {path: (judged / path).read_bytes() for path in before} == before
