"""What other tools have left is found, told and written in our layout; what would be counted wrongly is refused."""

import csv
import gzip
import json
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from in_process import run_script

from openmath.answers import answer_of
from openmath.files.rows import read_rows, write_rows
from openmath.files.same_problems import Problem
from openmath.foreign import reading
from openmath.foreign.matching import Benchmark, best_match
from openmath.foreign.texts import reference_text
from openmath.settings.config import checked_config

TOOLS = Path(__file__).parent / "foreign"  # files that the tools themselves wrote, about questions of ours
OWN = [("What is 1/4 + 1/4?", "1/2"), ("What is 6 times 7, in digits?", "42"), ("What is the square root of 81?", "9")]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """With a benchmark `own` in data/."""
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"own-{n}", "problem": text, "expected_answer": gold} for n, (text, gold) in enumerate(OWN)]
    write_rows("data/own.jsonl", rows)
    return tmp_path


def sample(number: int, answer: str | None = None, **more) -> dict:
    text, gold = OWN[number]
    answer = gold if answer is None else answer
    return {"problem": text, "expected_answer": gold, "generation": f"So \\boxed{{{answer}}}.", **more}


def imported(*options: object, source: str = "theirs") -> str:
    """What an import says; it must succeed."""
    reply = run_script("import_samples", source, *options)
    assert reply.returncode == 0, reply.stderr
    assert not reply.stderr
    return reply.stdout


def refused(source: str = "theirs") -> str:
    """The one message of an import that is refused; nothing is written."""
    reply = run_script("import_samples", source)
    assert (reply.returncode, reply.stdout) == (2, "") and reply.stderr.count("error:") == 1
    assert not [path for path in Path("imported").rglob("*") if path.is_file()]
    return reply.stderr


def published(benchmark: str = "own", model: str = "theirs", out: str = "imported/theirs") -> dict[str, list[dict]]:
    """File name -> its rows."""
    return {path.name: list(read_rows(path)) for path in sorted(Path(out, model, benchmark).iterdir())}


def test_nemo_skills_of_2024(folder):
    rows = [sample(n, predicted_answer=OWN[n][1], is_correct=True) for n in range(3)]
    rows[1]["expected_answer"] = 42  # a number, as it was
    for run in ("greedy", "rs0", "rs1"):
        write_rows(f"theirs/eval-results/own/output-{run}.jsonl", rows)
    said = imported()
    assert "own: 3 of 3; greedy, 2 sampled runs" in said and "warning" not in said
    files = published()
    assert list(files) == ["output-greedy.jsonl", "output-rs0.jsonl", "output-rs1.jsonl"]
    assert files["output-rs1.jsonl"][1] == {
        "id": "own-1",
        "problem": OWN[1][0],
        "expected_answer": "42",
        "generation": "So \\boxed{42}.",
        "predicted_answer": "42",
        "is_correct": True,
        "seed": 1,
    }
    config = yaml.safe_load(Path("imported/theirs/my.yaml").read_text())
    assert checked_config(config)["models"]["theirs"]["seeds"] == 2
    assert config["models"]["theirs"] == {"samples": "imported/theirs/theirs", "greedy": True, "seeds": 2}
    table = run_script("summarize_results", "imported/theirs/theirs", "--policy", "paper")
    assert "greedy          | 3           | 100.00" in table.stdout, table.stderr


def test_nemo_skills_of_2026_in_another_order_with_chunks_and_gzip(folder):
    place = Path("theirs/eval-results/own")
    rows = [sample(n, id=f"t{n}", symbolic_correct=n != 1, _async_position=n) for n in range(3)]
    rows[0] |= {"_full_generation": "<think>hm</think>So \\boxed{1/2}.", "generation": "So \\boxed{1/2}."}
    write_rows(place / "output.jsonl", reversed(rows))
    write_rows(place / "output-rs0_chunk_0.jsonl", rows[:2])
    write_rows(place / "output-rs0_chunk_1.jsonl", rows[2:])
    write_rows(place / "plain.jsonl", rows)
    (place / "output-rs1.jsonl.gz").write_bytes(gzip.compress((place / "plain.jsonl").read_bytes()))
    (place / "plain.jsonl").unlink()
    (place / "output-rs0.jsonl.done").touch()
    write_rows(place / "output-rs2.jsonl-async", rows[:1])
    write_rows(place / "output-agg.jsonl", rows)
    said = imported()
    assert "own: 3 of 3; greedy, 2 sampled runs" in said
    assert "output-rs2.jsonl-async: unfinished" in said and "output-agg.jsonl: majority answers" in said
    files = published()
    assert [row["id"] for row in files["output-greedy.jsonl"]] == ["own-0", "own-1", "own-2"]
    assert (
        files["output-greedy.jsonl"][0]["reasoning"] == "hm" and "_async_position" not in files["output-rs0.jsonl"][0]
    )
    assert [row["is_correct"] for row in files["output-rs1.jsonl"]] == [True, False, True]


