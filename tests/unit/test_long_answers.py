"""Answers of many tokens: engines are not ended while tokens come, get as many requests as they hold, and have no deadline."""

import asyncio

import pytest
from small_engine import SERVER, ask, server
from unit.judge_server import judge_server

from openmath.client.completion import CompletionClient, HostedEndpoint, Load, RequestFailed
from openmath.engines import watch
from openmath.engines.balance import BalancedClient
from openmath.engines.vitals import Capacity, capacity, counters
from openmath.engines.watch import Watch
from openmath.generation.lengths import Lengths

VLLM = b"""# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="m"} %d
vllm:iteration_tokens_total_sum{engine="0",model_name="m"} 7.0
http_requests_total{handler="/metrics",method="GET",status="2xx"} %d
process_cpu_seconds_total %d
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="1000",num_gpu_blocks_override="None"} 1.0
"""
LLAMACPP = b"llamacpp:tokens_predicted_total 0\nllamacpp:n_decode_total %d\nllamacpp:predicted_tokens_seconds %d\n"
TRTLLM = b'[{"cpuMemUsage": 0, "iter": %d, "iterLatencyMS": %d}]'


def test_what_counts_tokens_is_told_from_what_a_look_moves():
    assert counters(VLLM % (5, 1, 1)) == counters(VLLM % (5, 2, 3)) != counters(VLLM % (6, 2, 3))
    assert counters(LLAMACPP % (5, 1)) == counters(LLAMACPP % (5, 2)) != counters(LLAMACPP % (6, 2))
    assert counters(TRTLLM % (5, 1)) == counters(TRTLLM % (5, 2)) != counters(TRTLLM % (6, 2))
    for silent in (b"", b"[]", b"<html>tokens</html>", b"process_cpu_seconds_total 5\nhttp_requests_total 7\n"):
        assert counters(silent) == b""


HOUR = 3600
MOVES, STANDS, NONE, GOES = (
    lambda look: VLLM % (look, look, look),
    lambda look: VLLM % (5, look, look),
    lambda look: b"",
    lambda look: VLLM % (5, 1, 1) if look < 2 else b"",
)


@pytest.mark.parametrize(
    ("metrics", "longest", "ended"),
    [
        (MOVES, 65_536, None),
        (STANDS, 65_536, "no token for 1800 s"),
        (GOES, 65_536, "no token for 1800 s"),
        (NONE, 4096, "no request finished for 1800 s"),
        (NONE, 64, "no request finished for 1800 s"),
        (NONE, 65_536, "no request finished for 28800 s"),
    ],
)
def test_an_engine_is_ended_when_no_more_tokens_come(monkeypatch, metrics, longest, ended):
    """Of one that counts none, when an answer of this length should have ended."""
    clock, looks, load = [0.0], [], Load()
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    look = Watch(
        load,
        healthy=lambda: True,
        metrics=lambda: (looks.append(clock[0]), metrics(len(looks)))[1],
        hung_seconds=300,
        stalled_seconds=1800,
    )
    load.begin({"max_tokens": longest})
    fault = ""
    while not fault and clock[0] < 10 * HOUR:
        clock[0] += 10
        fault = look.fault()
    assert fault == (ended or "")
    allowed = float(ended.split()[-2]) if ended else 0
    assert not ended or allowed <= clock[0] <= allowed + 1800 / 4 + 20
    assert not looks or looks[0] >= 1800 / 4, "one that ends requests is not looked at"


def test_an_idle_engine_and_one_that_does_not_answer(monkeypatch):
    clock, healthy, load = [0.0], [True], Load()
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    look = Watch(
        load, healthy=lambda: healthy[0], metrics=lambda: VLLM % (1, 1, 1), hung_seconds=300, stalled_seconds=1800
    )
    clock[0] = 9 * HOUR
    assert look.fault() == "", "it has nothing to do"
    healthy[0] = False
    clock[0] += 299
    assert look.fault() == ""
    clock[0] += 2
    assert look.fault() == "no health answer for 300 s"


COUNTING = SERVER.replace(
    """        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()""",
    """
        counter = b"vllm:generation_tokens_total %d\\n" % (time.monotonic() * 1000 * MOVES)
        text = counter if self.path == "/metrics" else b""
        self.send_response(200); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text)""",
).replace("time.sleep(0.2)", "time.sleep(2.5 if open(os.environ['PIDS']).read().count('\\n') == 1 else 0)")


