from pathlib import Path

from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config

ROOT = Path(__file__).parents[2]
CONFIG = {
    "benchmarks": ["gsm8k"],
    "models": {"m": {"path": "/checkpoints/m"}, "t": {"path": "/checkpoints/t", "engine": "trtllm"}},
    "generation": {},
    "judges": {
        "own": {"self_hosted": "m"},
        "hosted": {"model": "some-judge", "api_key_env": "KEY", "base_url": "https://llm.example.org/v1"},
    },
}


def test_what_changes_a_verdict_names_neither_this_checkout_nor_an_address():
    options = Options(checked_config(CONFIG))
    for judge in CONFIG["judges"]:
        said = " ".join(map(str, options.judge(judge)))
        assert str(ROOT) not in said and "http" not in said and "KEY" not in said
    assert "https://llm.example.org/v1" in options.judge_service("hosted") and "KEY" in options.judge_service("hosted")


def test_each_engine_has_an_environment_but_the_one_with_a_container():
    options = Options(checked_config(CONFIG))
    assert Path(options.engine_environment("m")).exists() and options.engine_environment("t") is None