def test_what_cannot_be_counted_is_left_out_and_told(folder):
    place = Path("theirs/own")
    write_rows(place / "output-rs0.jsonl", map(sample, range(3)))
    write_rows(place / "output-rs2.jsonl", [*map(sample, range(3)), sample(1, "7")])
    write_rows(place / "output-rs5.jsonl", map(sample, range(2)))
    write_rows(place / "output-rs7.jsonl", [sample(0, expected_answer="1"), sample(1), sample(2)])
    (place / "notes.txt").write_text("?")
    said = imported()
    assert "own: 3 of 3; 3 sampled runs" in said
    for words in (
        "rs5 is left out: 2 of 3 problems",
        "no rs1, rs3, rs4, rs5, rs6: the sampled runs are numbered anew, rs2 is rs1, rs7 is rs2",
        "rows that repeat a problem of their run: 1 (first in rs2); the first of them counts",
        "problems with different references in several rows: 1; the first counts",
        "notes.txt: no file of samples that is known",
    ):
        assert words in said, said
    assert [row["generation"] for row in published()["output-rs1.jsonl"]][1] == "So \\boxed{42}."


def test_problems_that_not_each_run_has(folder):
    write_rows("theirs/own/output-rs0.jsonl", map(sample, (0, 1)))
    write_rows("theirs/own/output-rs1.jsonl", map(sample, (1, 2)))
    said = imported()
    assert "problems left out that not each run has: 2" in said and "own: 1 of 3; 2 sampled runs" in said


def test_references_that_are_not_ours(folder):
    rows = [sample(0, expected_answer="\\frac12"), sample(1, expected_answer="43"), sample(2)]
    write_rows("theirs/own/output.jsonl", rows)
    assert (
        "references spelled otherwise than ours: 2, other in value: 1, as '43' for our '42'; theirs count" in imported()
    )


@pytest.mark.parametrize("prepared", [True, False])
def test_a_benchmark_is_not_called_by_a_name_that_it_does_not_deserve(folder, prepared):
    if prepared:
        write_rows("data/math.jsonl", [{"id": "m", "problem": "Another problem.", "expected_answer": "1"}])
    else:
        Path("data/own.jsonl").unlink()
    write_rows("theirs/hendrycks_math/output.jsonl", map(sample, range(3)))
    if prepared:
        Path("data/own.jsonl").unlink()
        assert "math-other: 3 problems" in (said := imported()) and "calls itself math, but" in said
    else:
        said = imported()
        assert "has 5,000 problems where this has 3" in said and "prepare_benchmark.py math" in said


def test_models_and_benchmarks_with_different_runs_all_have_a_configuration(folder):
    for run in ("greedy", "rs0", "rs1"):
        write_rows(f"theirs/a/eval-results/own/output-{run}.jsonl", map(sample, range(3)))
    for benchmark in ("x", "y"):
        rows = [{**sample(n), "problem": f"{benchmark}{n}"} for n in range(2)]
        write_rows(f"theirs/a/eval-results/{benchmark}/output-rs0.jsonl", rows)
        write_rows(f"theirs/b/eval-results/{benchmark}/output-rs0.jsonl", rows)
    said = imported("--config", "mine.yaml")
    configs = [yaml.safe_load(Path(name).read_text()) for name in ("mine.yaml", "mine-2.yaml")]
    assert [config["benchmarks"] for config in configs] == [["x", "y"], ["own"]]
    assert set(configs[0]["models"]) == {"a", "b"} and list(configs[1]["models"]) == ["a-greedy-2-seeds"]
    assert said.count("next: snakemake") == 2
    Path("mine.yaml").write_text("benchmarks: [math]\n")
    reply = run_script("import_samples", "theirs", "--config", "mine.yaml")
    assert reply.returncode == 2 and "A configuration is there already." in reply.stderr


