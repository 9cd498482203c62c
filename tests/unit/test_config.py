import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from openmath.errors import InputError
from openmath.settings.config import checked_config
from openmath.settings.config_files import files_behind, read_config_files

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "config"
KEPT = json.loads((Path(__file__).parent / "checked_configs.json").read_text())


def demo() -> dict:
    return yaml.safe_load((CONFIGS / "demo.yaml").read_text())


@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml"])
def test_shipped_configurations_are_valid(name):
    config = checked_config(yaml.safe_load((CONFIGS / name).read_text()))
    assert config["policy"] == "default"
    assert config["generation"]["top_p"] == 0.95


@pytest.mark.parametrize("name", KEPT)
def test_a_checked_configuration_is_what_it_was_when_finished_evaluations_were_made(name):
    """Params of rules follow from it: another order of keys or type of a number would compute them again."""
    assert json.dumps(checked_config(KEPT[name]["given"])) == json.dumps(KEPT[name]["checked"])


def test_what_follows_need_not_be_said():
    address = {"base_url": "https://api.example/v1", "served_model": "large"}
    config = checked_config({"benchmarks": ["math"], "models": {"hosted": address, "ours": {"path": "checkpoint"}}})
    assert (config["models"]["hosted"]["engine"], config["models"]["ours"]["engine"]) == ("endpoint", "vllm")
    assert (config["generation"]["seeds"], config["generation"]["max_new_tokens"], config["judges"]) == (256, 4096, {})
    with pytest.raises(InputError, match="base_url and engine: endpoint go together"):
        checked_config({"benchmarks": ["math"], "models": {"hosted": address | {"engine": "vllm"}}})


def test_an_unknown_key_names_the_nearest_known_one():
    config = demo()
    config["generation"]["temprature"] = 0.5
    with pytest.raises(InputError, match=r"generation: unknown key 'temprature'; did you mean 'temperature'\?"):
        checked_config(config)


def test_a_key_in_the_wrong_section_is_told_where_it_belongs():
    with pytest.raises(InputError, match=r"\(top level\): unknown key 'extraction'; it belongs to `models: NAME`"):
        checked_config(demo() | {"extraction": "fallbacks"})


def test_a_wrong_type_names_the_key():
    config = demo()
    config["generation"]["seeds"] = "eight"
    with pytest.raises(InputError, match=r"generation: seeds: 'eight' is not of type 'integer'"):
        checked_config(config)


def test_a_model_has_one_source():
    config = demo()
    config["models"]["smollm2-135m"]["hf"] = "a/b"
    with pytest.raises(InputError, match="needs one source"):
        checked_config(config)


def test_a_self_hosted_judge_is_a_model():
    config = demo()
    config["judges"]["smollm2-135m"]["self_hosted"] = "smollm2-135"
    with pytest.raises(InputError, match="did you mean 'smollm2-135m'"):
        checked_config(config)


def test_compared_models_exist():
    with pytest.raises(InputError, match="compare: no model 'other'; known models: smollm2-135m"):
        checked_config(demo() | {"compare": [["smollm2-135m", "other"]]})


def hosted(**more) -> dict:
    config = demo()
    config["judges"] = {"hosted": {"model": "some-judge", **more}}
    return config


def hosted_model(**more) -> dict:
    config = demo()
    model = {"engine": "endpoint", "base_url": "http://host/v1", "served_model": "m", "prompt": "math", **more}
    return config | {"models": {"hosted": model}, "judges": {}}


@pytest.mark.parametrize("made", [hosted, hosted_model])
@pytest.mark.parametrize("key", ["sk-very-secret-key", "hf_verysecretkey", "0secret", "S" * 65 + "secret", "SECRET\n"])
def test_a_key_in_place_of_its_variable_is_refused_and_not_repeated(made, key):
    checked_config(made(api_key_env="GATEWAY_KEY_2"))
    with pytest.raises(InputError, match="must be the name of an environment variable") as error:
        checked_config(made(api_key_env=key))
    assert "secret" not in str(error.value).lower()


