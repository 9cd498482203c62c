from pathlib import Path

import pytest
import yaml

from openmath.errors import InputError
from openmath.settings.config import checked_config

CONFIGS = Path(__file__).parents[2] / "config"


def demo() -> dict:
    return yaml.safe_load((CONFIGS / "demo.yaml").read_text())


@pytest.mark.parametrize("name", ["config.yaml", "demo.yaml"])
def test_shipped_configurations_are_valid(name):
    config = checked_config(yaml.safe_load((CONFIGS / name).read_text()))
    assert config["policy"] == "default"
    assert config["generation"]["top_p"] == 0.95


def test_an_unknown_key_names_the_nearest_known_one():
    config = demo()
    config["generation"]["temprature"] = 0.5
    with pytest.raises(InputError, match=r"generation: unknown key 'temprature'; did you mean 'temperature'\?"):
        checked_config(config)


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
def test_a_password_in_an_address_is_refused_and_not_repeated(made):
    with pytest.raises(InputError, match="without a user or password") as error:
        checked_config(made(base_url="https://user:secret@host/v1"))
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