def test_a_model_that_is_evaluated_here_keeps_its_results(folder):
    for place in ("theirs", "results/m"):
        write_rows(f"{place}/eval-results/own/output-greedy.jsonl", map(sample, range(3)))
    imported(source="results/m")
    assert published(model="m-imported", out="imported/m")


def test_judged_copies_hold_the_same_samples(folder):
    write_rows("theirs/eval-results/own/output-greedy.jsonl", map(sample, range(3)))
    judged = [sample(n, judgement="Judgement: Yes") for n in range(3)]
    write_rows("theirs/eval-results-judged/own/output-greedy.jsonl", judged)
    voted = [sample(n, majority_votes=3, total_votes=4) for n in range(3)]
    write_rows("theirs/eval-results-majority/own/output-rs0.jsonl", voted)
    said = imported()
    assert (
        "eval-results/own/output-greedy.jsonl: the same runs" in said and "output-rs0.jsonl: majority answers" in said
    )
    assert published()["output-greedy.jsonl"][0]["judgement"] == "Judgement: Yes"


def test_a_second_import_writes_the_same_and_never_mixes(folder):
    write_rows("theirs/own/output-rs0.jsonl", map(sample, range(3)))
    write_rows("theirs/own/output-rs1.jsonl", map(sample, range(3)))
    assert imported() == imported()
    Path("theirs/own/output-rs1.jsonl").unlink()
    reply = run_script("import_samples", "theirs")
    assert reply.returncode == 2 and "output-rs1.jsonl (1 files)" in reply.stderr


