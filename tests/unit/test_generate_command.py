"""generate.py against a server that counts: what it sends, writes, locks and flushes, and what makes a sample another one."""

import json
import os
from pathlib import Path

import pytest
from unit.judge_server import judge_server
from unit.judging_cases import write

import generate
from openmath.errors import InputError
from openmath.files.rows import read_rows, write_rows
from openmath.generation.locks import RunLocks
from openmath.settings.sample_settings import GENERATION_VERSION

SETTINGS = {"base_url": "http://127.0.0.1:9/v1", "served_model": "model-1"}
ENGINE = {"engine": "endpoint", "version": "endpoint", "model": {"revision": "a"}, "settings": SETTINGS}
PROMPT = "system: Be exact.\nuser: 'Solve {problem}'\n"


def solve(question: str) -> str:
    """To `Solve What is 2 + 0?`."""
    return f"It is \\boxed{{{question.split()[3]}}}."


class Evaluation:
    """Inputs of generate.py in a folder, and a call of it. server: plays the engine; None where nothing may be asked."""

    def __init__(self, folder: Path, call, server=None, problems: int = 3):
        self.folder, self._call = folder, call
        self.engine = ENGINE | {"settings": SETTINGS | ({"base_url": server.base_url} if server else {})}
        self.benchmark = folder / "b.jsonl"
        self.prompt = folder / "prompt.yaml"
        self.prompt.write_text(PROMPT)
        rows = ({"problem": f"What is {i} + 0?", "expected_answer": str(i), "level": "1"} for i in range(problems))
        write(self.benchmark, [{"id": f"b-{i}", **row} for i, row in enumerate(rows)])

    def generate(self, *options, runs=("rs3",), template="chat") -> str:
        (self.folder / "engine").mkdir(exist_ok=True)
        (self.folder / "engine/engine.json").write_text(json.dumps(self.engine))
        required = ("--engine", self.folder / "engine", "--benchmarks", self.benchmark, "--sample-runs", *runs)
        required += ("--output-dir", self.folder / "out", "--staging", self.folder / "staging")
        required += ("--prompt", self.prompt, "--prompt-template", template, "--log", self.folder / "engine.log")
        return self._call(generate, *required, *options)

    def fingerprint(self, *options, **more) -> str:
        """The staging folder of these options. The engine asks for a key that is not there, so that nothing is computed."""
        before = set(self.folder.glob("staging/*/b"))
        self.engine["settings"] = {"api_key_env": "NO_SUCH_KEY", **self.engine["settings"]}
        with pytest.raises(InputError):
            self.generate(*options, **more)
        [path] = set(self.folder.glob("staging/*/b")) - before
        (path / "settings.json").unlink()
        path.rmdir()
        return path.parent.name

    def output(self, run: str = "rs3") -> list[dict]:
        return list(read_rows(self.folder / f"out/b/output-{run}.jsonl"))

    def staged(self, run: str = "rs3") -> Path:
        [path] = self.folder.glob(f"staging/*/b/output-{run}.jsonl")
        return path


@pytest.fixture
def server():
    with judge_server(solve) as server:
        yield server


@pytest.fixture
def evaluation(tmp_path, call, server) -> Evaluation:
    return Evaluation(tmp_path, call, server)


def test_every_option_is_sent_and_all_that_the_server_says_is_written(evaluation, server):
    server.finish_reason = "length"
    evaluation.engine["settings"]["extra_body"] = {"top_k": 7}
    options = ("--temperature", 0.3, "--top-p", 0.6, "--max-new-tokens", 99)
    assert "6 samples, 0 kept from before, 6 to compute" in evaluation.generate(*options, runs=("rs3", "greedy"))
    assert len(server.bodies) == 6
    for body in server.bodies:
        assert body.pop("messages")[0] == {"role": "system", "content": "Be exact."}
        greedy = {"temperature": 0.0, "top_p": 1.0}
        sampling = {"temperature": 0.3, "top_p": 0.6, "seed": 3} if "seed" in body else greedy
        assert body == {"model": "model-1", "max_tokens": 99, "top_k": 7, **sampling}
    for run, seed in (("rs3", 3), ("greedy", None)):
        assert evaluation.output(run) == [
            {
                "id": f"b-{i}",
                "problem": f"What is {i} + 0?",
                "expected_answer": str(i),
                "generation": f"It is \\boxed{{{i}}}.",
                "predicted_answer": str(i),
                "seed": seed,
                "finish_reason": "length",
                "num_prompt_tokens": 11,
                "num_generated_tokens": 7,
            }
            for i in range(3)
        ]


