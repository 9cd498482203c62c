"""generate.py against a server that counts: what it sends, writes, locks and flushes, and what makes a sample another one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from unit.judge_server import judge_server
from unit.judging_cases import write

import generate
from openmath.client.pacing import Pacer
from openmath.errors import InputError
from openmath.files.rows import read_rows, write_rows
from openmath.generation import job
from openmath.generation.locks import RunLocks
from openmath.generation.served_models import same_model
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

    def generate(self, *options, **more) -> str:
        return self._call(generate, *self.options(*options, **more))

    def command(self, *options, **more) -> list[str]:
        """The same call as a process."""
        return [sys.executable, generate.__file__, *map(str, self.options(*options, **more))]

    def options(self, *options, runs=("rs3",), template="chat") -> tuple:
        (self.folder / "engine").mkdir(exist_ok=True)
        (self.folder / "engine/engine.json").write_text(json.dumps(self.engine))
        required = ("--engine", self.folder / "engine", "--benchmarks", self.benchmark, "--sample-runs", *runs)
        required += ("--output-dir", self.folder / "out", "--staging", self.folder / "staging")
        required += ("--prompt", self.prompt, "--prompt-template", template, "--log", self.folder / "engine.log")
        return (*required, *options)

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
                "served_model": "model-1",
                "system_fingerprint": "fp_test",
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


def test_problems_left_out_of_a_benchmark_make_no_sample_stale(evaluation, server):
    rows = list(read_rows(evaluation.benchmark))
    write_rows(evaluation.folder / "only/b.jsonl", [rows[0], rows[2]])
    assert "2 samples" in evaluation.generate("--only", evaluation.folder / "only/b.jsonl")
    assert [row["id"] for row in evaluation.output()] == ["b-0", "b-2"]
    assert "3 samples, 2 kept from before, 1 to compute" in evaluation.generate()
    assert len(server.bodies) == 3 and [row["id"] for row in evaluation.output()] == ["b-0", "b-1", "b-2"]


def test_a_failed_sample_fails_the_job_by_name_and_only_it_is_asked_again(evaluation, server, monkeypatch):
    monkeypatch.setattr(Pacer, "pause", lambda self, seconds: asyncio.sleep(0))
    server.faults = [None, *[{"finish_reason": "abort"}] * 8]
    with pytest.raises(InputError, match=r"1 samples could not be computed[\s\S]*rs3 b-[\s\S]*'abort'[\s\S]*Hint:"):
        evaluation.generate("--concurrency", 1)
    assert not (evaluation.folder / "out").exists() and evaluation.staged().read_bytes().count(b"\n") == 2
    evaluation.generate()
    assert len(server.bodies) == 3 + 8 and len(evaluation.output()) == 3


FILTERED = {"finish_reason": "content_filter", "message": {"content": "It is"}}


@pytest.mark.parametrize("fault", [400, FILTERED], ids=str)
def test_a_refused_question_is_an_outcome_that_is_asked_again_only_on_request(evaluation, server, fault):
    server.words, server.faults = "the prompt is not appropriate", [None, fault]
    said = evaluation.generate("--concurrency", 1)
    words = "HTTP 400: the prompt is not appropriate" if fault == 400 else "finish_reason content_filter: no answer"
    assert f"1 of 3 samples refused, and recorded as such; b rs3 b-1: {words}" in said
    assert evaluation.output()[1] == {
        "id": "b-1",
        "problem": "What is 1 + 0?",
        "expected_answer": "1",
        "generation": "",
        "predicted_answer": None,
        "seed": 3,
        "finish_reason": "refused",
        "num_prompt_tokens": None,
        "num_generated_tokens": 0,
        "refusal": words,
    }
    assert "3 kept from before, 0 to compute" in evaluation.generate()
    published = evaluation.folder / "out/b/output-rs3.jsonl"
    before, kept = published.read_bytes(), published.with_name("as_it_was.jsonl")
    os.link(published, kept)
    assert "2 kept from before, 1 to compute" in evaluation.generate("--ask-refused")
    assert [row["predicted_answer"] for row in evaluation.output()] == ["0", "1", "2"]
    assert len(server.bodies) == 4 and kept.read_bytes() == before, "a published file has grown"


def test_what_is_refused_again_stays_refused(evaluation, server):
    server.faults = [400]
    evaluation.generate("--concurrency", 1)
    server.faults = [422]
    evaluation.generate("--ask-refused")
    assert "0 to compute" in evaluation.generate()
    assert [row["finish_reason"] for row in evaluation.output()] == ["refused", "stop", "stop"]


@pytest.mark.parametrize(
    ("options", "problems", "refused", "stops"),
    [
        ((), 40, 2, False),
        ((), 40, 3, True),
        ((), 20, 1, False),
        ((), 3, 1, False),  # of few, one is no sign of anything
        ((), 3, 2, True),
        ((), 1, 1, True),  # there is nothing else
        (("--max-refused", 0.1), 40, 3, False),
        (("--max-refused", 0), 40, 1, True),
        (("--max-refused", 1), 3, 3, False),
    ],
)
def test_many_refusals_stop_the_job_and_are_asked_again(tmp_path, call, server, options, problems, refused, stops):
    evaluation = Evaluation(tmp_path, call, server, problems=problems)
    server.faults = [400] * refused
    if not stops:
        evaluation.generate(*options)
        assert sum(row["finish_reason"] == "refused" for row in evaluation.output()) == refused
        return
    with pytest.raises(InputError, match=r"Too many questions are refused[\s\S]*max_refused[\s\S]*try later"):
        evaluation.generate(*options, "--concurrency", 1)
    assert len(server.bodies) <= refused, "more was asked after it was clear"
    assert not (evaluation.folder / "out").exists()
    evaluation.generate()
    assert {row["finish_reason"] for row in evaluation.output()} == {"stop"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            "'temperature' does not support 0.0 with this model",
            "sampling: {temperature: 1, top_p: 1} with greedy: false",
        ),
        ("`temperature` and `top_p` cannot both be specified", "sampling: {top_p: 1}, or where"),
        ("the prompt is too long", "max_refused"),
    ],
)
def test_an_endpoint_that_refuses_how_samples_are_drawn_says_what_to_write(evaluation, server, words, hint):
    server.refuse = lambda request: (400, {"error": {"message": words}})
    with pytest.raises(InputError, match="Too many questions are refused") as error:
        evaluation.generate()
    assert hint in str(error.value.hint)


def test_earlier_refusals_count(tmp_path, call, server):
    evaluation = Evaluation(tmp_path, call, server, problems=40)
    server.faults = [400, 400]
    evaluation.generate("--concurrency", 1)
    lines = evaluation.staged().read_bytes().splitlines(keepends=True)
    evaluation.staged().write_bytes(b"".join(lines[1:-1]))  # published in order: b-0 was refused, b-39 was not
    server.faults = [400, 400]
    with pytest.raises(InputError, match="3, of which 2 now"):
        evaluation.generate()


def test_an_endpoint_that_refuses_everything_is_asked_no_further(tmp_path, call, server):
    evaluation = Evaluation(tmp_path, call, server, problems=20)
    server.faults, server.words = [None, None, 401], "the key has expired"
    with pytest.raises(
        InputError, match=r"refuses all requests; every finished sample is kept[\s\S]*the key has expired"
    ):
        evaluation.generate("--concurrency", 1)
    assert len(server.bodies) == 3
    assert "2 kept from before, 18 to compute" in evaluation.generate()


def test_a_prompt_that_fills_the_context_is_recorded_and_not_sent(evaluation, server):
    evaluation.engine["settings"]["context_length"] = 3  # messages: a system turn and a user turn
    evaluation.generate()
    assert [body["max_tokens"] for body in server.bodies] == [1, 1, 1]
    evaluation.engine["settings"]["context_length"] = 2
    with pytest.raises(InputError, match="the prompt has 2 tokens and the context 2"):
        evaluation.generate()
    assert len(server.bodies) == 3


def test_reasoning_that_is_no_text_is_kept_and_spoken_of(evaluation, server):
    server.faults = [{"message": {"content": None, "reasoning_content": "It is 0."}}]
    assert "warning: 1 samples hold reasoning and no text" in evaluation.generate("--concurrency", 1)
    first, second, _ = evaluation.output()
    assert (first["generation"], first["predicted_answer"], first["reasoning"]) == ("", None, "It is 0.")
    assert "reasoning" not in second


def test_an_endpoint_with_another_model_stops_the_run_and_keeps_the_first_models_samples(evaluation, server):
    """Also over a restart: the second job finds who answered in what is staged."""
    server.model, server.faults = "served-a", [None, 401]
    with pytest.raises(InputError):
        evaluation.generate("--concurrency", 1)
    server.model = "served-b"
    with pytest.raises(InputError, match=r"another model than before[\s\S]*'served-a'[\s\S]*'served-b'"):
        evaluation.generate("--concurrency", 1)
    assert [row["served_model"] for row in read_rows(evaluation.staged())] == ["served-a"]
    assert not (evaluation.folder / "out").exists()
    server.model = "served-a"
    assert "1 kept from before" in evaluation.generate()


def test_another_name_than_asked_for_and_another_build_are_warnings(evaluation, server):
    server.model = "deployment-7"
    said = evaluation.generate()
    assert said.count("warning") == 1 and "asked for 'model-1', the endpoint says that 'deployment-7' answers" in said
    server.model, server.fingerprint = "model-1-2024-08-06", "fp_other"
    said = evaluation.generate("--concurrency", 1, runs=("rs4",))
    assert "warning" not in said, "an alias that is resolved is no other model"
    evaluation.staged("rs4").write_bytes(evaluation.staged("rs4").read_bytes().splitlines(keepends=True)[0])
    server.fingerprint = "fp_third"
    said = evaluation.generate(runs=("rs4",))
    assert said.count("warning") == 1 and "system_fingerprint 'fp_other' became 'fp_third'" in said


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("openai/gpt-4o", "gpt-4o", True),
        ("claude-x-latest", "claude-x-20250514", True),
        ("gemini-1.5-pro", "gemini-1.5-pro-002", True),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", False),
        ("gpt-4o", "gpt-4o-mini", False),
        ("llama-3.1-8b", "llama-3.1-70b", False),
    ],
)
def test_names_of_one_model(one, other, same):
    assert same_model(one, other) == same_model(other, one) == same


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_told_to_end_says_what_is_kept(evaluation, server, number):
    server.faults = [None, "hang"]
    command = evaluation.command("--concurrency", 1)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as job:
        while len(server.bodies) < 2:
            assert job.poll() is None
            time.sleep(0.01)
        job.send_signal(number)
        said, _ = job.communicate(timeout=60)
    assert job.returncode == 128 + number
    assert said.splitlines()[-1] == "generate: terminated; 1 finished samples kept; run the same command again"
    assert "1 kept from before, 2 to compute" in evaluation.generate()


def test_a_finished_job_leaves_its_speed_for_plans(evaluation, server):
    evaluation.generate("--concurrency", 2, runs=("rs3", "rs4"))
    [job] = read_rows(evaluation.folder / "staging/jobs.jsonl")
    assert (job["samples"], job["tokens"], job["copies"], job["concurrency"]) == (6, 42, 1, 2)
    assert job["engines_per_gpu"] == 1
    assert (job["engine"], job["runs"]) == ("endpoint", ["rs3", "rs4"])
    assert job["settings"] == {"b": evaluation.staged().parents[1].name} and job["answered_by"] == ["model-1 fp_test"]
    assert job["asked_without"] == []


def test_what_an_endpoint_is_not_sent_stands_in_the_record_of_the_job(evaluation, server):
    server.refuse = lambda request: (400, {"detail": "Unrecognized field: seed"}) if "seed" in request else None
    evaluation.generate()
    [job] = read_rows(evaluation.folder / "staging/jobs.jsonl")
    assert job["asked_without"] == ["seed"]


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


@pytest.mark.parametrize(
    ("options", "seconds", "bounded"),
    [
        ((), 3600, True),
        (("--max-new-tokens", 65_536), 65_536 / 5, True),
        (("--request-seconds", 7.5, "--max-new-tokens", 65_536), 7.5, True),
        (("--concurrency", 3), 3600, False),
    ],
)
def test_how_long_and_how_many_requests_may_take(evaluation, monkeypatch, options, seconds, bounded):
    """A number of the user's own counts as it is; else it is what the engine holds."""
    seen = {}

    class Recorded(job.Decoding):
        def __init__(self, *arguments, **settings):
            seen.update(settings)
            super().__init__(*arguments, **settings)

    monkeypatch.setattr(job, "Decoding", Recorded)
    evaluation.generate(*options)
    assert seen["request_seconds"] == seconds and bool(seen["lengths"]) is bounded
