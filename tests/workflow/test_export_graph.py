"""`snakemake export` of an evaluation by the real model: what other tools would read is what our own tables say."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import yaml
from conftest import planned_jobs, run_script, snakemake

from openmath.files.rows import read_rows

pytestmark = pytest.mark.slow

EXPORT = "results/tiny/export"


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory) -> Path:
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("exported") / "evaluation", symlinks=True)
    reply = snakemake(folder, "export")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    return folder


def cells(text: str) -> dict[str, list[dict]]:
    """Benchmark -> rows of its table in the recipe's layout."""
    tables, name, header = {}, None, []
    for line in filter(None, text.splitlines()):
        values = [value.strip() for value in line.split("|")]
        if line.startswith("---"):
            name = line.strip("- ")
        elif values[0] == "evaluation_mode":
            header, tables[name] = values, []
        else:
            tables[name].append(dict(zip(header, values, strict=True)))
    return tables


def test_the_exported_folders_give_the_same_tables(exported):
    assert planned_jobs(exported) == {}, "the export is no part of the evaluation"
    nemo = exported / EXPORT / "nemo-skills"
    ours = cells((exported / "results/tiny/summary/itself/tables.txt").read_text())

    def printed(folder) -> dict[str, list[dict]]:
        reply = run_script("summarize_results.py", folder)
        assert reply.returncode == 0, reply.stderr
        return cells(reply.stdout)

    symbolic = ("evaluation_mode", "num_entries", "symbolic_correct", "no_answer")
    assert printed(nemo) == {
        name: [{key: row[key] for key in symbolic} for row in rows] for name, rows in sorted(ours.items())
    }
    judged, majority = (printed(nemo / f"eval-results-{kind}/itself") for kind in ("judged", "majority"))
    for name, rows in ours.items():
        by_mode = {row["evaluation_mode"]: row for row in rows}
        assert judged[name] == [by_mode["greedy"]]
        [vote] = [row for row in majority[name] if row["evaluation_mode"] == "majority@1"]
        assert vote["judge_correct"] == by_mode["majority@8"]["judge_correct"]
        assert vote["no_answer"] == by_mode["majority@8"]["no_answer"]

    seed_names = {"problem", "expected_answer", "predicted_answer", "is_correct"}
    for path in nemo.rglob("output-*.jsonl"):
        for row in read_rows(path):
            assert seed_names <= row.keys() and row["symbolic_correct"] is row["is_correct"]
            assert ("judgement" in row) == ("eval-results/" not in str(path))


def test_the_data_set_holds_every_sample_and_its_card_names_every_file(exported):
    dataset = exported / EXPORT / "dataset"
    _, front, text = (dataset / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert [config["config_name"] for config in card["configs"]] == ["arithmetic-mini", "own"]
    verdicts = 0
    for config in card["configs"]:
        name, [file] = config["config_name"], config["data_files"]
        rows = parquet.read_table(dataset / file["path"]).to_pylist()
        grades = parquet.read_table(exported / f"results/tiny/grades/{name}.parquet").to_pylist()
        assert [
            {key: row[key] for key in row.keys() & grade.keys()} for row, grade in zip(rows, grades, strict=True)
        ] == [{key: grade[key] for key in grade if key in rows[0]} for grade in grades]
        judged = {
            (row["id"], row["predicted_answer"]): row["judge_verdict"]
            for mode in ("greedy", "majority")
            for row in read_rows(exported / f"results/tiny/judged/itself/{name}/{mode}.jsonl")
        }
        for run in ("greedy", "rs7"):
            samples = list(read_rows(exported / f"results/tiny/eval-results/{name}/output-{run}.jsonl"))
            written = [row for row in rows if row["sample_run"] == run]
            assert [row["generation"] for row in written] == [row["generation"] for row in samples]
            assert [row["problem"] for row in written] == [row["problem"] for row in samples]
        for row in rows:
            assert row["verdict_itself"] == judged.get((row["id"], row["predicted_answer"]))
            verdicts += row["verdict_itself"] is not None
        assert set(rows[0]) == {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert verdicts >= 8  # greedy and majority of four problems, and every seed that gave one of these answers
    assert json.dumps(card)  # plain values only
