import json

import pyarrow.parquet as parquet

import export_results
import grade_answers
from openmath.files.rows import read_rows, write_rows
from openmath.results.export import dataset_card, size_category


def run_main(script, monkeypatch, *options) -> None:
    monkeypatch.setattr("sys.argv", [script.__name__, *map(str, options)])
    script.main()


def test_files_of_other_tools_are_exported_as_graded(tmp_path, monkeypatch):
    """No ids, no answers, stale verdicts, numbers for text, broken Unicode, and answers that are markup."""
    rows = [
        {"problem": "p", "expected_answer": 2, "generation": "\\boxed{2.0} \ud800", "is_correct": False},
        {"problem": "<b>\u2028", "expected_answer": "1/2", "generation": "\\boxed{<script>}", "extra": 1 << 70},
        {"problem": "q", "expected_answer": "3", "generation": None, "num_generated_tokens": "many"},
    ]
    (tmp_path / "theirs/own").mkdir(parents=True)
    for run in ("greedy", "rs0"):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"theirs/own/output-{run}.jsonl").write_text(text)
    grades = tmp_path / "own.parquet"
    samples = (tmp_path / "theirs/own").glob("*")
    run_main(grade_answers, monkeypatch, "--samples", *samples, "--output", grades)
    export = ("--model", 'a "model"', "--samples", tmp_path / "theirs", "--grades", grades)
    run_main(export_results, monkeypatch, *export, "--output", tmp_path / "export")

    exported = list(read_rows(tmp_path / "export/nemo-skills/eval-results/own/output-rs0.jsonl"))
    assert [row["is_correct"] for row in exported] == [True, False, False]
    assert [row["predicted_answer"] for row in exported] == ["2.0", "<script>", None]
    assert exported[1]["problem"] == rows[1]["problem"] and exported[1]["extra"] == 1 << 70
    table = parquet.read_table(tmp_path / "export/dataset/own.parquet").to_pylist()
    assert [row["sample_run"] for row in table] == ["greedy"] * 3 + ["rs0"] * 3
    assert table[0]["generation"] == "\\boxed{2.0} \ufffd" and table[0]["expected_answer"] == "2"
    assert table[2]["num_generated_tokens"] is None and table[2]["generation"] is None


def test_a_verdict_goes_to_every_sample_with_that_answer_and_to_no_other(tmp_path, monkeypatch):
    problem = {"id": "b-0", "problem": "?", "expected_answer": "2"}
    files = [tmp_path / f"s/b/output-{run}.jsonl" for run in ("greedy", "rs0", "rs1")]
    for path, answer in zip(files, ("7", "2", "7"), strict=True):
        write_rows(path, [problem | {"generation": f"\\boxed{{{answer}}}"}])
    judged, voted = tmp_path / "judged/j/b/greedy.jsonl", tmp_path / "voted/b/output-majority.jsonl"
    write_rows(judged, [problem | {"predicted_answer": "7", "judge_verdict": "yes", "judgement": "..."}])
    write_rows(voted, [problem | {"predicted_answer": "7", "is_correct": False}])
    grades = tmp_path / "b.parquet"
    run_main(grade_answers, monkeypatch, "--samples", *files, "--output", grades, "--processes", 1)
    export = ("--model", "m", "--samples", tmp_path / "s", "--grades", grades, "--judged", judged, "--majority", voted)
    run_main(export_results, monkeypatch, *export, "--output", tmp_path / "export")
    table = parquet.read_table(tmp_path / "export/dataset/b.parquet").to_pylist()
    assert [row["verdict_j"] for row in table] == ["yes", None, "yes"]
    assert [row["is_correct"] for row in table] == [False, True, False]
    [row] = read_rows(tmp_path / "export/nemo-skills/eval-results/b/output-rs0.jsonl")
    assert row["is_correct"] is row["symbolic_correct"] is True and row["predicted_answer"] == "2"
    [path] = (tmp_path / "export/nemo-skills").glob("eval-results-majority/*/b/output.jsonl")
    [row] = read_rows(path)
    assert row["is_correct"] is row["symbolic_correct"] is False


def test_row_groups_are_bounded_and_rows_must_be_those_graded(tmp_path, monkeypatch, capsys):
    (tmp_path / "s/b").mkdir(parents=True)
    sample, grades = tmp_path / "s/b/output-greedy.jsonl", tmp_path / "b.parquet"
    line = '{{"id": "b-{0}", "problem": "{0}", "expected_answer": "1", "generation": "\\\\boxed{{{{1}}}}"}}\n'
    sample.write_text("".join(line.format(i) for i in range(2500)))
    run_main(grade_answers, monkeypatch, "--samples", sample, "--output", grades)
    command = ("--model", "m", "--samples", tmp_path / "s", "--grades", grades, "--output")
    run_main(export_results, monkeypatch, *command, tmp_path / "export")
    file = parquet.ParquetFile(tmp_path / "export/dataset/b.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [1000, 1000, 500]

    monkeypatch.setattr("openmath.results.export.BATCH_CHARACTERS", 1100)  # 11 in each generation
    run_main(export_results, monkeypatch, *command, tmp_path / "long", "--formats", "dataset")
    file = parquet.ParquetFile(tmp_path / "long/dataset/b.parquet")
    assert {file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)} == {100}

    for text in ("".join(line.format(i) for i in (1, *range(1, 2500))), line.format(0), ""):
        sample.write_text(text)
        folder = tmp_path / f"again-{len(text)}"
        try:
            run_main(export_results, monkeypatch, *command, folder)
        except export_results.InputError as error:
            assert "not those that were graded" in str(error) and str(sample) in str(error)
        else:
            raise AssertionError("exported rows that were not graded")
        assert not list(folder.rglob("*.jsonl")) and not list(folder.rglob("*.parquet")), "half a file is no file"


def test_size_categories_are_the_hubs():
    sizes = {999: "n<1K", 1000: "1K<n<10K", 10**6: "1M<n<10M", 2_779_969: "1M<n<10M", 10**9: "10M<n<100M"}
    assert {rows: size_category(rows) for rows in sizes} == sizes
    assert "size_categories: [n<1K]" in dataset_card("m", {"b": 1}, [])
