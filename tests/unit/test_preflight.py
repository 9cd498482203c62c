"""What would fail after the GPU has started is found before, with a hint; what is not about to be made is not checked."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import ModelInfo
from in_process import run_script
from pretended_slurm import pretend_slurm
from tiny_checkpoints import tiny_checkpoint, tiny_safetensors

from openmath.errors import InputError
from openmath.files.fingerprint import sha256_file
from openmath.files.rows import write_rows
from openmath.judging.settings import JudgeSettings, judge_sampling, read_judge_prompt
from openmath.judging.store import VerdictStore
from openmath.preflight.checks import configuration_problems, machine_problems, problems_text
from openmath.preflight.engines import start_program
from openmath.preflight.needs import missing_files
from openmath.preflight.slurm import check_no_live_jobs
from openmath.preflight.storage import check_cache
from openmath.settings.config import checked_config
from openmath.settings.layout import Layout, prompt_file

KEY = "PREFLIGHT_TEST_KEY"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    Path("own.jsonl").write_text('{"problem": "p", "expected_answer": "1"}\n')
    return tmp_path


def checkpoint(name: str = "checkpoint", **architecture) -> str:
    """A folder that looks like a HF checkpoint."""
    Path(name).mkdir(exist_ok=True)
    usual = {"num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 8192}
    Path(name, "config.json").write_text(json.dumps(usual | architecture))
    Path(name, "tokenizer.json").write_text('{"added_tokens": [{"content": "<|im_end|>"}]}')
    Path(name, "chat_template.jinja").write_text("...")
    tiny_safetensors(Path(name, "model.safetensors"))
    return name


def configuration(*, judges: dict | None = None, generation: dict | None = None, **model) -> dict:
    model = {"engine": "llamacpp", "context_length": 8000, **model}
    if not {"hf", "path", "base_url", "samples"} & model.keys():
        model["path"] = checkpoint()
    config = {"benchmarks": ["own"], "benchmark_sources": {"own": "own.jsonl"}, "models": {"m": model}}
    return checked_config(config | {"generation": {"seeds": 1, **(generation or {})}, "judges": judges or {}})


def problems(config: dict, due: set[str] | None = None, **options) -> list[InputError]:
    """Both lists, as a run checks them."""
    due = missing_files(config) if due is None else due
    return configuration_problems(config, due) + machine_problems(config, due, **{"here": True, **options})


def impossible(config: dict) -> list[InputError]:
    """What a dry run and the plan check."""
    return configuration_problems(config, missing_files(config))


def only(found: list[InputError], what: str) -> InputError:
    """The one problem, with a hint."""
    assert len(found) == 1, problems_text(found)
    assert what in found[0].what and found[0].hint
    return found[0]


def test_a_sound_set_up_has_no_problem():
    assert problems(configuration()) == []


def test_all_problems_come_in_one_list():
    Path("own.jsonl").unlink()
    hosted = {"model": "j", "api_key_env": KEY}
    config = configuration(path="nowhere", judges={"hosted": hosted}, generation={"max_new_tokens": 9000})
    found = problems(config)
    text = problems_text(found)
    assert len(found) == 4 and text.startswith("4 problems") and text.count("Hint:") == 4
    for named in ("own.jsonl", "nowhere", KEY, "context_length"):
        assert named in text
    assert problems_text(impossible(config)) == text, "a dry run finds fewer"


def test_a_home_that_cannot_be_written_to(tmp_path, monkeypatch):
    """Snakemake itself ends with a traceback there, before it reads any file of ours."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home/.cache"))
    assert not check_cache()
    with monkeypatch.context() as locked:
        locked.setattr(os, "access", lambda path, mode: path != tmp_path)
        [problem] = check_cache()
    assert f"no folder to write to: {tmp_path}\n" in str(problem) and "XDG_CACHE_HOME" in str(problem)
    (tmp_path / "home").touch()  # as HOME=/dev/null of some services
    assert "no folder to write to" in str(check_cache()[0])


def test_a_dry_run_looks_neither_at_the_machine_nor_at_the_network(monkeypatch):
    """A plan of a GPU node's evaluation on a laptop without a network is no error."""
    hub = Hub(monkeypatch, OSError("Name or service not known"))
    hosted = {"model": "j", "base_url": "http://127.0.0.1:9/v1", "api_key_env": KEY}
    monkeypatch.setenv(KEY, "any")
    huge = {"seeds": 20000, "tokens_per_sample": 1e10}
    config = configuration(hf="a/b", engine="vllm", judges={"hosted": hosted}, generation=huge)
    config["engines"] = {"vllm": {"command": "no-such-program serve"}}
    assert impossible(config) == [] and hub.asked == []
    assert len(problems(config)) == 4  # Hub, disk, program, judge


