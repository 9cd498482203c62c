"""One engine on several nodes, with an imitation of vLLM's parts and of Slurm: start, deaths, restarts, nothing left behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imitated_vllm import alive, assert_gone, describe_imitation, imitation_command, started
from pretended_slurm import pretend_slurm

from openmath.client.completion import CompletionClient
from openmath.engines import running_engine, running_engines, slurm_nodes
from openmath.errors import InputError

PARTS = slurm_nodes.PARTS


@pytest.fixture
def engine(tmp_path, monkeypatch) -> Path:
    """Folder of an imitated engine, on the first of three nodes."""
    monkeypatch.setenv("IMITATION", str(tmp_path))
    pretend_slurm(tmp_path, monkeypatch, nodes=3)
    return describe_imitation(tmp_path)


def running(engine: Path, nodes: int = 3):
    return running_engine(engine, nodes=nodes, command=imitation_command(engine), log=engine / "engine.log")


async def answers(client: CompletionClient) -> str:
    return (await client.complete([1], {"max_tokens": 1})).text


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def test_each_node_runs_a_part_of_its_own_number(engine):
    async def work():
        async with running(engine) as server, CompletionClient(server, request_seconds=60) as client:
            return await answers(client)

    pid = asyncio.run(work())
    parts = {option(words, "--node-rank"): (str(pid), words) for pid, _, _, words in started(engine)}
    assert sorted(parts) == ["0", "1", "2"] and parts["0"][0] == pid
    assert [rank for rank, (_, words) in sorted(parts.items()) if "--headless" in words] == ["1", "2"]
    for name in ("--nnodes", "--master-addr", "--master-port", "--port"):
        assert len({option(words, name) for _, words in parts.values()}) == 1
    assert option(parts["1"][1], "--nnodes") == "3" and option(parts["1"][1], "--master-addr") == "127.0.0.1"
    assert "--nodelist node2,node3" in (engine / "engine.log").read_text()
    assert_gone(engine)


@pytest.mark.parametrize("rank", [pytest.param("0", marks=pytest.mark.slow), "1"])
def test_a_part_that_dies_ends_all_and_all_start_again(engine, rank):
    async def work():
        async with running(engine) as server, CompletionClient(server, request_seconds=60) as client:
            first = await answers(client)
            await asyncio.sleep(0.5)  # all have said that they are there
            [killed] = [pid for pid, _, _, words in started(engine) if option(words, "--node-rank") == rank]
            before = started(engine)
            os.kill(killed, signal.SIGKILL)
            deadline = time.monotonic() + 30
            while any(alive(pid) for pid, *_ in before):
                assert time.monotonic() < deadline, "a part goes on without the others"
                await asyncio.sleep(0.05)
            assert await answers(client) != first and server.restarts_left == 2

    asyncio.run(work())
    assert len(started(engine)) == 6
    assert_gone(engine)


def part(engine: Path, *words: str, **environment: str) -> subprocess.Popen:
    """across_nodes.py by itself."""
    command = [sys.executable, str(PARTS), *words, sys.executable, str(engine / "imitation.py"), "--port", "0"]
    return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)


def test_parts_elsewhere_end_although_srun_is_killed_with_the_first(engine):
    first = part(engine, "first", "127.0.0.1", "node2,node3", VLLM_API_KEY="key-of-the-engine")
    while len(started(engine)) < 3:
        assert first.poll() is None
        time.sleep(0.05)
    [srun] = [int(pid) for pid in children(first.pid) if b"slurm/srun" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert "--overlap" in cmdline(srun) and "key-of-the-engine" not in Path(f"/proc/{srun}/environ").read_text()
    [here] = [pid for pid, _, _, words in started(engine) if option(words, "--node-rank") == "0"]
    for pid in (first.pid, srun, here):  # the node is lost
        os.kill(pid, signal.SIGKILL)
    first.wait()
    assert_gone(engine)


def test_a_silent_first_part_is_taken_for_lost(engine):
    """Its node hangs: the connection stays, and nothing comes."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        words = ("other", "127.0.0.1", str(door.getsockname()[1]))
        other = part(engine, *words, SLURM_PROCID="0", OPENMATH_PARTS_TOKEN="t" * 32, OPENMATH_PARTS_SILENCE="1")
        line, _ = door.accept()
        with line:
            assert line.recv(32, socket.MSG_WAITALL) == b"t" * 32
            assert other.wait(30) != 0
    assert_gone(engine)


def test_nobody_without_the_token_is_taken_for_a_part(engine):
    first = part(engine, "first", "127.0.0.1", "node2", OPENMATH_PARTS_SILENCE="12")
    try:
        while len(started(engine)) < 2:
            assert first.poll() is None
            time.sleep(0.05)
        [srun] = [pid for pid in children(first.pid) if b"slurm/srun" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        words = cmdline(int(srun)).split()
        with socket.create_connection(("127.0.0.1", int(words[words.index("other") + 2]))) as stranger:
            stranger.sendall(b"x" * 32)
            assert stranger.recv(1) == b""
        environment = dict(pair.partition("=")[::2] for pair in Path(f"/proc/{srun}/environ").read_text().split("\0"))
        with socket.create_connection(("127.0.0.1", int(words[words.index("other") + 2]))) as late:
            late.sendall(environment["OPENMATH_PARTS_TOKEN"].encode() + b".")  # and the first sign of life in one piece
            assert late.recv(1) == b"."
            assert first.poll() is None
    finally:
        [here] = [pid for pid, _, _, words in started(engine) if option(words, "--node-rank") == "0"]
        for pid in (first.pid, here):
            os.kill(pid, signal.SIGKILL)
        first.wait()
    assert_gone(engine)


def test_what_cannot_be_is_told_before_anything_starts(engine, monkeypatch):
    for nodes, changes, found in (
        (2, {}, "job 7 on node1, node2, node3"),
        (3, {"SLURMD_NODENAME": "login"}, "job 7 on node1"),
        (3, {"SLURM_JOB_ID": ""}, "no Slurm job"),
    ):
        with monkeypatch.context() as patch:
            for name, value in changes.items():
                patch.setenv(name, value)
            with pytest.raises(InputError, match=f"job of {nodes} nodes(.|\n)*{found}"):
                asyncio.run(running(engine, nodes).__aenter__())
    for more in ({"copies": 2}, {"copies": 1, "per_gpu": 2}):
        with pytest.raises(InputError, match="One copy"):
            asyncio.run(running_engines(engine, nodes=3, **more).__aenter__())
    assert not started(engine)


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def cmdline(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