def csv_file(path: str, rows: list[dict]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("seeds", [(1, 0), ("rs1", "rs0"), None])
def test_a_table(folder, seeds):
    rows = []
    for run in range(2):
        for text, gold in OWN:
            answer = gold if run else "The answer is 5."
            named = {} if seeds is None else {"Seed": seeds[run]}
            rows.append({"Question": text, "Gold": gold, "Response": answer} | named)
    csv_file("theirs/own.csv", rows)
    assert "own: 3 of 3; 2 sampled runs (sampling not recorded)" in imported()
    first = published()["output-rs0.jsonl" if seeds is None else "output-rs1.jsonl"]
    assert first[0]["predicted_answer"] == "5" and first[0]["extraction"] == "the answer is"


def test_a_table_of_answers_of_several_models(folder):
    rows = [
        {"model": m, "problem": t, "predicted_answer": "" if m == "b" else g, "seed": 0} for m in "ab" for t, g in OWN
    ]
    csv_file("theirs/own.csv", rows)
    assert "own: 3 of 3" in imported()
    assert [row["predicted_answer"] for row in published(model="a")["output-rs0.jsonl"]] == [gold for _, gold in OWN]
    assert [row["predicted_answer"] for row in published(model="b")["output-rs0.jsonl"]] == [None] * 3
    assert published(model="a")["output-rs0.jsonl"][0]["expected_answer"] == "1/2"  # ours


def lm_eval_row(number: int, *texts: str, **more) -> dict:
    text, gold = OWN[number]
    sampled = {"do_sample": True, "temperature": 0.7} if len(texts) > 1 else {"do_sample": False, "temperature": 0.0}
    arguments = {"gen_args_0": {"arg_0": f"Question: {text}\nAnswer:", "arg_1": sampled}}
    doc = {"question": text, "answer": f"Because.\n#### {gold}"}
    said = {"target": doc["answer"], "arguments": arguments, "resps": [list(texts)], "filtered_resps": [texts[0]]}
    return {"doc_id": number, "doc": doc, **said, "exact_match": 1.0, **more}


def test_lm_evaluation_harness_each_document_once_whatever_its_filters(folder):
    rows = [
        lm_eval_row(
            n, f"It is {OWN[n][1]}", filter=kind, filtered_resps=[OWN[n][1] if kind == "strict" else "[invalid]"]
        )
        for kind in ("strict", "flexible")
        for n in range(3)
    ]
    write_rows("theirs/org__m/samples_quiz_2026-01-02T03-04-05.678.jsonl", rows)
    sampled = [lm_eval_row(n, "\\boxed{1}", "\\boxed{2}") for n in range(3)]
    write_rows("theirs/org__m/samples_other_2026-01-02T03-04-05.678.jsonl", sampled)
    Path("theirs/org__m/results_2026-01-02T03-04-05.678.json").write_text("{}")
    said = imported()
    assert "warning" not in said
    assert "quiz: 3 of 3; greedy" in said and "other: 3 of 3; 2 sampled runs (temperature 0.7" in said
    [greedy] = published("quiz", "org__m").values()
    assert [(r["predicted_answer"], r["expected_answer"]) for r in greedy] == [(g, g) for _, g in OWN]


def test_parts_of_a_benchmark_become_one_and_a_newer_run_counts(folder):
    for number in range(3):
        rows = [lm_eval_row(number, "\\boxed{9}")]
        write_rows(f"theirs/m/samples_quiz_{number}_2026-01-02T03-04-05.jsonl", rows)
    write_rows("theirs/m/samples_quiz_2_2026-01-01T03-04-05.jsonl", [lm_eval_row(2, "\\boxed{8}")])
    said = imported()
    assert "own: 3 of 3; greedy" in said and "samples_quiz_2_2026-01-01T03-04-05.jsonl: the same runs" in said
    [rows] = published(model="m").values()
    assert [row["generation"] for row in rows] == ["\\boxed{9}"] * 3


def test_whole_prompts_of_lighteval_are_problems_of_ours(folder):
    place = Path("theirs/details/org/m/2026-01-02T03-04-05.6")
    place.mkdir(parents=True)
    rows = [
        {
            "doc": {
                "query": f"Solve this.\n\n{text}\n\nRemember.",
                "choices": [f"so \\boxed{{{gold}}}"],
                "gold_index": [0],
                "id": str(n),
            },
            "model_response": {"text": ["\\boxed{1}", f"\\boxed{{{gold}}}"], "output_tokens": [[1, 2], [3]]},
            "metric": {"pass": 1.0},
        }
        for n, (text, gold) in enumerate(OWN)
    ]
    parquet.write_table(pa.Table.from_pylist(rows), place / "details_lighteval|quiz|0_2026-01-02T03-04-05.6.parquet")
    older = [
        {
            "full_prompt": f"Q: {text}",
            "example": text,
            "gold": repr([gold]),
            "predictions": repr([f"\\boxed{{{gold}}}"]),
        }
        for text, gold in OWN
    ]
    parquet.write_table(pa.Table.from_pylist(older), place / "details_custom|older|0_2026-01-02T03-04-05.6.parquet")
    results = Path("theirs/results/org/m/results_2026-01-02T03-04-05.6.json")
    results.parent.mkdir(parents=True)
    results.write_text(json.dumps({"config_general": {"generation_parameters": {"temperature": 0.0}}}))
    said = imported()
    assert "quiz: 3 of 3; 2 sampled runs (temperature 0)" in said and "older: 3 of 3; greedy" in said
    assert [row["problem"] for row in published("quiz", "m")["output-rs1.jsonl"]] == [text for text, _ in OWN]
    [greedy] = published("older", "m").values()
    assert [(row["generation"], row["expected_answer"]) for row in greedy] == [(f"\\boxed{{{g}}}", g) for _, g in OWN]


def inspect_log(path: str, *samples: dict, temperature: float | None = 0.0, **header) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    evaluation = {"task": "suite/quiz", "model": "openai/m", "created": "2026-01-02", "model_generate_config": {}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        plan = {"config": {"temperature": temperature}}
        file.writestr("header.json", json.dumps({"eval": evaluation | header, "plan": plan}))
        for one in samples:
            file.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))


def inspect_sample(number: int, content: object, epoch: int = 1, **more) -> dict:
    text, gold = OWN[number]
    output = {
        "choices": [{"message": {"content": content}, "stop_reason": "max_tokens"}],
        "usage": {"output_tokens": 5},
    }
    return {"id": number, "epoch": epoch, "input": text, "target": gold, "output": output} | more


def test_inspect_logs(folder):
    parts = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "attachment://abc"}]
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": OWN[1][0]}]
    samples = [
        inspect_sample(0, parts, attachments={"abc": "\\boxed{1/2}"}),
        inspect_sample(1, "no box", input=chat, scores={"match": {"value": "C", "answer": "42"}}),
        inspect_sample(2, "\\boxed{3}", target=["9", "nine"]),
    ]
    inspect_log("theirs/one.eval", *samples)
    assert "own: 3 of 3; greedy (inspect_ai's quiz)" in imported()
    [rows] = published(model="m").values()
    assert (
        rows[0]["reasoning"] == "hm"
        and rows[0]["generation"] == "\\boxed{1/2}"
        and rows[0]["finish_reason"] == "length"
    )
    assert rows[1]["predicted_answer"] == "42" and rows[2]["expected_answer"] == "9"