def test_imported_samples_that_are_not_there():
    config = configuration(samples="theirs", seeds=2)
    found = only(impossible(config), "Imported samples")
    assert found.expected == "theirs/own/output-greedy.jsonl and 2 more" and found.found == "no such folder"
    for run in ("greedy", "rs0"):
        write_rows(f"theirs/own/output-{run}.jsonl", [])
    found = only(impossible(config), "Imported samples")
    assert found.expected == "theirs/own/output-rs1.jsonl" and found.found == "a folder without them"
    write_rows("theirs/own/output.jsonl", [])
    Path("theirs/own/output-rs1.jsonl.gz").touch()
    found = only(impossible(config), "Imported samples")
    assert found.found == "theirs/own/output-rs1.jsonl.gz and 1 more" and "import_samples.py theirs" in found.hint
    write_rows("theirs/own/output-rs1.jsonl", [])
    assert impossible(config) == []


def test_a_checkpoint_that_has_gone_since_it_was_fetched():
    config = configuration()
    Path("models/m").mkdir(parents=True)
    Path("models/m/manifest.json").write_text("{}")
    Path("models/m/checkpoint").symlink_to(Path("elsewhere").absolute())
    found = only(impossible(config), "The checkpoint is gone")
    assert "elsewhere" in found.found and found.where == Path("models/m/checkpoint")
    checkpoint("elsewhere")
    assert impossible(config) == []
    Path("elsewhere/model.safetensors").write_bytes(b"half")
    assert "model.safetensors: " in only(impossible(config), "not whole").found


def test_nothing_is_checked_that_is_not_about_to_be_made():
    hosted = {"model": "j", "api_key_env": KEY}
    config = configuration(path="nowhere", judges={"hosted": hosted}, generation={"max_new_tokens": 9000})
    assert problems(config, due={"results/m/grades/own.parquet", "results/m/summary/hosted/tables.txt"}) == []


@pytest.mark.parametrize(
    ("settings", "architecture", "what"),
    [
        ({"tensor_parallel": 3}, {}, "attention heads"),
        ({"tensor_parallel": 8}, {"num_key_value_heads": 3}, "attention heads"),
        ({"context_length": 9000}, {}, "longer than the model supports"),
        ({"prompt_template": "llama3-instruct"}, {}, "prompt template"),
    ],
)
def test_settings_that_do_not_fit_the_checkpoint(settings, architecture, what):
    only(problems(configuration(path=checkpoint(**architecture), **settings)), what)


def test_an_answer_as_long_as_the_context_leaves_no_room_for_the_prompt():
    only(problems(configuration(generation={"max_new_tokens": 8000})), "no room for the prompt")
    assert problems(configuration(generation={"max_new_tokens": 7999})) == []


def test_a_checkpoint_that_was_copied_in_part():
    config = configuration()
    Path("checkpoint/config.json").write_text('{"num_attention_heads": ')
    found = only(impossible(config), "not whole")
    assert found.where == "models: m: path: checkpoint" and "config.json: not JSON" in found.found


@pytest.mark.parametrize(
    ("settings", "architecture"),
    [({"tensor_parallel": 4}, {}), ({"context_length": 9000}, {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}})],
)
def test_settings_that_fit_the_checkpoint(settings, architecture):
    assert problems(configuration(path=checkpoint(**architecture), **settings)) == []


def test_a_base_model_without_a_chat_template():
    folder = Path(checkpoint())
    (folder / "chat_template.jinja").unlink()
    (folder / "tokenizer_config.json").write_text('{"bos_token": "<s>"}')
    config = configuration(path=str(folder))
    assert str(folder) in only(problems(config), "no chat template").expected
    (folder / "tokenizer_config.json").write_text('{"chat_template": "..."}')
    assert problems(config) == []
    (folder / "tokenizer_config.json").unlink()
    only(problems(config), "no chat template")
    (folder / "chat_template.jinja").write_text("...")
    assert problems(config) == []


def test_prompts_that_cannot_be_used():
    Path("prompt.yaml").write_text("user: Solve it.")
    Path("judge.yaml").write_text("user: Is {predicted_answer} right?")
    judges = {"itself": {"self_hosted": "m", "prompt": "./judge.yaml"}}
    config = configuration(prompt="./prompt.yaml", judges=judges)
    place, judge = impossible(config)
    assert place.what == "The prompt file has no place for the problem." and judge.where == "./judge.yaml"
    Path("prompt.yaml").unlink()
    assert impossible(config)[0].where == "./prompt.yaml"