def test_the_templates_stop_phrases_are_sent(evaluation, server):
    evaluation.generate(template="llama3-instruct")
    assert {tuple(body["stop"]) for body in server.bodies} == {("<|eot_id|>",)}


OWN = {"serve": "no-such-server", "health": "/health", "tokenizer": "none", "tensor_parallel": 1, "context_length": 1}


@pytest.mark.parametrize(
    "changed",
    [
        {"options": ("--temperature", 0.5)},
        {"options": ("--top-p", 0.5)},
        {"options": ("--max-new-tokens", 7)},
        {"options": ("--limit", 1)},
        {"template": "llama3-instruct"},
        {"engine": {"version": "another"}},
        {"engine": {"model": {"revision": "b"}}},
        {"engine": {"settings": SETTINGS | {"served_model": "model-2"}}},
        {"prompt": PROMPT.replace("exact", "quick")},
        {"prompt": PROMPT.replace("Solve", "Do")},
        {"prompt": PROMPT + "examples: [{problem: p, solution: s}]\n"},
        {"benchmark": b"{}"},
        {"version": GENERATION_VERSION + 1},
    ],
    ids=str,
)
def test_whatever_can_change_a_sample_makes_it_another_one(tmp_path, call, monkeypatch, changed):
    evaluation = Evaluation(tmp_path, call)
    before = evaluation.fingerprint()
    evaluation.engine |= changed.get("engine", {})
    if "prompt" in changed:
        evaluation.prompt.write_text(changed["prompt"])
    if "benchmark" in changed:  # a field that is not even sent: a benchmark is its bytes
        evaluation.benchmark.write_bytes(evaluation.benchmark.read_bytes().replace(b'"level": "1"', b'"level": "2"'))
    if "version" in changed:
        monkeypatch.setattr("openmath.settings.sample_settings.GENERATION_VERSION", changed["version"])
    assert evaluation.fingerprint(*changed.get("options", ()), template=changed.get("template", "chat")) != before


def test_the_engine_is_part_of_what_a_sample_is(tmp_path, call):
    evaluation, seen = Evaluation(tmp_path, call), set()
    for name in ("mine", "yours"):
        evaluation.engine = ENGINE | {"engine": name, "settings": OWN | {"dtype": "auto"}, "checkpoint": "nowhere"}
        seen.add(evaluation.fingerprint())
    assert len(seen) == 2


def test_what_only_changes_speed_or_place_keeps_every_sample(evaluation, server):
    evaluation.generate()
    first = evaluation.output()
    (evaluation.folder / "out/b/output-rs3.jsonl").unlink()
    evaluation.prompt = evaluation.prompt.rename(evaluation.folder / "moved.yaml")
    evaluation.engine["checkpoint"] = "/another/place"
    said = evaluation.generate("--concurrency", 2, "--engine-args=--fast", runs=("rs3", "rs4"))
    assert "6 samples, 3 kept from before, 3 to compute" in said
    assert len(server.bodies) == 6 and evaluation.output() == first
    assert evaluation.output("rs4")[0]["seed"] == 4


def test_samples_of_earlier_versions_of_the_workflow_are_found(tmp_path, call):
    """The name of a folder that is full of samples out there. Another name here: everybody computes everything again."""
    assert GENERATION_VERSION == 1, "raised on purpose: then, and only then, put the new name here"
    assert Evaluation(tmp_path, call).fingerprint() == "ec8834ec4ab472be"


def test_a_limit_asks_only_for_the_first_problems(evaluation, server):
    assert "2 samples" in evaluation.generate("--limit", 2)
    assert len(server.bodies) == 2 and [row["id"] for row in evaluation.output()] == ["b-0", "b-1"]


def test_a_refused_sample_fails_the_job_by_name_and_only_it_is_asked_again(evaluation, server):
    server.faults = [None, 400]
    with pytest.raises(InputError, match=r"1 samples could not be computed[\s\S]*rs3 b-[\s\S]*Hint:"):
        evaluation.generate("--concurrency", 1)
    assert not (evaluation.folder / "out").exists() and evaluation.staged().read_bytes().count(b"\n") == 2
    evaluation.generate()
    assert len(server.bodies) == 4 and len(evaluation.output()) == 3


