"""Several engines on one GPU: how many, their shares, starts one after the other, deaths; with an imitation of vLLM."""

import asyncio
import itertools
import json
import os
import signal
from pathlib import Path

import pytest
from imitated_vllm import assert_gone, describe_imitation, imitation_command, started

from openmath.engines import running_engines, sharing
from openmath.engines.balance import BalancedClient
from openmath.engines.launcher import LocalServer
from openmath.engines.sharing import GIB, Card, check_room, paying_engines, usable_part, visible_card, weights_bytes
from openmath.errors import InputError
from openmath.settings.engine_kinds import KINDS

H200, H100, L4 = (Card(gib * GIB, gib * GIB) for gib in (140, 80, 22))
SMOLLM, QWEN_1B5, QWEN_3B, LLAMA_8B = (int(gib * GIB) for gib in (0.25, 2.9, 5.8, 15.0))


@pytest.mark.parametrize(
    ("weights", "card", "cores", "engines"),
    [
        (SMOLLM, H200, 16, 4),
        (SMOLLM, H200, 5, 3),
        (QWEN_1B5, H200, 16, 3),
        (QWEN_3B, H200, 16, 2),
        (LLAMA_8B, H200, 16, 1),  # two were measured: 0.92 and 1.05 times the tokens
        (SMOLLM, H100, 16, 4),
        (QWEN_1B5, H100, 16, 2),
        (QWEN_3B, H100, 16, 1),
        (SMOLLM, L4, 16, 3),
        (QWEN_1B5, L4, 16, 1),
        (SMOLLM, H200, 4, 2),  # a job's usual cores
        (SMOLLM, H200, 1, 1),
        (0, H200, 16, 1),  # unknown
        (SMOLLM, Card(140 * GIB, 3 * GIB), 16, 1),  # others hold the rest
        (SMOLLM, Card(140 * GIB, 4 * GIB), 16, 2),
        (SMOLLM, Card(140 * GIB, 5 * GIB), 16, 3),
    ],
)
def test_auto_fills_a_gpu_only_where_that_pays(weights, card, cores, engines):
    usable = min(0.9, card.free / card.total)
    assert paying_engines(weights, weights + int(1.3 * GIB), card, usable, cores) == engines


def test_a_gpu_that_is_too_small_is_told_with_what_fits():
    check_room(2, 9 * GIB, Card(24 * GIB, 24 * GIB), 0.9)
    with pytest.raises(InputError, match="too small for 3 engines") as error:
        check_room(3, 9 * GIB, Card(24 * GIB, 24 * GIB), 0.9)
    assert "9.0 GiB for each" in str(error.value) and "7.2 GiB" in str(error.value)
    assert "engines_per_gpu: 2" in str(error.value)
    with pytest.raises(InputError, match="raise tensor_parallel"):
        check_room(2, 30 * GIB, Card(24 * GIB, 24 * GIB), 0.9)


def test_the_card_is_the_smallest_of_those_that_the_job_sees(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *--id=4,5) echo "81559, 80000"; echo "81559, 70000" ;; *) echo "[N/A], [N/A]" ;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    assert visible_card() == Card(81559 * 2**20, 70000 * 2**20)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible_card() is None
    program.unlink()
    assert visible_card() is None


def test_the_engines_own_flag_is_for_all_of_a_gpu():
    assert usable_part(KINDS["vllm"], "--enforce-eager") == 0.9
    assert usable_part(KINDS["vllm"], "--gpu-memory-utilization 0.5 --gpu-memory-utilization=0.6") == 0.6


@pytest.fixture
def engine(tmp_path, monkeypatch) -> Path:
    """Folder of an imitated engine of 1 GiB on a card of 140 GiB."""
    monkeypatch.setenv("IMITATION", str(tmp_path))
    monkeypatch.setattr(sharing, "visible_card", lambda: H200)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    return describe_imitation(tmp_path)


def running(engine: Path, copies: int = 1, **options):
    return running_engines(engine, copies, command=imitation_command(engine), log=engine / "engine.log", **options)


async def joined(servers: list, count: int) -> None:
    while sum(bool(server.base_url) for server in servers) < count:
        await asyncio.sleep(0.02)


async def ask(client: BalancedClient, count: int) -> list[str]:
    answers = await asyncio.gather(*(client.complete([1], {"max_tokens": 1}) for _ in range(count)))
    return [answer.text for answer in answers]


def test_engines_of_a_gpu_start_one_after_the_other_and_join_while_the_first_works(engine):
    async def work():
        async with running(engine, per_gpu=3, args="--swap-space 0") as servers:
            async with BalancedClient(servers, request_seconds=60, most=4) as client:
                assert len(set(await ask(client, 8))) == 1, "only the first one is there"
                await joined(servers, 3)
                answers = await ask(client, 48)
                assert len(set(answers)) == 3 and min(answers.count(pid) for pid in set(answers)) > 8

    asyncio.run(work())
    starts = started(engine)
    assert all(earlier[2] < later[1] for earlier, later in itertools.pairwise(starts))
    for _, _, _, words in starts:
        assert words[words.index("--gpu-memory-utilization") + 1] == "0.300" and "--swap-space" in words
    assert_gone(engine)


