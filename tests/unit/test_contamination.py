import json

import pandas
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

import find_contamination
from openmath.benchmarks import contamination
from openmath.benchmarks.contamination import Overlap, training_problems
from openmath.errors import InputError

LONG = "A train leaves the city at noon and drives with a speed of sixty miles per hour until it meets a second train"
SHORT = "What is $2+3$?"


def found(training: list[str], problems: list[str], **options) -> dict[str, dict[int, float]]:
    overlap = Overlap(problems, **({"ngram": 13, "similarity": 0.8} | options))
    for row, problem in enumerate(training, start=1):
        overlap.add(row, problem)
    return {kind: {n: match.similarity for n, match in matches.items()} for kind, matches in overlap.matches.items()}


def test_the_same_problem_in_other_type_is_exact_and_another_sign_is_not():
    assert found(["WHAT is  2 + 3?"], [SHORT, LONG])["exact"] == {0: 1.0}
    assert found(["What is $2-3$?"], [SHORT]) == {"exact": {}, "near": {}, "ngram": {}}


def test_a_changed_word_is_near_and_another_problem_is_nothing():
    changed = found([LONG.replace("a second train", "a second bus")], [LONG])
    assert changed["exact"] == {} and changed["near"] == {0: pytest.approx(20 / 22)}  # of 23 words
    at_the_bound = found([LONG.replace("a second train", "a second bus")], [LONG], similarity=20 / 22)
    assert at_the_bound["near"] == changed["near"]
    assert (
        found(["How many primes are there below one hundred, if one is not counted as a prime?"], [LONG])["near"] == {}
    )


def test_near_duplicates_found_by_minhash_are_those_that_comparing_all_pairs_finds():
    words = LONG.split()
    training = [" ".join([*words[:i], "other", *words[i + 1 :]]) for i in range(len(words))]
    triples = [{tuple(text.split()[i : i + 3]) for i in range(len(words) - 2)} for text in (*training, LONG)]
    jaccard = [len(t & triples[-1]) / len(t | triples[-1]) for t in triples[:-1]]
    for text, similarity in zip(training, jaccard, strict=True):
        assert found([text], [LONG], similarity=0.7)["near"] == (
            {0: pytest.approx(similarity)} if similarity >= 0.7 else {}
        )


def test_runs_of_words_are_counted_over_the_whole_training_set():
    words = LONG.split()
    first, second = " ".join(words[:15]), " ".join(words[7:])
    overlap = Overlap([LONG, SHORT], ngram=13, similarity=0.8)
    for row, problem in enumerate((first, first, second), start=1):
        overlap.add(row, problem)
    match, runs = overlap.matches["ngram"][0], len(words) - 12
    assert (match.rows, match.row, match.text) == (3, 1 if 3 >= len(words) - 7 - 12 else 3, match.text)
    assert overlap.containment(0) == (3 + len(words) - 7 - 12) / runs and overlap.containment(1) == 0


def test_memory_does_not_grow_with_the_training_set(monkeypatch):
    monkeypatch.setattr(contamination, "REMEMBERED", 10)
    overlap = Overlap([LONG], ngram=13, similarity=0.8)
    for row in range(1000):
        overlap.add(row, f"problem number {row}")
    assert len(overlap._lately) == 10 and not overlap._seen


def test_the_command_reads_both_kinds_of_files_and_reports(tmp_path, monkeypatch):
    rows = [{"id": f"b-{i}", "problem": problem} for i, problem in enumerate((LONG, SHORT, "Is <b> bold | or not?"))]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "t.jsonl").write_text(
        json.dumps({"question": None}) + "\n" + json.dumps({"question": "what is 2+3?"}) + "\n"
    )
    parquet.write_table(pa.table({"question": [LONG, LONG, None]}), tmp_path / "t.parquet")
    options = ["--benchmarks", tmp_path / "b.jsonl", "--training-set", tmp_path / "t.jsonl", tmp_path / "t.parquet"]
    options += ["--field", "question", "--output-dir", tmp_path / "out"]
    monkeypatch.setattr("sys.argv", ["find_contamination.py", *map(str, options)])
    find_contamination.main()
    pairs = pandas.read_csv(tmp_path / "out/b.csv")
    assert pairs[["id", "kind", "training_rows", "training_row"]].values.tolist() == [
        ["b-0", "exact", 2, 3], ["b-0", "near", 2, 3], ["b-0", "ngram", 2, 3], ["b-1", "exact", 1, 2],
    ]  # fmt: skip
    line = [line for line in (tmp_path / "out/report.md").read_text().splitlines() if line.startswith("| b ")]
    assert line == ["| b | 3 | 2 (66.7 %) | 1 (33.3 %) | 1 (33.3 %) | 1 (33.3 %) | 2 (66.7 %) |"]


def test_a_wrong_field_is_named(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"question": "x"}\n')
    parquet.write_table(pa.table({"question": ["x"]}), tmp_path / "t.parquet")
    (tmp_path / "bad.parquet").write_text("no parquet")
    for name in ("t.jsonl", "t.parquet", "bad.parquet"):
        with pytest.raises(InputError, match=name):
            list(training_problems([tmp_path / name], "problem"))


def test_shares_are_of_the_problems_of_one_benchmark(tmp_path, call):
    for name, problems in (("a", [LONG, SHORT]), ("b", [SHORT])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"problem": text}) + "\n" for text in problems))
    (tmp_path / "train.jsonl").write_text(json.dumps({"problem": SHORT}) + "\n")
    files = ("--benchmarks", tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--training-set", tmp_path / "train.jsonl")
    call(find_contamination, *files, "--output-dir", tmp_path / "out")
    report = (tmp_path / "out/report.md").read_text()
    assert "| a | 2 | 1 (50.0 %) |" in report and "| b | 1 | 1 (100.0 %) |" in report