def test_an_edited_benchmark():
    config = configuration()
    Path("data").mkdir()
    write_rows("data/own.jsonl", [{"id": "own-0"}])
    Path("data/own.manifest.json").write_text(json.dumps({"prepared_sha256": sha256_file("data/own.jsonl")}))
    assert problems(config) == []
    write_rows("data/own.jsonl", [{"id": "own-1"}])
    only(problems(config), "has been edited")


def test_an_unknown_benchmark_names_the_nearest():
    config = configuration() | {"benchmarks": ["gsm8"]}
    assert "gsm8k" in only(problems(config), "Unknown benchmark").hint


def test_a_full_disk():
    config = configuration(generation={"seeds": 20000, "tokens_per_sample": 1e10})
    only(problems(config), "not enough disk space for the missing")


def test_a_missing_program_is_named_only_where_it_will_be_started():
    command = {"vllm": {"command": "no-such-program serve"}}
    config = configuration(engine="vllm") | {"engines": command}
    assert only(problems(config), "engine vllm").where == "no-such-program"
    assert problems(config, here=False) == problems(config, conda=True) == []
    only(problems(config, containers=True), "engine vllm")  # no image: it runs as without containers
    config["engines"]["vllm"]["image"] = "docker://vllm/vllm-openai"
    assert problems(config, containers=True) == []
    config["engines"]["vllm"]["command"] = f"{sys.executable} -m no_such_package.serve"
    assert "no_such_package" in only(problems(config), "engine vllm").where
    config["engines"]["vllm"]["command"] = f"{sys.executable} -m json.tool"
    assert problems(config) == []


def test_an_engine_program_can_be_started_for_its_version():
    assert start_program("llamacpp", {}).startswith("xllamacpp ")
    with pytest.raises(InputError):
        start_program("vllm", {"command": "no-such-program serve"})


class Hub:
    """Stands in for the Hub's API: `reply` is returned or raised."""

    def __init__(self, monkeypatch, reply: ModelInfo | Exception, access: Exception | None = None):
        self.asked: list[str] = []

        def model_info(api, repo: str, **options) -> ModelInfo:
            self.asked.append(f"{repo}@{options['revision']}")
            if isinstance(reply, Exception):
                raise reply
            return reply

        def auth_check(api, repo: str) -> None:
            if access:
                raise access

        monkeypatch.setattr(HfApi, "model_info", model_info)
        monkeypatch.setattr(HfApi, "auth_check", auth_check)


def hub_error(kind: type[Exception]) -> Exception:
    error = kind.__new__(kind)
    Exception.__init__(error, "no")
    return error


def info(**fields) -> ModelInfo:
    return ModelInfo(id="a/b", siblings=[{"rfilename": "model.safetensors", "size": 1000}], **fields)


@pytest.mark.parametrize(
    ("reply", "access", "what"),
    [
        (hub_error(RepositoryNotFoundError), None, "No such repository"),
        (hub_error(RevisionNotFoundError), None, "no such revision"),
        (info(gated="manual"), hub_error(GatedRepoError), "gated"),
        (OSError("Name or service not known"), None, "cannot be reached"),
        (
            ModelInfo(id="a/b", siblings=[{"rfilename": "model.safetensors", "size": 10**18}]),
            None,
            "not enough disk space for the checkpoint",
        ),
    ],
)
def test_a_hub_checkpoint_that_cannot_be_had(monkeypatch, reply, access, what):
    Hub(monkeypatch, reply, access)
    only(problems(configuration(hf="a/b@main")), what)


def test_a_hub_that_drips_does_not_hold_the_preflight(monkeypatch):
    monkeypatch.setattr("openmath.preflight.hub.ALL_SECONDS", 0.1)
    asked, over = threading.Event(), threading.Event()
    monkeypatch.setattr(HfApi, "model_info", lambda *_args, **_settings: asked.set() or over.wait(60))
    found = only(problems(configuration(hf="a/b@main")), "The Hub cannot be reached")
    assert found.found == "no whole reply within 0.1 s"
    assert asked.wait(60)  # else what is left behind would ask the Hub of the next test
    over.set()


def test_a_hub_checkpoint_that_can_be_had_is_asked_for_once(monkeypatch):
    hub = Hub(monkeypatch, info(gated="auto"))
    assert problems(configuration(hf="a/b@main")) == []
    assert hub.asked == ["a/b@main"]


