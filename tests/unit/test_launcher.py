"""The launcher with a small server of our own: deadlines, deaths, hangs, and that nothing is left behind."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from small_engine import alive, ask, server, started

from openmath.engines import _gpu_groups
from openmath.engines.balance import BalancedClient
from openmath.engines.launcher import LocalServer
from openmath.errors import InputError


def assert_gone(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while any(map(alive, started(folder))):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)


def test_a_stopped_server_leaves_no_process(tmp_path):
    async def work():
        async with server(tmp_path) as running, BalancedClient([running], request_seconds=60) as client:
            assert len(await ask(client, 3)) == 3

    asyncio.run(work())
    assert len(started(tmp_path)) == 2
    assert_gone(tmp_path)


def test_the_last_words_of_a_server_that_does_not_start_are_shown_without_its_key(tmp_path):
    code = "import os; print('key', os.environ['OPENMATH_ENGINE_KEY']); raise SystemExit('CUDA out of memory')"
    failing = server(tmp_path, code)

    async def work():
        async with failing:
            pass

    with pytest.raises(InputError, match="did not start") as error:
        asyncio.run(work())
    assert "CUDA out of memory" in str(error.value) and failing.api_key not in str(error.value)


def test_a_program_that_is_not_on_this_node_is_named_in_a_line(tmp_path):
    """The preflight saw the login node."""
    absent = LocalServer(name="test", command=lambda port: ["no-such-program"], model="m", log=tmp_path / "engine.log")

    async def work():
        async with absent:
            pass

    with pytest.raises(InputError, match="did not start") as error:
        asyncio.run(work())
    assert f"cannot start no-such-program on {os.uname().nodename}: No such file" in str(error.value)
    assert "Traceback" not in str(error.value)


def test_a_server_that_is_never_healthy_misses_its_deadline(tmp_path):
    async def work():
        async with server(tmp_path, "import time; time.sleep(3600)", start_seconds=1.0):
            pass

    with pytest.raises(InputError, match="not ready after 1 s"):
        asyncio.run(work())


def test_a_server_of_another_protocol_is_not_ready(tmp_path):
    babbling = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    babbling += "while True: c, _ = s.accept(); c.recv(9999); c.sendall(b'220 mail ready\\r\\n'); c.close()"

    async def work():
        async with server(tmp_path, babbling, start_seconds=2):
            pass

    with pytest.raises(InputError, match="not ready after 2 s"):
        asyncio.run(work())


@pytest.mark.parametrize("how", ["died", pytest.param("hung", marks=pytest.mark.slow)])
def test_a_server_that_died_or_hangs_is_started_again_and_no_request_is_lost(tmp_path, how):
    async def work():
        running = server(tmp_path, hung_seconds=0.5)
        async with running, BalancedClient([running], request_seconds=300) as client:
            [first] = await ask(client, 1)
            requests = asyncio.ensure_future(ask(client, 20))
            await asyncio.sleep(0.05)
            os.kill(int(first), signal.SIGKILL if how == "died" else signal.SIGSTOP)
            answers = await requests
            assert len(answers) == 20 and first not in set(await ask(client, 2))

    asyncio.run(work())
    assert_gone(tmp_path)


def test_an_engine_with_nothing_to_do_is_left_alone(tmp_path):
    async def work():
        running = server(tmp_path, stalled_seconds=1.0, hung_seconds=4.0)  # looked at once a second
        async with running, BalancedClient([running], request_seconds=60) as client:
            before = await ask(client, 1)
            await asyncio.sleep(2.5)
            assert await ask(client, 1) == before

    asyncio.run(work())


def test_restarts_are_bounded(tmp_path):
    async def work():
        running = server(tmp_path, restarts=1)
        async with running, BalancedClient([running], request_seconds=60) as client:
            for _ in range(2):
                os.kill(started(tmp_path)[-2], signal.SIGKILL)
                while running._runs():
                    await asyncio.sleep(0.05)
                await ask(client, 1)

    with pytest.raises(InputError, match="died too often"):
        asyncio.run(work())
    assert_gone(tmp_path)


@pytest.mark.parametrize("victim", ["launcher", "outer supervisor", "inner supervisor"])
def test_nothing_outlives_a_killed_launcher_or_supervisor(tmp_path, victim):
    launcher = os.fork()
    if launcher == 0:

        async def serve():
            async with server(tmp_path):
                (tmp_path / "ready").touch()
                await asyncio.sleep(3600)

        try:
            asyncio.run(serve())
        finally:
            os._exit(1)
    deadline = time.monotonic() + 120
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [outer] = map(int, Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split())
    [inner] = map(int, Path(f"/proc/{outer}/task/{outer}/children").read_text().split())
    os.kill({"launcher": launcher, "outer supervisor": outer, "inner supervisor": inner}[victim], signal.SIGKILL)
    assert_gone(tmp_path)
    if victim != "launcher":
        os.kill(launcher, signal.SIGKILL)
    os.waitpid(launcher, 0)


def test_requests_are_spread_over_copies(tmp_path):
    async def work():
        async with server(tmp_path) as one, server(tmp_path) as two:
            async with BalancedClient([one, two], request_seconds=60) as client:
                answers = await ask(client, 20)
                return [answers.count(pid) for pid in set(answers)]

    assert asyncio.run(work()) == [10, 10]


def test_copies_see_their_own_gpus(monkeypatch):
    engine = {"engine": "vllm", "settings": {"tensor_parallel": 2}}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert _gpu_groups(engine, 2) == [{"CUDA_VISIBLE_DEVICES": "4,5"}, {"CUDA_VISIBLE_DEVICES": "6,7"}]
    assert _gpu_groups(engine, 1) == [{}]
    with pytest.raises(InputError, match="too few GPUs"):
        _gpu_groups(engine, 3)
    with pytest.raises(InputError, match="Only engines on GPUs"):
        _gpu_groups({**engine, "engine": "llamacpp"}, 2)