@pytest.mark.parametrize("made", [hosted, hosted_model])
@pytest.mark.parametrize(
    "address", ["https://user:secret@host/v1", "https://host/v1?key=secret", "https://host/v1#secret"]
)
def test_a_key_in_an_address_is_refused_and_not_repeated(made, address):
    with pytest.raises(InputError, match="without a user or password or a query") as error:
        checked_config(made(base_url=address))
    assert "secret" not in str(error.value)


def test_a_budget_needs_prices():
    prices = {"input": 2.5, "output": 10}
    assert checked_config(hosted(budget_usd=5, prices=prices))["judges"]["hosted"]["mode"] == "online"
    with pytest.raises(InputError, match="budget_usd needs prices"):
        checked_config(hosted(budget_usd=5))


def test_batches_are_for_hosted_judges():
    config = demo()
    config["judges"]["smollm2-135m"]["mode"] = "batch"
    with pytest.raises(InputError, match="batch needs a hosted judge"):
        checked_config(config)


MISTAKEN = """\
benchmarks: [gsm8k, math, gsm8k]
models:
  first: &first
    hf: a/b
    engin: vllm
  second: {<<: *first, dtype: half}
  first: {path: c}
generation:
  seeds: 1
  limit: .nan
  seeds: many
compare:
  - [second, second]
judges:
  online: {api_key_env: sk-secret, model: m}
  "none": {model: m}
"""
PLACES = [
    "1:1: benchmarks: 'gsm8k' is listed twice",
    "5:5: models: second: unknown key 'engin'; did you mean 'engine'?",
    "6:24: models: second: dtype: 'half' is not one of 'bfloat16', 'float16', 'float32' or 'q8_0'",
    "7:3: models: first: given twice, first in line 3",
    "10:3: generation: limit: nan is not of type 'integer'",
    "11:3: generation: seeds: given twice, first in line 9",
    "11:3: generation: seeds: 'many' is not of type 'integer'",
    "13:5: compare: 0: 'second' is listed twice",
    "15:12: judges: online: api_key_env: must be the name",
    "16:3: judges: 'none' names the tables without a judge",
]


def refusal(folder: Path, **files: str) -> str:
    """What is said of the configuration that these files are together, NAME=CONTENT."""
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    files_read = read_config_files(folder / f"{name}.yaml" for name in files)
    with pytest.raises(InputError) as error:
        checked_config(files_read.merged(), files_read)
    return str(error.value)


def test_each_mistake_has_its_line_and_column(tmp_path):
    said = refusal(tmp_path, my=MISTAKEN)
    assert "has 10 mistakes" in said
    for place in PLACES:
        assert f"{tmp_path}/my.yaml:{place}" in said
    assert "secret" not in said


def test_a_mistake_stands_in_the_file_that_counts(tmp_path):
    base = "benchmarks: [math]\nmodels:\n  m: {hf: a/b, dtype: wrong}\ngeneration: {seeds: 1}\n"
    said = refusal(tmp_path, base=base, mine="# mine\ngeneration:\n  seeds: -1\n  top_p: 2\n")
    assert "base.yaml:3:16: models: m: dtype" in said
    assert "mine.yaml:3:3: generation: seeds: -1 is less than the minimum of 0" in said
    assert "mine.yaml:4:3: generation: top_p: 2 is greater than the maximum of 1" in said


def test_what_is_missing_has_the_place_where_it_should_stand(tmp_path):
    said = refusal(tmp_path, my="benchmarks: [math]\ncontamination: {}\ngeneration: {}\n")
    assert "my.yaml:2:1: contamination: 'training_set' is a required property" in said
    assert "my.yaml: (top level): 'models' is a required property" in said
    said = refusal(tmp_path, my="benchmarks: [math]\nmodels:\n  m:\ngeneration: {}\n")
    assert "my.yaml:3:3: models: m: needs one source" in said


def test_keys_given_twice_are_refused_where_all_else_is_right(tmp_path):
    said = refusal(tmp_path, my="benchmarks: [math]\nmodels:\n  m: {hf: a/b}\n  m: {hf: c/d}\ngeneration: {}\n")
    assert "has 1 mistake." in said and "my.yaml:4:3: models: m: given twice, first in line 3" in said


