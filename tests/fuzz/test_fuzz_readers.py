"""Every reader of files, given damaged ones: a result or an InputError, never another exception."""

import copy
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from hostile import REPEATABLE, TEXTS, VALUES, damaged, files, rows, settles
from hypothesis import given
from hypothesis import strategies as st

from openmath.benchmarks.registry import prepare_rows, read_registry
from openmath.engines import read_engine
from openmath.errors import InputError
from openmath.files.append_only import kept_rows, set_damage_aside
from openmath.files.fingerprint import fingerprint
from openmath.files.rows import read_rows
from openmath.files.sample_rows import is_sample
from openmath.generation.prompts import messages_of, read_prompt
from openmath.generation.staging import StagedRun
from openmath.grading.problems import read_benchmark
from openmath.grading.table import SampleTable
from openmath.judging.exchange import import_verdicts
from openmath.judging.settings import read_judge_prompt, verdict_key
from openmath.judging.store import VerdictStore
from openmath.judging.verdict import parse_verdict
from openmath.plan import make_plan
from openmath.plan.files import ModelFiles
from openmath.plan.speed import model_speed
from openmath.results.grades import read_grades, read_judged, read_sample_files
from openmath.results.published import compare_with_published, load_published
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config
from openmath.settings.config_options import read_config
from openmath.settings.layout import Layout