def test_offline_the_cache_must_hold_the_checkpoint(folder, monkeypatch):
    hub = Hub(monkeypatch, info())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    only(problems(configuration(hf="a/b@main")), "HF_HUB_OFFLINE")
    cached = folder / "hub/models--a--b"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs/main").write_text("0123")
    snapshot = tiny_checkpoint(cached / "snapshots/0123")
    (snapshot / "chat_template.jinja").touch()
    assert problems(configuration(hf="a/b@main")) == []
    (snapshot / "model.safetensors").unlink()
    assert "no weights" in only(problems(configuration(hf="a/b@main")), "not whole").found
    assert hub.asked == []


@pytest.fixture
def server():
    """An endpoint that knows one key."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"Bearer right": 200, "Bearer forbidden": 403}
            self.send_response(known.get(self.headers["Authorization"], 401))
            self.end_headers()

        def log_message(self, *ignored) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_judge_needs_its_key_and_an_endpoint_that_takes_it(server, monkeypatch):
    config = configuration(judges={"hosted": {"model": "j", "base_url": server, "api_key_env": KEY}})
    assert KEY in str(only(problems(config), "key is not set"))
    monkeypatch.setenv(KEY, "wrong")
    found = only(problems(config), "refuses the key")
    assert "401" in found.found and "wrong" not in str(found)
    monkeypatch.setenv(KEY, "forbidden")
    assert "403" in only(problems(config), "refuses the key").found
    assert problems(config, here=False) == impossible(config) == []
    monkeypatch.setenv(KEY, "right")
    assert problems(config) == []


@pytest.mark.parametrize("model", [False, True])
def test_a_key_that_cannot_be_one_is_told_without_a_request(server, monkeypatch, model):
    """A dry run too: HTTP libraries would print it whole."""
    if model:
        config = configuration(engine="endpoint", base_url=server, served_model="x", api_key_env=KEY)
    else:
        config = configuration(judges={"hosted": {"model": "j", "base_url": server, "api_key_env": KEY}})
    monkeypatch.setenv(KEY, "right\n")
    assert problems(config) == []
    for broken in ("right key", "right\nkey", "rïght"):
        monkeypatch.setenv(KEY, broken)
        found = only(problems(config), "holds a character")
        assert KEY in str(found) and broken not in str(found) and len(impossible(config)) == 1


def test_a_misspelt_model_of_an_endpoint(monkeypatch):
    asked = []

    def look(base_url, key, model, **options) -> None:
        asked.append(model)
        raise InputError("The endpoint has no model of this name.", hint="did you mean 'y'?")

    monkeypatch.setattr("openmath.preflight.endpoints.look_at_endpoint", look)
    judges = {"hosted": {"model": "j", "base_url": "http://127.0.0.1:9/v1"}}
    config = configuration(engine="endpoint", base_url="http://127.0.0.1:9/v1", served_model="x", judges=judges)
    assert len(problems(config)) == 2 and sorted(asked) == ["j", "x"] and impossible(config) == []


@pytest.mark.parametrize(("token", "what"), [("hf_abc def", "holds a character"), ("hf_sécret", "holds a character")])
def test_a_token_of_the_hub_that_cannot_be_one(monkeypatch, token, what):
    hub = Hub(monkeypatch, OSError(f"bad header: Bearer {token}"))
    monkeypatch.setenv("HF_TOKEN", token)
    assert token not in str(only(problems(configuration(hf="a/b@main")), what)) and hub.asked == []
    monkeypatch.setenv("HF_TOKEN", "hf_planted_9fQ2xW7v\n")
    Hub(monkeypatch, OSError("bad header: Bearer hf_planted_9fQ2xW7v at http://me:pass@proxy:1"))
    found = str(only(problems(configuration(hf="a/b@main")), "cannot be reached"))
    assert "Bearer ***" in found and "http://***@proxy:1" in found


def test_a_proxy_of_no_use_is_told_before_the_hub_is_asked(monkeypatch):
    hub = Hub(monkeypatch, info())
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:password@127.0.0.1:9")
    found = only(problems(configuration(hf="a/b@main")), "proxy")
    assert "password" not in str(found) and hub.asked == []


def test_an_endpoint_that_is_down():
    model = {"engine": "endpoint", "base_url": "http://127.0.0.1:9/v1", "served_model": "x"}
    only(problems(configuration(**model)), "does not answer")


def test_no_key_is_needed_where_every_verdict_is_stored():
    config = configuration(
        samples="theirs", generation={"seeds": 0}, judges={"hosted": {"model": "j", "api_key_env": KEY}}
    )
    layout, settings = Layout(config), config["judges"]["hosted"]
    question = {"problem": "p", "predicted_answer": "1", "expected_answer": "2"}
    write_rows(layout.sample_file("m", "own", "greedy"), [question])
    only(problems(config), "key is not set")
    prompt, sampling = (
        read_judge_prompt(prompt_file(settings["prompt"])),
        judge_sampling(settings["max_new_tokens"], "default"),
    )
    store, judge = VerdictStore(Path("judgements/hosted")), JudgeSettings("j", prompt, sampling)
    store.add({"key": judge.key(question), "judgement": "Judgement: No", **question}, judge)
    store.close()
    assert problems(config) == []
    config["judges"]["hosted"]["replay"] = True
    write_rows(layout.sample_file("m", "own", "greedy"), [question, {**question, "predicted_answer": "3"}])
    assert problems(config) == [], "a replay asks nobody"


def fake_squeue(folder: Path, monkeypatch, *lines: str, status: int = 0) -> None:
    program = folder / "bin/squeue"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines) + f"exit {status}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_live_slurm_jobs_of_this_folder_are_named(folder, monkeypatch):
    fake_squeue(
        folder,
        monkeypatch,
        f"11|RUNNING|{folder}|rule_generate_m_rs0_to_rs15",
        f"12|PENDING|{folder}|rule_grade_answers_wildcards_m_own",
        f"13|RUNNING|{folder}/elsewhere|rule_generate_m_greedy",
        f"14|RUNNING|{folder}|rule_generate_other_greedy",
        f"15|RUNNING|{folder}|(null)",
        "16|RUNNING",
        f"17|RUNNING|{folder}|of|pipes|rule_grade_answers_wildcards_m_own",
    )
    found = only(check_no_live_jobs({"generate_m_rs0_to_rs15", "generate_m_greedy", "grade_answers"}), "2 Slurm jobs")
    assert "11 RUNNING generate_m_rs0_to_rs15" in found.found and "scancel 11 12." in found.hint
    assert check_no_live_jobs({"summarize_results"}) == []


def test_several_nodes_need_a_slurm_that_gives_them(folder, monkeypatch):
    config = configuration(engine="vllm", tensor_parallel=2, nodes=2)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "sbatch" else f"/bin/{name}")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    for here, found in ((True, "no Slurm job"), (False, "no sbatch")):
        problem = only(machine_problems(config, missing_files(config), here=here), "needs a Slurm job of them")
        assert found in str(problem) and "models: m: nodes: 2" in str(problem)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert not machine_problems(config, missing_files(config), here=False)
    pretend_slurm(folder, monkeypatch, nodes=2)
    assert not machine_problems(config, missing_files(config), here=True)


def test_an_adapter_is_looked_at_with_its_base(monkeypatch):
    def found(adapter: str, **model) -> list[InputError]:
        return impossible(configuration(engine="vllm", adapter=adapter, **model))

    only(found("/nowhere"), "not the folder of a LoRA adapter")
    Path("a/lora").mkdir(parents=True)
    assert "./a/lora" in str(only(found("a/lora"), "a repository on Hugging Face, and a folder here"))
    config = {"r": 1024, "peft_type": "LORA"}
    Path("a/lora/adapter_config.json").write_text(json.dumps(config))
    tiny_safetensors(Path("a/lora/adapter_model.safetensors"))
    only(found("./a/lora"), "LoRA of this rank")
    Path("a/lora/adapter_config.json").write_text(json.dumps(config | {"r": 8, "base_model_name_or_path": "a/other"}))
    only(found("./a/lora"), "another base")  # its one tensor is no module of the base


def test_more_parts_than_layers():
    config = configuration(engine="vllm", path=checkpoint(num_hidden_layers=4), pipeline_parallel=8)
    assert "pipeline_parallel" in str(only(impossible(config), "fewer layers than parts"))


def test_a_slurm_that_does_not_answer_stops_nobody(folder, monkeypatch):
    fake_squeue(folder, monkeypatch, "slurm_load_jobs error", status=1)
    assert check_no_live_jobs({"grade_answers"}) == []


def test_by_hand_all_missing_files_are_checked(folder):
    def check() -> subprocess.CompletedProcess:
        return run_script("check_setup.py", "--config-json", "--start-engines", stdin=json.dumps(config))

    config = configuration()
    reply = check()
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert reply.stdout.startswith("llamacpp: xllamacpp ")
    config["models"]["m"]["path"] = "nowhere"
    reply = check()
    assert reply.returncode == 2 and "nowhere" in reply.stdout and "Hint:" in reply.stdout