def test_an_engine_that_dies_is_started_again_while_the_others_go_on(engine):
    async def work():
        async with running(engine, per_gpu=2) as servers:
            await joined(servers, 2)
            async with BalancedClient(servers, request_seconds=60, most=4) as client:
                requests = asyncio.ensure_future(ask(client, 60))
                await asyncio.sleep(0.1)
                os.kill(started(engine)[0][0], signal.SIGKILL)
                assert len(await requests) == 60
                assert len(set(await ask(client, 8))) == 2
        assert len(started(engine)) == 3

    asyncio.run(work())
    assert_gone(engine)


@pytest.mark.slow
def test_one_that_finds_no_room_is_left_out_and_the_first_one_must_start(engine, monkeypatch, capsys):
    async def work(requests: int):
        async with running(engine, per_gpu=2) as servers, BalancedClient(servers, request_seconds=60) as client:
            while requests and "did not start" not in capsys.readouterr().out:
                await asyncio.sleep(0.02)
            return len(set(await ask(client, requests)))

    monkeypatch.setenv("FAILS", "2")
    assert asyncio.run(work(8)) == 1
    (engine / "starts").unlink()
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(InputError, match=r"did not start(.|\n)*no room for the cache"):
        asyncio.run(work(0))
    assert_gone(engine)


def test_a_job_that_ends_before_all_have_joined_leaves_nothing(engine):
    async def work():
        async with running(engine, per_gpu=3) as servers:
            assert [bool(server.base_url) for server in servers] == [True, False, False]

    asyncio.run(work())
    assert_gone(engine)
    assert len(started(engine)) < 3


def test_copies_on_gpus_of_their_own_start_at_once_and_each_has_engines_beside_it(engine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    monkeypatch.setenv("LOADS", "1.5")  # longer than the second process may be late on a busy machine

    async def work():
        async with running(engine, copies=2, per_gpu=2) as servers:
            assert all(server.base_url for server in servers[:2])
            await joined(servers, 4)
            return [server.environment["CUDA_VISIBLE_DEVICES"] for server in servers]

    assert asyncio.run(work()) == ["4", "5", "4", "5"]
    first, second, *_ = started(engine)
    assert second[1] < first[2], "the copies did not start together"


def test_what_cannot_be_is_told_before_anything_starts(engine, monkeypatch):
    monkeypatch.setattr(sharing, "visible_card", lambda: Card(4 * GIB, 4 * GIB))
    with pytest.raises(InputError, match=r"too small for 3 engines(.|\n)*engines_per_gpu: 1"):
        asyncio.run(running(engine, per_gpu=3).__aenter__())
    description = json.loads((engine / "engine.json").read_text()) | {"engine": "llamacpp"}
    (engine / "engine.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="cannot share a GPU"):
        asyncio.run(running(engine, per_gpu=2).__aenter__())
    assert not (engine / "starts").exists()


def test_auto_is_one_engine_as_ever_where_it_gains_nothing(engine, monkeypatch):
    description = json.loads((engine / "engine.json").read_text())
    assert sharing.shares(description, "auto", args="") == (3, ["--gpu-memory-utilization", "0.300"])
    for card in (None, Card(14 * GIB, 14 * GIB)):
        monkeypatch.setattr(sharing, "visible_card", lambda card=card: card)
        assert sharing.shares(description, "auto", args="") == (1, [])
    assert sharing.shares(description | {"engine": "llamacpp"}, "auto", args="") == (1, [])
    assert sharing.shares(description, 2, args="--gpu-memory-utilization 0.5")[1] == [
        "--gpu-memory-utilization",
        "0.250",
    ]
    monkeypatch.setattr(sharing, "visible_card", lambda: Card(140 * GIB, 70 * GIB))
    assert sharing.shares(description, 2, args="")[1] == ["--gpu-memory-utilization", "0.225"], "of what is free"


def test_a_cache_is_counted_as_far_as_the_checkpoint_tells(engine):
    description = json.loads((engine / "engine.json").read_text())
    checkpoint = Path(description["checkpoint"])
    assert weights_bytes(checkpoint) == GIB and weights_bytes(engine) == 0
    assert sharing.cache_bytes(description) == 0
    config = {"num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096, "num_hidden_layers": 32}
    for changes, size in (({}, 2048 * 131072), ({"sliding_window": 512}, 0), ({"num_attention_heads": 0}, 0)):
        (checkpoint / "config.json").write_text(json.dumps(config | changes))
        assert sharing.cache_bytes(description) == size


@pytest.mark.slow
def test_starts_are_one_at_a_time_also_after_deaths(engine):
    async def work():
        async with running(engine, per_gpu=2) as servers:
            await joined(servers, 2)
            for pid, *_ in started(engine):
                os.kill(pid, signal.SIGKILL)
            async with BalancedClient(servers, request_seconds=60, most=4) as client:
                assert len(await ask(client, 16)) == 16
            assert all(isinstance(server, LocalServer) and server.restarts_left == 2 for server in servers)

    asyncio.run(work())
    *_, third, fourth = started(engine)
    assert third[2] < fourth[1]
