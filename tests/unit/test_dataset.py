"""A training set: labels by vote, new problems, what is kept, fair subsets, packing; the scripts from samples to a packed set."""

import json
import random
from itertools import zip_longest

import numpy as np
import pyarrow.parquet as parquet
import pytest
import yaml
from in_process import run_script

from openmath.dataset.filtering import Filtering, Rules
from openmath.dataset.kept import KeptSolutions
from openmath.dataset.labels import agreeing, labels
from openmath.dataset.new_problems import DROPPED, Known, check_some, new_problems
from openmath.dataset.packing import fair_order, pack
from openmath.errors import InputError
from openmath.files.rows import read_rows, write_rows
from openmath.results.grades import read_sample_files
from openmath.settings.config_dataset import Filter
from openmath.settings.dataset_layout import subset_name

ANSWERS = [  # of the runs rs0 ... rs3, the label by default, the label under `paper`
    (["1/2", "0.5", "3", "3x"], "1/2", "1/2"),  # equal answers are one candidate; under `paper` the first of four wins
    (["3", "4", "4", "3"], None, "3"),  # a tie
    (["3", "3", None, None], "3", "3"),
    ([None, None, None, None], None, None),
    (["", "", "", "7"], "7", "7"),  # an empty box is no answer
    (["7", "8", "8", "7.0"], None, "8"),
]


def samples(folder, problems, runs):
    """output-rsN.jsonl for each list of generations; returns the files."""
    for number, texts in enumerate(runs):
        rows = [
            problem | {"generation": text or "", "seed": number, "finish_reason": "stop", "num_generated_tokens": 9}
            for problem, text in zip(problems, texts, strict=True)
        ]
        write_rows(folder / f"output-rs{number}.jsonl", rows)
    return [folder / f"output-rs{number}.jsonl" for number in range(len(runs))]


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """Grades of new problems, which have no reference."""
    problems = [{"id": f"p-{n}", "problem": f"Problem {n}?", "expected_answer": ""} for n in range(len(ANSWERS))]
    runs = [
        [None if a is None else f"\\boxed{{{a}}}" for a in run]
        for run in zip(*(one[0] for one in ANSWERS), strict=True)
    ]
    return read_sample_files(samples(tmp_path_factory.mktemp("new"), problems, runs), "default")


@pytest.mark.parametrize(("policy", "column"), [("default", 1), ("paper", 2)])
def test_the_label_is_the_answer_of_most_solutions(unlabelled, policy, column):
    found = list(labels(unlabelled, policy))
    assert [label["expected_answer"] for label in found] == [one[column] for one in ANSWERS]
    correct = agreeing(unlabelled, found, policy)
    for (answers, *_), label, row in zip(ANSWERS, found, correct, strict=True):
        agree = {"1/2": {"1/2", "0.5"}} if policy == "default" else {}
        same = agree.get(label["expected_answer"], {label["expected_answer"]}) - {None}
        assert row.tolist() == [answer in same for answer in answers], label


@pytest.mark.parametrize("policy", ["default", "paper"])
def test_labels_are_the_votes_of_an_evaluation(tmp_path, policy):
    chance = random.Random(0)
    problems = [{"id": f"p-{n}", "problem": f"Problem {n}?", "expected_answer": ""} for n in range(60)]
    drawn = [chance.choices(["1/2", "0.5", "2", "3", "x+1", "1+x", None], k=60) for _ in range(5)]
    files = samples(tmp_path, problems, [[a and f"\\boxed{{{a}}}" for a in run] for run in drawn])
    found = list(labels(read_sample_files(files, policy), policy))
    reply = run_script("fill_majority", "--samples", *files, "--policy", policy, "--output", tmp_path / "m.jsonl")
    assert reply.returncode == 0, reply.stderr
    for label, row in zip(found, read_rows(tmp_path / "m.jsonl"), strict=True):
        assert label["id"] == row["id"] and label["majority_votes"] == row["majority_votes"]
        tied = row["tied"] and policy == "default"
        assert label["outcome"] == ("tied" if tied else "labelled" if row["predicted_answer"] else "no_answer"), label
        assert label["expected_answer"] == (None if tied else row["predicted_answer"])
    assert {label["outcome"] for label in found} >= ({"labelled", "tied"} if policy == "default" else {"labelled"})


