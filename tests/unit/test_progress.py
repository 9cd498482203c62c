"""The measured speed of a generation job, on a clock of our own."""

import pytest

from openmath.generation import progress
from openmath.generation.progress import Progress

SLOTS, SLOW_START, RATE = (
    4,
    6.0,
    10.0,
)  # requests at a time; seconds to read the prompts' common beginning; tokens/s of each slot


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def decode(clock: list[float], lengths: list[int]) -> dict:
    """Record of a job with these lengths, in tokens, on an engine that is slow to start and then decodes evenly."""
    job, waiting, running = Progress(len(lengths)), iter(lengths), []

    def send(tokens: int, late: float = 0.0) -> None:
        running.append((clock[0] + late + tokens / RATE, job.sent(), tokens))

    for _ in lengths[:SLOTS]:
        send(next(waiting), SLOW_START)
    while running:
        running.sort()
        clock[0], sent, tokens = running.pop(0)
        job.finished(sent, tokens)
        job.add(tokens)
        if (tokens := next(waiting, None)) is not None:
            send(tokens)
    return job.record()


def test_a_small_job_and_a_large_one_have_the_same_speed_at_full_load(clock):
    small, large = (decode(clock, [30, 50, 40, 45, 35] * count) for count in (4, 100))
    for job in (small, large):
        assert job["full_tokens"] / job["full_seconds"] == pytest.approx(SLOTS * RATE, rel=0.1)
    assert large["tokens"] / large["seconds"] > 1.3 * small["tokens"] / small["seconds"], "the whole jobs differ"
    assert small["samples"] == 20 > small["full_samples"] > 8


@pytest.mark.parametrize("lengths", [[], [50], [20, 50, 40, 30]])
def test_a_job_that_fits_in_the_engine_at_once_has_no_full_load(clock, lengths):
    job = decode(clock, lengths)
    assert (job["full_samples"], job["full_tokens"], job["full_seconds"]) == (0, 0, 0)
    assert job["tokens"] == sum(lengths)


def test_a_sample_without_a_request_starts_no_full_load(clock):
    job = Progress(2)
    sent = job.sent()
    job.finished(sent, 0)  # its prompt is too long
    clock[0] += 10
    job.finished(job.sent(), 5)
    assert job.record()["full_seconds"] == 0