@pytest.mark.parametrize("moves", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_running_engine_is_watched_by_its_counter(tmp_path, moves, capfd):
    """Its first answer takes eight times the patience; while it counts tokens, it is left alone."""
    code = COUNTING.replace("MOVES", str(int(moves)))

    async def work():
        running = server(tmp_path, code, stalled_seconds=0.3, hung_seconds=2.0)
        async with running, BalancedClient([running], request_seconds=0.1) as client:
            assert len(await ask(client, 1)) == 1
            return running.starts

    assert asyncio.run(work()) == (1 if moves else 2)
    assert ("no token for 0.3 s; ending the engine" in capfd.readouterr().out) is not moves


def test_what_an_engine_says_of_its_cache():
    assert capacity((VLLM % (1, 1, 1)).decode(), "") == Capacity(16_000)
    other = (VLLM % (1, 1, 1)).decode().replace('engine="0"', 'engine="1"')
    assert capacity((VLLM % (1, 1, 1)).decode() + other, "") == Capacity(32_000)
    log = "INFO 11-29 [kv_cache_utils.py:1299] GPU KV cache size: 812,336 tokens\nINFO Maximum concurrency for 8,192 tokens: 99x"
    assert capacity((VLLM % (1, 1, 1)).decode(), log) == Capacity(812_336)
    log = "[TensorRT-LLM][INFO] [MemUsageChange] Allocated 37.72 GiB for max tokens in paged KV cache (309056)."
    assert capacity("[]", log) == Capacity(309_056)
    assert capacity("", "I srv load_model: initializing, n_slots = 8, n_ctx_slot = 1536") == Capacity(None, 8)
    for nothing in ("", 'vllm:cache_config_info{num_gpu_blocks="None"} 1.0', "tokens tokens"):
        assert capacity(nothing, nothing) == Capacity()


def test_as_many_requests_as_the_cache_holds():
    assert Capacity(16_000).requests(800) == 20 and "holds 16,000 tokens" in Capacity(16_000).words(800)
    assert Capacity(16_000).requests(32_000) == 1, "or nothing would ever be computed"
    assert Capacity(None, 8).requests(800) == 16 and "8 at a time" in Capacity(None, 8).words(800)
    assert Capacity().requests(800) == float("inf")


class Staged:
    def __init__(self, *lengths: int):
        self.tokens, self.counted = sum(lengths), len(lengths)


def test_the_length_of_answers_is_learnt():
    usual = 32_768 * 560 / 4096
    lengths = Lengths([], [[1] * 100, [2] * 300], longest=32_768, sure=3)
    assert lengths.held() == 200 + usual / 2
    lengths.add(1000)
    assert lengths.held() == 200 + usual / 2, "the first to end are the short ones"
    lengths.add(19_000)
    assert lengths.held() == 200 + 10_000 / 2, "longer than usual"
    lengths.add(1000)
    assert lengths.held() == 200 + 7000 / 2
    assert Lengths([Staged(1000, 2000), Staged(3000)], [], longest=32_768, sure=3).held() == 2000 / 2


def test_what_all_prompts_begin_with_lies_in_the_cache_once():
    """On an H200, 98 % of the tokens of few-shot prompts came from the cache (docs/engines.md)."""
    examples, usual = [7] * 900, 4096 * 560 / 4096
    prompts = [examples + [1] * 100, examples + [2] * 100]
    assert Lengths([], prompts, longest=4096, sure=3).held() == 100 + usual / 2
    assert Lengths([], prompts[:1], longest=4096, sure=3).held() == usual / 2


CROWDED = """
print("INFO GPU KV cache size: 1,000 tokens", flush=True)
import threading
running, most, lock = 0, 0, threading.Lock()
""" + SERVER.replace(
    "time.sleep(0.2)",
    """
        global running, most
        with lock:
            running += 1; most = max(most, running)
        time.sleep(0.1)
        with lock:
            running -= 1""",
).replace("str(os.getpid())", "str(most)")


def test_an_engine_gets_no_more_requests_than_it_holds_and_that_is_told(tmp_path, capfd):
    async def work() -> None:
        async with server(tmp_path, CROWDED) as running:
            for held, in_flight in (
                (lambda: 250.0, {4}),
                (None, set(range(5, 13))),
            ):  # None: who names a number has chosen
                async with BalancedClient([running], request_seconds=60, most=12, held=held) as client:
                    assert max(map(int, await ask(client, 12))) in in_flight
                    assert client.reached == (4 if held else 12)

    asyncio.run(work())
    told = "4 requests in flight, of 12 at most, since the cache holds 1,000 tokens, and a request takes 250 of them"
    out = capfd.readouterr().out
    assert told in out and out.count("in flight") == 1


def complete(address: str, **settings) -> str:
    async def run():
        endpoint = HostedEndpoint(address, "none", "judge-1", **settings)
        async with CompletionClient(endpoint, request_seconds=0.2, tries=2, first_pause=0.01) as client:
            return (await client.complete([{"role": "user", "content": "?"}], {"max_tokens": 5})).text

    return asyncio.run(run())


def test_what_we_watch_has_no_deadline_and_what_expires_elsewhere_is_told(capsys):
    with judge_server(latency=0.5) as slow:
        assert "Judgement" in complete(slow.base_url, watched=True)
        assert capsys.readouterr().out == ""
        with pytest.raises(RequestFailed, match="within 2 tries of") as error:
            complete(slow.base_url)
    assert "request_seconds" in error.value.hint
    assert (
        "1 requests so far had no answer within 0.2 s (request_seconds); each is asked 2 times"
        in capsys.readouterr().out
    )
