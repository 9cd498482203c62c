"""Keys of a hosted model and its judge on Slurm: jobs get them, and no job script, record of a job or command line shows them."""

import subprocess

import yaml
from unit.judge_server import judge_server
from workflow.watched_keys import KEYS, command_lines

MODEL = {"engine": "endpoint", "served_model": "m", "api_key_env": "MODEL_KEY", "prompt": "math-few-shot"}


def shown(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_keys_are_in_no_job_script_and_in_no_file(evaluation, monkeypatch):
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    with judge_server(
        lambda question: "\\boxed{2}\nJudgement: Yes"
    ) as server:  # the nodes are processes of this machine
        config = {
            "benchmarks": ["arithmetic-mini"],
            "models": {"hosted": {**MODEL, "base_url": server.base_url}},
            "generation": {"seeds": 1, "limit": 4, "mem_mb": 1000, "threads": 1, "runtime": 10},
            "judges": {"j": {"base_url": server.base_url, "model": "j", "api_key_env": "JUDGE_KEY"}},
        }
        (evaluation.folder / "config.yaml").write_text(yaml.safe_dump(config))
        with command_lines(b"scripts/") as seen:
            status = evaluation.run("tables", "--retries", "0")
        assert server.bodies
    assert status == 0, evaluation.log
    jobs = [
        line for line in shown("scontrol", "show", "job", "--oneliner").splitlines() if str(evaluation.folder) in line
    ]
    assert any("rule_generate_hosted" in job for job in jobs) and any("rule_judge_hosted" in job for job in jobs)
    numbers = [job.split()[0].removeprefix("JobId=") for job in jobs]
    scripts = [shown("scontrol", "write", "batch_script", number, "-") for number in numbers]
    assert all("snakemake" in script for script in scripts)
    written = {path: path.read_bytes() for path in evaluation.folder.rglob("*") if path.is_file()}
    for key in KEYS.values():
        assert [text for text in [*jobs, *scripts, evaluation.log] if key in text] == []
        assert [line for line in seen if key.encode() in line] == []
        assert [path for path, content in written.items() if key.encode() in content] == []