@pytest.mark.parametrize(
    "broken",
    [{"input": [{"role": "system", "content": "s"}]}, {"output": 3}, {"output": {"choices": [{"message": None}]}}],
)
def test_a_sample_of_a_log_that_is_none(folder, broken):
    inspect_log("theirs/a.eval", inspect_sample(0, "x", **broken))
    assert "not a sample of inspect_ai" in refused()


def test_two_wordings_of_one_problem_are_one_problem(folder):
    long = "What is the square root of 81?"
    rows = [sample(0), sample(1), sample(2), sample(2, "8", problem=f"Solve this: {long}")]
    write_rows("theirs/own/output.jsonl", rows)
    assert "own: 3 of 3" in (said := imported()) and "rows that repeat a problem of their run: 1" in said
    [greedy] = published().values()
    assert [row["id"] for row in greedy] == ["own-0", "own-1", "own-2"] and greedy[2]["generation"] == "So \\boxed{9}."


def test_two_tasks_with_the_problems_of_one_benchmark_keep_their_names(folder):
    for task in ("own", "own_cot"):
        write_rows(f"theirs/m/samples_{task}.jsonl", [lm_eval_row(n, f"\\boxed{{{task}}}") for n in range(3)])
    said = imported()
    assert "  own: 3 of 3; greedy" in said and "  own_cot: 3 of 3; greedy" in said


def test_a_document_without_a_problem_has_its_prompt(folder):
    rows = [lm_eval_row(n, "\\boxed{1}") | {"doc": {"text": "?"}} for n in range(3)]
    write_rows("theirs/m/samples_quiz.jsonl", rows)
    assert "own: 3 of 3; greedy" in imported()


def test_two_logs_of_the_same_sampling_are_more_runs_and_failed_samples_are_none(folder):
    for name in ("a", "b"):
        samples = [inspect_sample(n, f"\\boxed{{{name}}}", epoch) for epoch in (1, 2) for n in range(3)]
        if name == "b":
            samples[-1]["error"] = {"message": "timeout"}
        inspect_log(f"theirs/{name}.eval", *samples, temperature=0.7, created=name)
    said = imported()
    assert "own: 3 of 3; 3 sampled runs (temperature 0.7)" in said and "rs1 is left out: 2 of 3" in said


TIME = "2026-11-30T01-46-01.866659"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"inspect_ai.eval": "a.eval"}, "2 sampled runs (temperature 0.7, top_p 0.95) (inspect_ai's own_quiz)"),
        ({"lm_eval.jsonl": "m/samples_quiz_2026-11-30T01-24-33.081665.jsonl"}, "greedy (lm-evaluation-harness's quiz)"),
        ({"lm_eval_repeats.jsonl": "m/samples_quiz.jsonl"}, "2 sampled runs (temperature 0.7"),
        (
            {
                "lighteval.parquet": f"details/org/m/{TIME}/details_own_quiz|0_{TIME}.parquet",
                "lighteval_results.json": f"results/org/m/results_{TIME}.json",
            },
            "greedy (lighteval's own_quiz)",
        ),
    ],
    ids=["inspect_ai", "lm_eval", "lm_eval_repeats", "lighteval"],
)
def test_files_that_the_tools_themselves_have_written(folder, files, said):
    for name, place in files.items():
        Path("theirs", place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOOLS / name, Path("theirs", place))
    assert f"own: 3 of 3; {said}" in imported()
    runs = published(model=next(Path("imported/theirs").glob("*/")).name).values()
    assert all([row["expected_answer"] for row in rows] == [gold for _, gold in OWN] for rows in runs)
    assert {answer_of(row) for rows in runs for row in rows} >= {gold for _, gold in OWN}