CONFIGS = Path(__file__).parents[2] / "config"
DEMO = yaml.safe_load((CONFIGS / "demo.yaml").read_text())
PAPER = yaml.safe_load((CONFIGS / "config.yaml").read_text())
SAMPLE = {
    "id": "p-0",
    "problem": "What is 3 + 4?",
    "expected_answer": "7",
    "generation": "\\boxed{7}",
    "predicted_answer": "7",
    "is_correct": True,
    "judgement": "Judgement: Yes",
    "judge_verdict": "yes",
    "finish_reason": "stop",
    "num_generated_tokens": 5,
}
DESCRIBED = {"identity": "judge-1", "prompt": {"system": "", "user": "", "ask_again": ""}, "sampling": {}}
SETTINGS = fingerprint(DESCRIBED)
QUESTION = {"problem": "p", "predicted_answer": "1", "expected_answer": "2"}
VERDICT = {
    "settings": SETTINGS,
    "described": DESCRIBED,
    **QUESTION,
    "key": verdict_key(SETTINGS, QUESTION, 1),
    "judgement": "Judgement: No",
    "attempt": 1,
    "usd": 0.1,
    "asked_at": 5,
    "form": {},
    "outcome": "refused",
    "refusal": "filtered",
}
BATCH = {"name": "x", "usd_at_most": 1.0, "batch_id": "b", "settings": DESCRIBED}
JOB = {"samples": 3, "tokens": 90, "seconds": 2.0, "engine": "v", "start_seconds": 1.0, "started": 1.0, "runs": ["rs0"]}
GRADES = {
    "id": ["a", "b", "a", "b"],
    "sample_run": ["greedy", "greedy", "rs0", "rs0"],
    "predicted_answer": ["1", None, "2", "3"],
    "vote_class": ["1", None, "2", "3"],
    "is_correct": [True, False, False, True],
    "grade_status": ["ok"] * 4,
    "finish_reason": ["stop", None, "length", "stop"],
    "num_generated_tokens": [1, 2, 3, 4],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@REPEATABLE
@given(files(SAMPLE))
def test_sample_files(folder, content):
    path = folder / "output-greedy.jsonl"
    path.write_bytes(content)
    settles(lambda: list(read_rows(path)))
    list(kept_rows(path, is_sample, []))  # never an error
    settles(read_sample_files, [path], "paper")
    settles(read_benchmark, path)
    settles(lambda: list(SampleTable().read({"greedy": path}, 1)))
    settles(read_judged, path, ["p-0"])
    run = settles(StagedRun, path, ["p-0", "p-1"])
    if not isinstance(run, InputError):
        settles(lambda: list(run.kept()))


@REPEATABLE
@given(files(SAMPLE))
def test_what_is_whole_outlives_damage(folder, content):
    path, aside = folder / "output-rs0.jsonl", folder / "output-rs0.jsonl.damaged"
    path.write_bytes(content)
    aside.unlink(missing_ok=True)
    whole = list(kept_rows(path, is_sample, []))
    set_damage_aside(path, is_sample)
    damaged: list[int] = []
    assert list(kept_rows(path, is_sample, damaged)) == whole and damaged == []
    rest = content[content.rfind(b"\n") + 1 :] if b"\0" not in content else b""  # an unfinished line is no damage
    lost = content.removesuffix(rest).split() != [] and not whole
    assert not lost or aside.stat().st_size > 0


@REPEATABLE
@given(
    st.sampled_from(sorted(read_registry())), rows({**SAMPLE, "answer": "7", "solution": "\\boxed{7}", "question": "?"})
)
def test_sources_of_benchmarks(name, found):
    settles(prepare_rows, name, read_registry()[name], found, "source")


@REPEATABLE
@given(files(VERDICT))
def test_verdict_stores(folder, content):
    store = folder / "store"
    store.mkdir(exist_ok=True)
    (store / "verdicts-x.jsonl").write_bytes(content)
    VerdictStore(store)  # never an error
    (folder / "verdicts.jsonl").write_bytes(content)
    settles(import_verdicts, folder / "empty", [folder / "verdicts.jsonl"])


@REPEATABLE
@given(st.one_of(damaged(BATCH), st.text(max_size=10)))
def test_notes_of_batches(folder, state):
    notes = folder / "with-batch/batches/x.json"
    notes.parent.mkdir(parents=True, exist_ok=True)
    notes.write_text(state if isinstance(state, str) else json.dumps(state), errors="replace")
    settles(lambda: VerdictStore(folder / "with-batch").pending_batches())


@REPEATABLE
@given(st.sampled_from([DEMO, PAPER]).flatmap(damaged))
def test_configurations(config):
    checked = settles(checked_config, config)
    if not isinstance(checked, InputError):  # what passes can be used
        layout, options = Layout(checked), Options(checked)
        for model in checked["models"]:
            layout.generation_jobs(model)
        for judge in checked["judges"]:
            options.judge_service(judge)
        fingerprint(checked["generation"])  # canonical JSON knows no NaN


class Given:
    """Parsed options that name configuration files."""

    config_json = False

    def __init__(self, path: Path):
        self.configfile = [path]


@REPEATABLE
@given(
    st.one_of(st.binary(max_size=60), TEXTS.map(lambda text: text.encode(errors="replace")), st.just(b"a: &a [*a]\n"))
)
def test_configuration_files(folder, content):
    (folder / "config.yaml").write_bytes(content)
    settles(read_config, Given(folder / "config.yaml"))


@REPEATABLE
@given(st.one_of(VALUES, damaged(yaml.safe_load((CONFIGS / "prompts/math-few-shot.yaml").read_text()))))
def test_prompts(folder, prompt):
    path = folder / "prompt.yaml"
    path.write_text(yaml.safe_dump(prompt), errors="replace")
    read = settles(read_prompt, path)
    if not isinstance(read, InputError):
        assert all(isinstance(message["content"], str) for message in messages_of(read, "problem"))
    settles(read_judge_prompt, path)


@REPEATABLE
@given(st.one_of(VALUES, damaged(yaml.safe_load((CONFIGS / "published.yaml").read_text()))))
def test_published_numbers(folder, published):
    path = folder / "published.yaml"
    path.write_text(yaml.safe_dump(published), errors="replace")
    read = settles(load_published, path)
    if not isinstance(read, InputError):
        ours = {"mode": "greedy", "benchmark": "gsm8k", "n_items": 1319}
        ours |= {
            f"{part}_{kind}": 0.5 for part in ("accuracy", "ci95_low", "ci95_high") for kind in ("symbolic", "judge")
        }
        for model in {name for collection in read["sets"].values() for name in collection["models"]}:
            settles(compare_with_published, [ours], model, read)


@REPEATABLE
@given(st.one_of(VALUES, damaged(yaml.safe_load((CONFIGS / "benchmarks.yaml").read_text()))))
def test_registries(folder, registry):
    path = folder / "benchmarks.yaml"
    path.write_text(yaml.safe_dump(registry), errors="replace")
    settles(read_registry, path)


@REPEATABLE
@given(st.one_of(VALUES, damaged({"engine": "vllm", "version": "v", "model": {}, "settings": {"dtype": "x"}})))
def test_engine_descriptions(folder, description):
    (folder / "engine.json").write_text(json.dumps(description))
    settles(read_engine, folder)


@REPEATABLE
@given(files(JOB))
def test_records_of_jobs(folder, content):
    model = "smollm2-135m"
    place = folder / "plan"
    (place / f"results/{model}/.staging").mkdir(parents=True, exist_ok=True)
    (place / f"results/{model}/.staging/jobs.jsonl").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        settles(model_speed, checked_config(copy.deepcopy(DEMO)), model, ModelFiles())


@REPEATABLE
@given(st.one_of(VALUES, damaged({"limit": 20, "temperature": 0.7, "engine": {"version": "x"}})))
def test_settings_of_staging(folder, settings):
    place = folder / "staged"
    manifest = place / "results/smollm2-135m/.staging/abc/arithmetic-mini/settings.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        settles(make_plan, checked_config(copy.deepcopy(DEMO)))


@REPEATABLE
@given(st.data())
def test_grades(folder, data):
    path = folder / "grades.parquet"
    table = pa.table(GRADES)
    what = data.draw(st.sampled_from(["right", "cut", "byte", "column", "type", "value", "rows", "foreign"]))
    name = data.draw(st.sampled_from(table.column_names))
    place = table.column_names.index(name)
    if what == "column":
        table = table.drop_columns([name])
    elif what == "type":
        other = data.draw(
            st.sampled_from([[1.5] * 4, [[1]] * 4, [b"\xff"] * 4, [None] * 4, [True] * 4, [{"a": 1}] * 4])
        )
        table = table.set_column(place, name, pa.array(other))
    elif what == "value":
        values = table[name].to_pylist()
        values[data.draw(st.integers(0, 3))] = None
        table = table.set_column(place, name, pa.array(values, table[name].type))
    elif what == "rows":
        table = table.slice(0, data.draw(st.integers(0, 3)))
    parquet.write_table(table, path)
    content = bytearray(path.read_bytes())
    if what == "cut":
        content = content[: data.draw(st.integers(0, len(content)))]
    elif what == "byte":
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    elif what == "foreign":
        content = data.draw(st.binary(max_size=40))
    path.write_bytes(content)
    settles(read_grades, path)


@REPEATABLE
@given(st.text(max_size=60), st.sampled_from(["default", "paper"]))
def test_judgements(text, policy):
    assert parse_verdict(text, policy) in ("yes", "no", "unparsed")