def test_a_finished_job_leaves_its_speed_for_plans(evaluation, server):
    evaluation.generate("--concurrency", 2, runs=("rs3", "rs4"))
    [job] = read_rows(evaluation.folder / "staging/jobs.jsonl")
    assert (job["samples"], job["tokens"], job["copies"], job["concurrency"]) == (6, 42, 1, 2)
    assert (job["engine"], job["runs"]) == ("endpoint", ["rs3", "rs4"])
    assert job["settings"] == {"b": evaluation.staged().parents[1].name}


@pytest.mark.parametrize(("temperature", "refused"), [(0.7, True), (0, False)])
def test_a_server_that_ignores_the_seed_is_noticed(tmp_path, call, server, temperature, refused):
    evaluation = Evaluation(tmp_path, call, server, problems=20)
    server.usage = {"prompt_tokens": 1, "completion_tokens": 24}
    options = ("--temperature", temperature)
    if refused:
        with pytest.raises(InputError, match=r"b: rs0 and rs1[\s\S]*20 of 20 generations identical"):
            evaluation.generate(*options, runs=("greedy", "rs0", "rs1"))
    else:
        evaluation.generate(*options, runs=("greedy", "rs0", "rs1"))
    assert (tmp_path / "out/b/output-rs1.jsonl").exists() != refused


def test_a_server_that_ignores_the_seed_is_noticed_across_jobs_and_without_usage(tmp_path, call, monkeypatch):
    text = "The same words, whatever the seed is, and enough of them that nobody says them twice by chance. \\boxed{1}"
    with judge_server(lambda question: text) as server:
        server.usage = {}
        evaluation = Evaluation(tmp_path, call, server, problems=20)
        evaluation.generate(runs=("greedy", "rs0"))
        with pytest.raises(InputError, match=r"b: rs0 and rs1[\s\S]*20 of 20 generations identical"):
            evaluation.generate(runs=("rs1",))
    assert not (tmp_path / "out/b/output-rs1.jsonl").exists()


def test_a_run_that_another_job_holds_is_not_computed(evaluation, server):
    holder = RunLocks(evaluation.folder / "staging/locks")
    holder.acquire(["rs3"])
    with pytest.raises(InputError, match=r"Another job is working[\s\S]*rs3\.lock"):
        evaluation.generate(runs=("rs2", "rs3"))
    assert server.bodies == []
    holder.release()
    evaluation.generate(runs=("rs2", "rs3"))
    assert list((evaluation.folder / "staging/locks").iterdir()) == []


def test_what_another_job_finished_while_it_held_the_lock_is_kept(evaluation, server, monkeypatch):
    class WonAfterAWait(RunLocks):
        def acquire(self, runs):
            super().acquire(runs)
            write_rows(staged, rows)

    evaluation.generate()
    staged, rows = evaluation.staged(), evaluation.output()
    staged.unlink()
    monkeypatch.setattr(generate, "RunLocks", WonAfterAWait)
    assert "3 kept from before, 0 to compute" in evaluation.generate()
    assert len(server.bodies) == 3


def test_a_working_job_beats_and_flushes_what_is_finished(evaluation, server, monkeypatch):
    flushed, beats = [], []

    class Watched(RunLocks):
        def beat(self):
            beats.append(self._beats)
            super().beat()

    def fsync(descriptor: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(generate, "RunLocks", Watched)
    monkeypatch.setattr(generate, "FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(os, "fsync", fsync)
    server.latency = 0.2
    evaluation.generate("--concurrency", 1)
    assert len(beats) > 4, "one to take the locks, then one every flush"
    assert flushed.count(str(evaluation.staged())) >= 3, "each sample, long before the job ends"


def test_a_job_that_lost_its_lock_stops(evaluation, server, monkeypatch):
    class Suspended(RunLocks):
        def acquire(self, runs):
            super().acquire(runs)
            (evaluation.folder / "staging/locks/rs3.lock").write_text("another job")

    monkeypatch.setattr(generate, "RunLocks", Suspended)
    monkeypatch.setattr(generate, "FLUSH_SECONDS", 0.05)
    server.latency = 10
    with pytest.raises(InputError, match="taken over this sample run"):
        evaluation.generate("--concurrency", 1)
    assert len(server.bodies) <= 1 and not (evaluation.folder / "out").exists()
    assert (evaluation.folder / "staging/locks/rs3.lock").read_text() == "another job"