HOSTILE = {
    "a row that is a list": ("own/output.jsonl", b"[1]\n", "not a JSON object"),
    "a bomb of brackets": ("own/output.jsonl", b"[" * 10**6, "not a JSON object"),
    "a number of a million digits": ("own/output.jsonl", b'{"problem": ' + b"9" * 10**6 + b"}\n", "not a JSON object"),
    "a line cut short": ("own/output.jsonl", b'{"problem": "p", "gener', "own/output.jsonl:1"),
    "a problem that is a number": ("own/output.jsonl", b'{"problem": 1, "generation": "x"}\n', "has no problem"),
    "a text that is a list": ("own/output.jsonl", b'{"problem": "p", "generation": ["x"]}\n', "has no sample"),
    "a grade that is a text": (
        "own/output.jsonl",
        b'{"problem": "p", "generation": "x", "is_correct": "yes"}\n',
        "is_correct of a row has another type",
    ),
    "a compressed file that is none": ("own/output-rs0.jsonl.gz", b"nothing", "Cannot unpack"),
    "a log that is no zip file": ("x.eval", b"PK\x03\x04", "Cannot unpack"),
    "a table that is none": ("x.csv", b"problem,generation\n\xff\xfe,1\n", "not a table"),
    "details that are no parquet": ("details_a|b|0_2026-01-02T03-04-05.parquet", b"PAR1", "not a parquet file"),
    "likelihoods": (
        "samples_x.jsonl",
        b'{"doc": {"q": 1}, "resps": [[[-1.0, false]]]}\n',
        "not a row of generated samples",
    ),
    "more models than a table can be of": (
        "x.csv",
        b"model,problem,generation\n" + b"".join(b"m%d,p,x\n" % number for number in range(1001)),
        "names too many",
    ),
    "nothing that is known": ("readme.md", b"hello", "No samples of a known tool"),
}


@pytest.mark.parametrize("why", HOSTILE)
def test_a_hostile_or_broken_file_is_one_message(folder, why):
    name, content, words = HOSTILE[why]
    path = Path("theirs", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert words in refused()


def test_what_unpacks_to_far_more_is_refused(folder, monkeypatch):
    Path("theirs/own").mkdir(parents=True)
    Path("theirs/own/output.jsonl.gz").write_bytes(
        gzip.compress((b'{"problem": "p", "generation": "%s"}\n' % (b"x" * 9000)) * 99)
    )
    monkeypatch.setattr(reading, "FREE_BYTES", 0)
    assert "Unpacked, the file is too large." in refused()
    Path("theirs/own/output.jsonl.gz").unlink()
    monkeypatch.setattr(reading, "MAX_LINE", 1000)
    inspect_log("theirs/a.eval", inspect_sample(0, "x" * 2000))
    assert "Unpacked, the file is too large." in refused()


def test_names_of_others_lead_nowhere(folder):
    """Neither out of the folder, nor into each other."""
    inspect_log("theirs/a.eval", inspect_sample(0, "\\boxed{1}"), task="..", model="x/../..")
    with zipfile.ZipFile("theirs/a.eval", "a") as file:
        file.writestr("../../escaped.json", "{}")
        file.writestr("samples/../../escaped_epoch_1.json", json.dumps(inspect_sample(1, "\\boxed{2}")))
    csv_file(
        "theirs/b.csv", [{"model": "../x", "benchmark": "/etc", "problem": OWN[0][0], "generation": "y", "gold": "1"}]
    )
    Path("data/own.jsonl").unlink()
    imported()
    written = {path for path in folder.rglob("*") if path.is_file()} - {*folder.glob("theirs/*")}
    assert all(path.is_relative_to(folder / "imported/theirs") for path in written)
    assert {path.parent.relative_to(folder).as_posix() for path in written if path.suffix == ".jsonl"} == {
        "imported/theirs/unnamed/unnamed",
        "imported/theirs/x/etc",
    }


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("a\n#### 1,234", "1234"),
        (["7"], "7"),
        ([], None),
        (27.0, "27"),
        ("so \\boxed{5}", "5"),
        ("x", "x"),
        (None, None),
    ],
)
def test_the_answer_in_a_reference(given, text):
    assert reference_text(given) == text


def test_the_smaller_of_two_benchmarks_that_hold_all_and_repeated_problems():
    whole = Benchmark("whole", [Problem(str(n), text, None) for n, text in enumerate("abcdefgh")])
    part = Benchmark("part", [Problem(str(n), text, None) for n, text in enumerate("aab")])
    best = best_match(["a", "b"], [whole, part])
    assert best and best[0] is part and part.times["a"] == [0, 1]
    assert best_match(["x", "y", "a"], [whole, part]) is None