def test_a_label_says_how_it_came_about(unlabelled):
    outcomes = [label["outcome"] for label in labels(unlabelled, "default", min_votes=2)]
    assert outcomes == ["labelled", "tied", "labelled", "no_answer", "few_votes", "tied"]
    first = next(labels(unlabelled, "default"))
    assert (first["majority_votes"], first["total_votes"], first["sample_run"]) == (2, 4, "rs0")


def test_unusable_new_problems_are_dropped_and_counted():
    seeds, earlier = Known(), Known()
    seeds.add("Anna has 3 apples and buys 2 more at the market. How many apples does she have now?")
    earlier.add("What is 12 + 3?")
    texts = [
        ("What is 7 + 30?", "stop", None),
        ("New problem: What is 8 + 31?\n", "stop", None),
        ("", "refused", "refused"),
        ("What is", "length", "truncated"),
        (" \n", "stop", "empty"),
        ("---", "stop", "empty"),
        ("word " * 9, "stop", "too_long"),
        ("anna has 3 apples and buys 2 more at the market.  How many apples does she have now?", "stop", "copied"),
        ("What is 12 + 3?", "stop", "duplicate"),  # of an earlier run
        ("What is 7 + 30 ?", "stop", "duplicate"),  # of this one
        ("Anna has 3 apples and buys 2 more at the market. How many apples does Anna now have in all?", "stop", None),
    ]
    rows = [
        {
            "id": f"s-{n}",
            "generation": text,
            "finish_reason": reason,
            "num_generated_tokens": len(text.split()) // 2 * 2,
        }
        for n, (text, reason, _) in enumerate(texts)
    ]
    rows[6]["num_generated_tokens"] = 1000
    counts = {}
    found = list(new_problems(rows, "rs4", seeds=seeds, earlier=earlier, max_tokens=100, counts=counts))
    assert [(row["problem"], row["origin"], row["id"]) for row in found][:2] == [
        ("What is 7 + 30?", "s-0", "s-0-rs4"),
        ("What is 8 + 31?", "s-1", "s-1-rs4"),
    ]
    assert not any(row["expected_answer"] for row in found)
    expected = {"written": len(texts)} | {why: sum(one[2] == why for one in texts) for why in DROPPED}
    assert counts == expected
    assert len(found) == sum(one[2] is None for one in texts)


def thought(text, **more):
    return {"id": "p", "generation": text, "finish_reason": "stop", "num_generated_tokens": 90, **more}


def test_a_new_problem_begins_behind_the_thought():
    rows = [
        thought("<think>Apples? No, sums.</think>\n\nNew problem: What is 5 + 6?", num_reasoning_tokens=80),
        thought("Hm.</think>What is 60 + 7?", answer_start=11, num_reasoning_tokens=80),  # the prompt has opened it
        thought("<think>Apples? Then why not"),
        thought("What is 800 + 9?", reasoning="Apples?", num_reasoning_tokens=80),
    ]
    counts = {}
    found = list(new_problems(rows, "rs0", seeds=Known(), earlier=Known(), max_tokens=20, counts=counts))
    assert [row["problem"] for row in found] == ["What is 5 + 6?", "What is 60 + 7?", "What is 800 + 9?"]
    assert [row["num_generated_tokens"] for row in found] == [10, 10, 10]
    assert counts["empty"] == 1


def test_a_solution_begins_behind_the_thought(tmp_path):
    texts = ["<think>5? No, \\boxed{4}.</think>\n2 + 2 = 4, \\boxed{4}", "<think>\\boxed{4}", "It is \\boxed{4}."]
    problems = [{"id": f"p-{n}", "problem": "2 + 2?", "expected_answer": "4"} for n in range(len(texts))]
    rows = [problem | thought(text, num_reasoning_tokens=80) for problem, text in zip(problems, texts, strict=True)]
    write_rows(tmp_path / "output-rs0.jsonl", [row | {"id": p["id"]} for row, p in zip(rows, problems, strict=True)])
    rules = Rules(["several_boxes", "lengths"], 1, 20, 20, None, "paper")
    kept = KeptSolutions(problems, ["4"] * len(texts), np.ones((len(texts), 1), bool), ["rs0"])
    counts = kept.write(tmp_path / "k.parquet", [tmp_path / "output-rs0.jsonl"], Filtering(rules), "own")
    assert (counts["samples"], counts["correct"], counts["kept"]) == (3, 2, 2)
    written = [row["generated_solution"] for row in read(tmp_path / "k.parquet")]
    assert written == ["2 + 2 = 4, \\boxed{4}", "It is \\boxed{4}."]