def test_numbers_that_are_others_to_yaml_are_refused(tmp_path):
    """Slurm's 4:00:00 are 14,400 minutes to YAML, ten days."""
    kept = "benchmarks: [math]\nmodels: {m: {hf: a/b, system: '1:30', context_length: 8_192}}\n"
    said = refusal(tmp_path, my=kept + "generation: {runtime: 4:00:00, threads: 010, temperature: 1:30.5}\n")
    assert "has 3 mistakes." in said
    assert "my.yaml:3:23: generation: runtime: 4:00:00 is 14400 to YAML" in said
    assert "generation: threads: 010 is 8 to YAML" in said and "temperature: 1:30.5 is 90.5 to YAML" in said


@pytest.mark.parametrize("kind, fits", [("h100", True), ("a100_1g.10gb", True), ("gpu:h100", False), ("h100:2", False)])
def test_a_kind_of_gpu_is_a_name_of_slurms(kind, fits):
    config = {"benchmarks": ["math"], "models": {"m": {"hf": "a/b"}}, "generation": {"gpu_model": kind}}
    if fits:
        assert checked_config(config)["generation"]["gpu_model"] == kind
    else:
        with pytest.raises(InputError, match="gpu_model"):
            checked_config(config)


def test_a_merged_key_is_not_given_twice(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(
        "benchmarks: [math]\ngeneration: {}\nmodels:\n"
        "  a: &a {hf: a/b, dtype: float16}\n  b: {<<: *a, dtype: float32}\n  c: {<<: [*a, {hf: c/d}]}\n"
    )
    files = read_config_files([path])
    models = checked_config(files.merged(), files)["models"]
    assert [(model["hf"], model["dtype"]) for model in models.values()] == [
        ("a/b", "float16"),
        ("a/b", "float32"),
        ("a/b", "float16"),
    ]


def test_places_are_given_only_where_the_files_say_the_configuration(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump({"math": demo()}))
    assert files_behind(demo(), [path], {}).place(("generation",)) is None  # a module's: part of another's files
    path.write_text("generation: {seeds: 4, greedy: true}")
    config, overrides = {"generation": {"greedy": True, "seeds": 5}}, {"generation": {"seeds": 5}}
    files = files_behind(config, [path], overrides)
    assert files.place(("generation", "seeds")) == "--config"
    assert files.place(("generation", "greedy")) == f"{path}:1:24"


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "Cannot read the configuration.\n  where:    {path}\n  found:    No such file"),
        ("", "The configuration is empty.\n  where:    {path}\nHint: "),
        ("# nothing yet\n", "The configuration is empty."),
        ("- math\n", "The configuration has no keys."),
        ("models:\n\tm: {{}}\n", "Cannot read the configuration.\n  where:    {path}:2:1\n  found:    a tab\nHint: "),
        ("models: {{m: \n", "  where:    {path}:2:1\n  found:    expected"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_message(tmp_path, content, message):
    path = tmp_path / "my.yaml"
    if content is not None:
        path.write_text(content.format())
    command = [sys.executable, ROOT / "scripts/plan_compute.py", "--configfile", path]
    reply = subprocess.run(command, capture_output=True, text=True)
    assert reply.returncode == 2 and reply.stdout == ""
    assert message.format(path=path) in reply.stderr and "Traceback" not in reply.stderr


def test_schema_and_tables_are_made_from_the_model(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import write_config_reference

    hint = "run: python docs/write_config_reference.py"
    assert write_config_reference.schema_text() == (CONFIGS / "schema.json").read_text(), hint
    readme = (CONFIGS / "README.md").read_text()
    assert write_config_reference.readme_text(readme) == readme, hint
    tables = readme.count("<!-- table of ")
    assert tables == len(write_config_reference.OF_ITS_OWN) + 1


def test_editors_accept_what_we_accept():
    schema = json.loads((CONFIGS / "schema.json").read_text())
    for name, kept in KEPT.items():
        if name != "small":  # it leaves an engine null, which editors may well underline
            jsonschema.validate(kept["given"], schema)
    with pytest.raises(jsonschema.ValidationError, match="temprature"):
        jsonschema.validate(demo() | {"generation": {"temprature": 1}}, schema)
