"""`snakemake export` of an evaluation by the real model: what other tools would read is what our own tables say."""

import json
import shutil
from pathlib import Path

import pandas
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
    for line in filter(None, text.partition("warning: ")[0].splitlines()):
        values = [value.strip() for value in line.split("|")]
        if line.startswith("---"):
            name = line.strip("- ")
        elif values[0] == "evaluation_mode":
            header, tables[name] = values, []
        else:
            tables[name].append(dict(zip(header, values, strict=True)))
    return tables


def percent(rows: list[dict], key: str) -> str:
    return f"{100 * sum(bool(row[key]) for row in rows) / len(rows):.2f}"


def test_the_exported_folders_give_the_same_tables(exported):
    assert planned_jobs(exported) == {}, "the export is no part of the evaluation"
    nemo = exported / EXPORT / "nemo-skills"
    ours = cells((exported / "results/tiny/summary/itself/tables.txt").read_text())
    reply = run_script("summarize_results.py", nemo)
    assert reply.returncode == 0, reply.stderr
    symbolic = ("evaluation_mode", "num_entries", "symbolic_correct", "no_answer")
    assert cells(reply.stdout) == {
        name: [{key: row[key] for key in symbolic} for row in rows if row["evaluation_mode"] != "greedy"]
        for name, rows in sorted(ours.items())
    }
    modes = {"greedy": "greedy", "judged/itself": "greedy", "majority/itself": "majority@8"}
    for name, table in ours.items():
        by_mode = {row["evaluation_mode"]: row for row in table}
        for folder, mode in modes.items():
            rows = list(read_rows(nemo / f"eval-results-{folder}/{name}/output.jsonl"))
            assert percent(rows, "symbolic_correct") == by_mode[mode]["symbolic_correct"]
            if "/" in folder:
                judged = [row | {"yes": "Judgement: Yes" in row["judgement"]} for row in rows]
                assert percent(judged, "yes") == by_mode[mode]["judge_correct"]

    seed_names = {"problem", "expected_answer", "predicted_answer", "is_correct"}
    for path in nemo.rglob("output*.jsonl"):
        for row in read_rows(path):
            assert seed_names <= row.keys() and row["symbolic_correct"] is row["is_correct"]
            assert ("judgement" in row) == ("/itself/" in str(path))


def test_the_results_alone_are_those_of_the_tables(exported):
    records = exported / "results/tiny/records"
    results = pandas.read_csv(records / "table/results.csv")
    assert set(results.benchmark) == {"arithmetic-mini", "own"}
    [record] = records.glob("eee/data/openmath-evaluation/local/tiny/*.json")
    for result in json.loads(record.read_text())["evaluation_results"]:
        judged = "llm_scoring" in result["metric_config"]
        row = results[
            (results.benchmark == result["evaluation_name"])
            & (results["mode"] == result["metric_config"]["metric_name"])
            & (results.metric == f"accuracy_{'judge' if judged else 'symbolic'}")
        ]
        assert row.value.tolist() == [result["score_details"]["score"]]
        if judged:
            prompt = result["metric_config"]["llm_scoring"]["input_prompt"]
            assert prompt == yaml.safe_load((exported / "judge.yaml").read_text())["user"]


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


def test_what_is_exported_is_chosen_and_concerns_no_result(exported):
    config = yaml.safe_load((exported / "config.yaml").read_text())
    publisher = {"name": 'A & B\'s "group"', "url": "https://example.org/?a=1&b=$x"}
    (exported / "config.yaml").write_text(yaml.safe_dump(config | {"export": "hub", "publisher": publisher}))
    assert planned_jobs(exported) == {}, "no result rests on what is exported"
    reply = snakemake(exported, "export")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert [path.name for path in (exported / "results/tiny/records").iterdir() if path.is_dir()] == ["hub"]
    assert (exported / EXPORT / "dataset/README.md").exists(), "what was exported stays"