def test_a_near_duplicate_differs_by_a_few_words():
    known = Known()
    known.add("A farmer has 12 cows, 8 sheep and 4 goats on the farm. How many animals does the farmer have in all?")
    near = "A farmer has 12 cows, 8 sheep and 4 goats on the farm. How many animals does the farmer have in total?"
    assert near in known
    assert "A farmer has 5 cows and 6 goats. How many legs do all the animals on the farm have together?" not in known


def by_rounds(problems):
    """The fair order by its definition: round by round, problems in order of first appearance."""
    groups: dict = {}
    for row, problem in enumerate(problems):
        groups.setdefault(problem, []).append(row)
    return [row for turn in zip_longest(*groups.values()) for row in turn if row is not None]


def test_the_fair_order_is_that_of_its_definition():
    chance = random.Random(0)
    for size in [0, 1, *(chance.randrange(2, 60) for _ in range(100))]:
        problems = [chance.randrange(8) for _ in range(size)]
        position = fair_order(np.array(problems, np.uint64))
        assert np.argsort(position).tolist() == by_rounds(problems)


def test_subsets_are_named_by_their_size():
    assert [subset_name(rows) for rows in (2_000_000, 500_000, 1_234)] == ["train_2M", "train_500K", "train_1234"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set of six problems with references and six without: all steps but the drawing of samples, by the scripts."""
    folder = tmp_path_factory.mktemp("set")
    own = folder / "datasets/own"
    problems = [{"id": f"p-{n}", "problem": f"What is {n} + 1 + 1?", "expected_answer": str(n + 2)} for n in range(6)]
    runs = [
        [f"We add: {n} + 1 + 1 = {n + 2}, run {run}.\n\\boxed{{{n + 2 if n != run else 99}}}\nNext" for n in range(6)]
        for run in range(4)
    ]
    runs[3][5] = runs[2][5]  # a duplicate
    runs[3][4] = "4 + 1 + 1 = 7.\n\\boxed{6}"  # a right answer by a wrong calculation
    new = [
        {
            "id": f"p-{n}-rs0",
            "problem": f"What is {n} + 30?",
            "expected_answer": "",
            "origin": f"p-{n}",
            "sample_run": "rs0",
        }
        for n in range(6)
    ]
    voted = [[f"\\boxed{{{n + 30 if run else 'x'}}}" for n in range(6)] for run in range(3)]
    write_rows(folder / "data/sums.jsonl", problems)
    write_rows(own / "new-problems/sums-rs0.jsonl", new)
    for stage, part, file, rows, texts in (
        ("solutions", "sums", "data/sums.jsonl", problems, runs),
        ("new-solutions", "sums-rs0", "datasets/own/new-problems/sums-rs0.jsonl", new, voted),
    ):
        files = [path.relative_to(folder) for path in samples(own / stage / part, rows, texts)]
        grades = f"datasets/own/grades/{stage}/{part}.parquet"
        labels = f"datasets/own/labels/{part}.jsonl"
        run_well(
            folder, "grade_answers", "--benchmark", file, "--samples", *files, "--processes", 1, "--output", grades
        )
        if stage == "new-solutions":
            run_well(folder, "label_problems", "--grades", grades, "--output", labels)
        run_well(
            folder,
            *("filter_solutions", "--problems", file, "--samples", *files, "--source", part, "--grades", grades),
            *(
                "--min-solution-characters",
                1,
                "--origin",
                "sums",
                "--output",
                f"datasets/own/kept/{stage}/{part}.parquet",
            ),
            *(("--labels", labels) if stage == "new-solutions" else ()),
        )
    kept = [f"datasets/own/kept/{part}.parquet" for part in ("solutions/sums", "new-solutions/sums-rs0")]
    manifests = [path.replace("kept", "grades").replace(".parquet", ".manifest.json") for path in kept]
    options = ("--kept", *kept, "--subsets", 9, 1000, "--sample-manifests", *manifests, "--output-dir", "datasets/own")
    reply = run_well(folder, "pack_dataset", "--name", "own", "--teacher", "t", *options)
    assert "train_1K.parquet has all 24 rows, not 1,000" in reply.stderr
    return folder


def run_well(folder, script, *options):
    reply = run_script(script, *options, cwd=folder)
    assert reply.returncode == 0, reply.stderr
    return reply


@pytest.fixture
def parts(made):
    """Where its first part is kept."""
    return made / "datasets/own/kept/solutions"


def test_each_step_takes_up_where_the_last_one_ends(parts):
    counts = json.loads((parts / "sums.counts.json").read_text())
    assert (counts["problems"], counts["samples"], counts["correct"], counts["kept"], counts["solved"]) == (
        6,
        24,
        20,
        18,
        6,
    )
    steps = counts["filters"]
    assert [one["filter"] for one in steps] == list(Filter.__args__)
    befores = [one["before"] for one in steps] + [counts["kept"]]
    assert befores == [counts["correct"], *(one["after"] for one in steps)]
    lost = {one["filter"]: one["before"] - one["after"] for one in steps if one["before"] > one["after"]}
    assert lost == {"wrong_arithmetic": 1, "duplicates": 1}


def test_kept_solutions_are_trimmed_and_lead_back_to_their_sample(parts):
    row = parquet.read_table(parts / "sums.parquet").to_pylist()[0]
    assert row == {
        "problem": "What is 1 + 1 + 1?",
        "generated_solution": "We add: 1 + 1 + 1 = 2 + 1 = 3, run 0.\n\\boxed{3}",
        "expected_answer": "3",
        "problem_source": "sums",
        "id": "p-1",
        "sample_run": "rs0",
    }


def test_the_packed_set_holds_every_kept_row_once_and_a_fair_part_of_them(made, parts):
    own = parts.parents[1]
    kept = [
        row for path in (parts / "sums.parquet", parts.parent / "new-solutions/sums-rs0.parquet") for row in read(path)
    ]
    packed = read(own / "train.parquet")
    assert list(packed[0]) == ["problem", "generated_solution", "expected_answer", "problem_source"]
    key = [(row["problem"], row["generated_solution"]) for row in kept]
    assert sorted(key) == sorted((row["problem"], row["generated_solution"]) for row in packed)
    assert key != [(row["problem"], row["generated_solution"]) for row in packed]
    fair = {key[row] for row in by_rounds([problem for problem, _ in key])[:9]}
    assert {(row["problem"], row["generated_solution"]) for row in read(own / "train_9.parquet")} == fair
    card = (own / "card.md").read_text()
    top = yaml.safe_load(card.split("---")[1])
    assert [one["split"] for one in top["configs"][0]["data_files"]] == ["train", "train_9", "train_1K"]
    assert "| sums | 6 | 24 | 20 | 18 | 75.0% | 6 |" in card
    counts = json.loads((own / "counts.json").read_text())
    assert counts["sets"] == {"train": 24, "train_9": 9, "train_1K": 24}
    assert counts["problems"] == 12
    assert [part["kept"] for part in counts["parts"]] == [18, 6]
    assert json.loads((own / "manifest.json").read_text())["sets"]["train.parquet"]["rows"] == 24


def read(path):
    return parquet.read_table(path).to_pylist()


def test_a_row_leads_back_to_its_sample_and_its_votes(made):
    path = made / "datasets/own/train.parquet"
    rows = read(path)
    number = next(n for n, row in enumerate(rows) if row["problem"] == "What is 4 + 30?")
    reply = run_script("trace", path, "--row", number, "--json")
    assert reply.returncode == 0, reply.stderr
    history = json.loads(reply.stdout)
    assert history["sample"]["file"].endswith("new-solutions/sums-rs0/output-rs1.jsonl")
    assert history["sample"]["row"]["generation"] == rows[number]["generated_solution"] == "\\boxed{34}"
    assert history["label"]["votes"] == {"34": 2, "x": 1}
    assert history["problem"]["origin"] == "p-4"
    assert {file["state"] for file in history["files"]} == {"ok"}
    number = next(n for n, row in enumerate(rows) if row["problem"] == "What is 5 + 1 + 1?")
    reply = run_script("trace", path, "--row", number)
    assert "answer: 7 (sums)" in reply.stdout
    sample = made / "datasets/own/solutions/sums/output-rs0.jsonl"
    text = sample.read_text()
    try:
        sample.write_text(text.replace("We add", "We sum"))
        states = [run_script("trace", path, "--row", n).returncode for n in range(len(rows))]
    finally:
        sample.write_text(text)
    assert set(states) == {0, 1}
    assert run_script("trace", path, "--row", 24).returncode == 2


def test_a_seed_gives_one_order_whatever_the_buckets(parts, tmp_path, monkeypatch):
    monkeypatch.setattr("openmath.dataset.packing.BUCKET", 5)
    orders = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        pack([parts / "sums.parquet"] * 2, {tmp_path / f"{name}.parquet": None}, seed)
        orders.append(parquet.read_table(tmp_path / f"{name}.parquet")["generated_solution"].to_pylist())
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])
    assert len(orders[0]) == 36


def test_samples_of_other_problems_are_refused(made, tmp_path):
    rows = list(read_rows(made / "datasets/own/solutions/sums/output-rs0.jsonl"))
    write_rows(tmp_path / "output-rs0.jsonl", rows[::-1])
    reply = run_script(
        *("filter_solutions", "--problems", made / "data/sums.jsonl", "--samples", tmp_path / "output-rs0.jsonl"),
        *(
            "--source",
            "sums",
            "--grades",
            made / "datasets/own/grades/solutions/sums.parquet",
            "--output",
            tmp_path / "sums.parquet",
        ),
    )
    assert reply.returncode == 2
    assert "A sample is not of the problem in its place." in reply.stderr
    assert not (tmp_path / "sums.parquet").exists()


@pytest.mark.parametrize(
    ("counted", "options", "warned"),
    [
        ({"num_generated_tokens": 9}, (), 0),
        ({}, (), 20),  # all that are right: no problem has a count
        ({}, ("--filters", "lengths", "duplicates"), 20),
        ({}, ("--filters", "duplicates"), 0),
    ],
)
def test_lengths_that_nobody_has_counted_are_told(made, tmp_path, counted, options, warned):
    solutions = "datasets/own/solutions/sums"
    write_rows(tmp_path / "p.jsonl", [row | counted for row in read_rows(made / "data/sums.jsonl")])
    reply = run_well(
        made,
        *(
            "filter_solutions",
            "--problems",
            tmp_path / "p.jsonl",
            "--source",
            "sums",
            "--output",
            tmp_path / "s.parquet",
        ),
        *("--samples", *(f"{solutions}/output-rs{run}.jsonl" for run in range(4))),
        *("--grades", "datasets/own/grades/solutions/sums.parquet", *options),
    )
    assert (f"warning: of {warned} solutions" in reply.stderr) == ("warning" in reply.stderr) == (warned > 0)


def test_a_run_without_a_usable_problem_says_what_became_of_them(tmp_path):
    seeds = [{"id": "s", "problem": "What is 1 + 1?", "expected_answer": "2"}]
    (tmp_path / "prompt.yaml").write_text("user: '{problem}'")
    (path,) = samples(tmp_path, seeds, [["What is 1 + 1?"]])
    write_rows(tmp_path / "seeds.jsonl", seeds)
    options = (
        "--seeds",
        tmp_path / "seeds.jsonl",
        "--prompt",
        tmp_path / "prompt.yaml",
        "--output",
        tmp_path / "o.jsonl",
    )
    reply = run_script("collect_problems", "--samples", path, *options)
    assert reply.returncode == 2
    assert "1 written, 1 copied" in reply.stderr and "nothing new to say" in reply.stderr
    (path,) = samples(tmp_path, seeds, [["---"]])
    reply = run_script("collect_problems", "--samples", path, *options)
    assert reply.returncode == 2 and "1 empty" in reply.stderr and "does the prompt fit" in reply.stderr


@pytest.mark.parametrize(("copied", "hint"), [(1, "does the prompt fit"), (2, "nothing new to say")])
def test_the_hint_is_about_most_of_the_problems(copied, hint):
    with pytest.raises(InputError, match=hint):
        check_some([], {"written": 3, "copied": copied, "empty": 3 - copied}, "new-problems/a.jsonl")


def test_a_set_of_which_nothing_is_left_is_one_message(made, tmp_path):
    """Not an empty set: the counts name the step that took everything."""
    counts = json.loads((made / "datasets/own/kept/solutions/sums.counts.json").read_text())
    parquet.write_table(
        parquet.read_table(made / "datasets/own/kept/solutions/sums.parquet").slice(0, 0), tmp_path / "k.parquet"
    )
    counts |= {"kept": 0, "solved": 0}
    counts["filters"][-1]["after"] = 0
    (tmp_path / "k.counts.json").write_text(json.dumps(counts))
    reply = run_script(
        *("pack_dataset", "--name", "own", "--teacher", "t", "--kept", tmp_path / "k.parquet"),
        "--output-dir",
        tmp_path / "out",
    )
    assert reply.returncode == 2 and "No solution is left for the set." in reply.stderr
    assert "24 solutions written" in reply.stderr and "after duplicates 0" in reply.stderr
    assert not (tmp_path / "out").exists()
