"""The demo's evaluation in a folder of its own, and ways to disturb it: kills by role, truncations, a full disk.

Engine and judge log each request before they work on it. A sample or verdict is *finished* once it is in the store; a request for a
finished one is work done twice.
"""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import yaml
from chaos.process_roles import living_processes
from workflow.conftest import ROOT, copy_workflow

from openmath.files.append_only import kept_rows
from openmath.files.rows import read_rows
from openmath.judging.settings import JudgeSettings, read_judge_prompt
from openmath.judging.store import VerdictStore

HERE = Path(__file__).parent
MODEL, JUDGE = "smollm2-135m", "counted"
STAGING, STORE = f"results/{MODEL}/.staging", f"judgements/{JUDGE}"
PATIENCE = 900.0  # seconds without an end after which one run of Snakemake counts as hung
AGAIN = "cannot be locked|Another job is working|Slurm jobs of an earlier run|Incomplete files"  # after a kill: wait, run it again
# What people read, and what it is made from. Manifests tell of the run itself (what was paid in it), so they may differ.
FINAL = (
    f"results/{MODEL}/eval-results/*/*.jsonl",
    f"results/{MODEL}/eval-results-majority/*/*.jsonl",
    f"results/{MODEL}/judged/{JUDGE}/*/*.jsonl",
    f"results/{MODEL}/grades/*.parquet",
    *(f"results/{MODEL}/summary/{JUDGE}/{name}" for name in ("tables.*", "metrics.*", "*.csv", "published.md")),
)


class Evaluation:
    """One evaluation in `folder`. The judge's port is part of the configuration, so all evaluations compared share it."""

    program: tuple = ("-m", "snakemake", "--cores", "2")

    def __init__(self, folder: Path, checkpoint: Path, judge_port: int, **generation: object):
        self.folder, self.judge_port = folder, judge_port
        self.generation = generation
        self.judge: subprocess.Popen | None = None
        self.finished: set[tuple] = set()  # samples and verdicts seen in their stores
        self.destroyed = 0  # finished ones that a truncation took away again
        self.again: list[tuple] = []  # requests for finished ones
        self._read = Counter()  # lines of each request log that are counted already
        folder.mkdir()
        copy_workflow(folder)
        config = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
        model = config["models"][MODEL]
        del model["pypi"], model["dtype"]  # its disk is too small for a copy of the weights
        model |= {"path": str(checkpoint), "deterministic": True}
        config["generation"] |= {"concurrency": 4, "seeds_per_job": 4, "num_jobs": -1, "threads": 2} | generation
        engine = [sys.executable, HERE / "counted_engine.py", "--requests", folder / "engine.requests"]
        config["engines"] = {"llamacpp": {"command": " ".join(map(str, engine))}}
        judge = {"model": "judge-1", "base_url": f"http://127.0.0.1:{judge_port}/v1", "concurrency": 4}
        config["judges"] = {JUDGE: judge}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))

    # Running

    def start(self) -> subprocess.Popen:
        """`snakemake` as a user types it, with the judge at its address."""
        self.start_judge()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the rules call `python`
        with open(self.folder / "snakemake.said", "wb") as said:
            return subprocess.Popen(
                [sys.executable, *self.program, "--configfile", "config.yaml"],
                cwd=self.folder,
                env={**os.environ, "PATH": path},
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def start_judge(self) -> None:
        if self.judge is not None and self.judge.poll() is None:
            return
        program = [sys.executable, HERE / "counted_judge.py", "--requests", self.folder / "judge.requests"]
        self.judge = subprocess.Popen([*map(str, program), "--port", str(self.judge_port)], cwd=self.folder)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.judge_port), timeout=1):
                return
            time.sleep(0.05)
        raise AssertionError("the judge does not start")

    def said(self) -> str:
        return (self.folder / "snakemake.said").read_text(errors="replace")

    def unlock_if_asked(self) -> None:
        """What the README's troubleshooting says about a killed Snakemake."""
        if "cannot be locked" in self.said():
            self.unlock()

    def unlock(self) -> None:
        program = [sys.executable, "-m", "snakemake", "--configfile", "config.yaml", "--unlock"]
        subprocess.run(program, cwd=self.folder, capture_output=True, check=True)

    def run_to_end(self, tries: int = 20) -> int:
        """The plain command until it succeeds, undisturbed; how often it took. A killed Snakemake's jobs may still be at work."""
        for number in range(1, tries + 1):
            run = self.start()
            if run.wait(PATIENCE) == 0:
                return number
            said = self.said()
            assert re.search(AGAIN, said), said[-4000:]
            self.unlock_if_asked()
            self.wait_for_orphans()
        raise AssertionError(self.said()[-4000:])

    # Disturbing

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Living processes of this evaluation by role."""
        return living_processes(self.folder)

    def kill(self, role: str, dice: random.Random) -> int:
        """SIGKILL one process of a role, or `everything` in random order; how many died."""
        killed = 0
        while True:
            living = self.processes()
            if role == "everything":
                chosen = [p for name, ps in living.items() if name != "judge server" for p in ps]  # another machine's
                dice.shuffle(chosen)
            else:
                chosen = [dice.choice(sorted(living[role], key=lambda p: p.pid))] if role in living else []
            for process in chosen:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                    killed += 1
            if role != "everything" or not chosen:
                return killed
            time.sleep(0.05)  # a process may have started another while we looked

    def wait_for_orphans(self) -> None:
        """Until the jobs of a killed Snakemake have ended."""
        deadline = time.monotonic() + PATIENCE
        while set(self.processes()) - {"judge server"}:
            assert time.monotonic() < deadline, f"a killed Snakemake left processes behind: {self.processes()}"
            time.sleep(0.1)

    def truncate(self, dice: random.Random) -> str | None:
        """Tear the tail of one file of samples or verdicts, as a machine without power does; what was done. Nobody may write now.

        Half of the time a whole last line loses its end and is no longer finished; else an unfinished line is added.
        """
        files = [path for path in self._growing() if path.stat().st_size]
        if not files:
            return None
        path = dice.choice(files)
        content = path.read_bytes()
        start = content.rstrip(b"\n").rfind(b"\n") + 1
        last = content[start:]
        cut = dice.randrange(1, len(last))
        before = self.finished_in_stores()
        if dice.random() < 0.5:
            path.write_bytes(content[: start + cut])
            lost = before - self.finished_in_stores()
            self.finished -= lost
            self.destroyed += len(lost)
            return f"{path.relative_to(self.folder)} cut inside its last line, {len(lost)} finished lost"
        with open(path, "ab") as file:
            file.write(last[:cut])
        return f"{path.relative_to(self.folder)} with {cut} bytes of an unfinished line"

    def _growing(self) -> list[Path]:
        """Files that are still being appended to: published ones share their blocks with staging, and are complete."""
        published = {path.stat().st_ino for path in self.folder.glob(FINAL[0])}
        staged = [p for p in sorted(self.folder.glob(f"{STAGING}/*/*/*.jsonl")) if p.stat().st_ino not in published]
        return staged + sorted(self.folder.glob(f"{STORE}/verdicts-*.jsonl"))

    def run_on_full_disk(self) -> str:
        """A run that meets a full disk while samples are computed; its words. The folder lies on a small disk of its own."""
        filler, staged = self.folder / "filler", len(self.finished_in_stores())
        run = self.start()
        while run.poll() is None and len(self.finished_in_stores()) <= staged:
            time.sleep(0.05)
        with suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        run.wait(PATIENCE)
        self.wait_for_orphans()
        filler.unlink()
        assert run.returncode != 0, "the disk was full, and nobody minded"
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("logs/**/*.log")) + self.said()

    def forget_all(self) -> None:
        """Remove all samples and verdicts: another pass from the beginning."""
        self.forget_what_follows_from_samples()
        shutil.rmtree(self.folder / "results")
        os.truncate(self.folder / "engine.requests", 0)
        self._read["engine"] = 0
        self.finished = set()

    def forget_what_follows_from_samples(self) -> None:
        """Remove all that follows from the samples, verdicts too: another pass of grading and judging."""
        for name in ("grades", "eval-results-majority", "judged", "summary"):
            shutil.rmtree(self.folder / f"results/{MODEL}/{name}", ignore_errors=True)
        shutil.rmtree(self.folder / STORE)
        os.truncate(self.folder / "judge.requests", 0)  # the judge goes on writing to it
        self._read["judge"] = 0
        self.finished = {item for item in self.finished if item[0] == "sample"}

    # Counting

    def count(self) -> None:
        """Look at what is finished now, and at all requests since the last look."""
        for kind in ("engine", "judge"):
            path = self.folder / f"{kind}.requests"
            lines = path.read_bytes().splitlines() if path.exists() else []
            for line in lines[self._read[kind] :]:
                item = self._sample_asked(line) if kind == "engine" else self._verdict_asked(line)
                if item in self.finished:
                    self.again.append(item)
            self._read[kind] = len(lines)
        self.finished |= self.finished_in_stores()

    def requests(self, kind: str) -> list[tuple]:
        """All requests for samples (`engine`) or verdicts (`judge`), as they came."""
        lines = (self.folder / f"{kind}.requests").read_bytes().splitlines()
        return [self._sample_asked(line) if kind == "engine" else self._verdict_asked(line) for line in lines]

    def finished_in_stores(self) -> set[tuple]:
        samples = {
            ("sample", path.stem.removeprefix("output-"), row["problem"])
            for path in self.folder.glob(f"{STAGING}/*/*/output-*.jsonl")
            for row in kept_rows(path, bool)
        }
        prompt = read_judge_prompt(ROOT / "config/prompts/judge-math.yaml")
        settings = JudgeSettings(None, prompt, {})
        records = VerdictStore(self.folder / STORE).records.values()
        return samples | {("verdict", settings.messages(r, [])[-1]["content"], r["attempt"]) for r in records}

    def _sample_asked(self, line: bytes) -> tuple:
        asked = json.loads(line)
        last_turn = asked["prompt"].rpartition("<|im_start|>user")[2]
        problem = max((p for p in self.problems if p in last_turn), key=len)
        return "sample", asked["run"], problem

    @property
    def problems(self) -> list[str]:
        return [row["problem"] for row in read_rows(self.folder / "data/arithmetic-mini.jsonl")]

    def _verdict_asked(self, line: bytes) -> tuple:
        asked = json.loads(line)
        return "verdict", asked["question"], asked["attempt"]

    def final_files(self) -> dict[str, bytes]:
        paths = (path for pattern in FINAL for path in self.folder.glob(pattern))
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in sorted(paths)}

    def check_final(self, expected: dict[str, bytes]) -> None:
        """The same files as undisturbed; each sample and each verdict there once; nothing left running."""
        found = self.final_files()
        assert found.keys() == expected.keys()
        assert [name for name in found if found[name] != expected[name]] == []
        for path in self.folder.glob(FINAL[0]):
            ids = [row["id"] for row in read_rows(path)]
            assert len(ids) == len(set(ids)) == self.generation["limit"]
        rows = [row for path in self.folder.glob(f"{STORE}/*.jsonl") for row in kept_rows(path, bool)]
        keys = [row["key"] for row in rows if "key" in row]
        assert len(keys) == len(set(keys)) > 0
        left = set(self.processes()) - {"judge server"}
        assert not left, f"left behind: {left}"

    def stop(self) -> None:
        self.kill("everything", random.Random(0))
        if self.judge:
            self.judge.kill()
            self.judge.wait()
