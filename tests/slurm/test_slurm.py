"""What happens to an evaluation on Slurm when things go wrong: nothing finished is lost or paid twice."""

import signal
import subprocess

import pytest
from conftest import BLOCK, CLUSTER, CONFIG, SAMPLES, details, jobs

IN_FLIGHT = CONFIG["generation"]["concurrency"]


def cluster(*command: str) -> None:
    subprocess.run([CLUSTER, *command], check=True)


def block_job() -> str:
    """Id of the generation job that runs now."""
    [job] = [job for job, comment in jobs("running").items() if BLOCK in comment]
    return job


def test_the_evaluation_runs_and_jobs_ask_for_what_the_configuration_says(evaluation):
    evaluation.configure(limit=4, greedy=True)
    assert evaluation.run("--retries", "0") == 0, evaluation.log
    tables = (evaluation.folder / "results/tiny/summary/none/tables.txt").read_text()
    assert "majority@4" in tables and "greedy" in tables

    asked = {comment.split("_wildcards")[0]: job for comment, job in evaluation.submitted().items()}
    local = {"prepare_benchmark", "download_checkpoint", "summarize_results", "write_methods"}
    assert not [rule for rule in asked for name in local if name in rule], "small rules are not submitted"
    for rule, minutes, memory, cpus in (
        (f"rule_{BLOCK}", 10, "2000M", 2),
        ("rule_generate_tiny_greedy", 10, "2000M", 2),
        ("rule_grade_answers", 60, "4000M", 2),
        ("rule_fill_majority", 30, "4000M", 1),
    ):
        job = asked[rule]
        hours, rest = divmod(minutes, 60)
        assert job["TimeLimit"] == f"{hours:02}:{rest:02}:00", rule
        assert (job["MinMemoryNode"], job["NumCPUs"], job["Partition"]) == (memory, str(cpus), "cpu"), rule
        assert "TresPerJob" not in job, f"{rule} asks for GPUs"


@pytest.mark.crash
def test_a_cancelled_block_goes_on_with_the_next_run(evaluation):
    run = evaluation.start("majority", "--retries", "0")
    evaluation.wait_for_samples(10)
    subprocess.run(["scancel", block_job()], check=True)
    assert evaluation.end_of(run) != 0
    kept = evaluation.staged()
    computed = evaluation.num_computed()
    assert evaluation.run("majority", "--retries", "0") == 0, evaluation.log
    evaluation.check_complete(kept)
    again = SAMPLES - sum(lines.count(b"\n") for lines in kept.values())
    assert evaluation.num_computed() - computed == again < SAMPLES - 9


@pytest.mark.crash
def test_a_full_file_system_is_named_and_the_next_run_goes_on(evaluation, small_results):
    run = evaluation.start("majority", "--retries", "0")
    evaluation.wait_for_samples(8)
    filler = small_results / "of-somebody-else"
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))
    assert evaluation.end_of(run) != 0
    job_log = (evaluation.folder / f"logs/generate/tiny/{BLOCK.removeprefix('generate_tiny_')}.log").read_text()
    for words in ("Cannot write (No space left on device)", "results/tiny/.staging", "Hint: free some space"):
        assert words in job_log, job_log
    kept = evaluation.staged()
    computed = evaluation.num_computed()
    filler.unlink()
    assert evaluation.run("majority", "--retries", "0") == 0, evaluation.log
    evaluation.check_complete(kept)
    again = SAMPLES - sum(lines.count(b"\n") for lines in kept.values())
    assert evaluation.num_computed() - computed == again < SAMPLES - 7


@pytest.mark.crash
def test_a_wall_limit_is_no_failure(evaluation):
    """One minute is too short; each retry goes on where the last one was stopped, by SIGTERM first."""
    evaluation.configure(runtime=1, max_new_tokens=200)
    assert evaluation.run("majority", "--retries", "6") == 0, evaluation.log
    assert "tried again:" in evaluation.log, "the minute was long enough: give it more work"
    evaluation.check_complete({})
    tries = evaluation.log.count("tried again:")
    assert SAMPLES <= evaluation.num_computed() <= SAMPLES + IN_FLIGHT * tries


@pytest.mark.crash
def test_a_lost_node_and_a_restarted_controller_only_cost_what_was_in_flight(evaluation):
    evaluation.configure()
    # On the GPU nodes, so that there is another one to go to.
    run = evaluation.start("majority", "--retries", "2", "--default-resources", "slurm_partition=gpu", "runtime=10")
    evaluation.wait_for_samples(8)
    kept = evaluation.staged()
    node = details(block_job())["NodeList"]
    cluster("lose", node)
    try:
        evaluation.wait_for_samples(sum(lines.count(b"\n") for lines in kept.values()) + 8)
        cluster("restart")
        assert evaluation.end_of(run) == 0, evaluation.log
    finally:
        cluster("return", node)
    evaluation.check_complete(kept)
    assert SAMPLES <= evaluation.num_computed() <= SAMPLES + IN_FLIGHT


@pytest.mark.crash
def test_a_preempted_job_is_requeued_and_goes_on(evaluation):
    options = ("--default-resources", "slurm_partition=scavenge", "runtime=10", "--slurm-requeue", "--retries", "0")
    run = evaluation.start("majority", *options)
    evaluation.wait_for_samples(8)
    kept = evaluation.staged()
    victim = block_job()
    # Somebody with priority wants both GPU nodes, for a few seconds.
    command = ["srun", "-p", "gpu", "-N", "2", "--exclusive", "--mem", "0", "sleep", "5"]
    assert evaluation.end_of(subprocess.Popen(command)) == 0
    assert evaluation.end_of(run) == 0, evaluation.log
    assert details(victim)["Restarts"] == "1"
    evaluation.check_complete(kept)
    assert SAMPLES <= evaluation.num_computed() <= SAMPLES + IN_FLIGHT


@pytest.mark.crash
def test_a_killed_snakemake_leaves_its_jobs_and_a_rerun_waits_for_them(evaluation):
    run = evaluation.start("majority", "--retries", "0")
    evaluation.wait_for_samples(5)
    run.send_signal(signal.SIGKILL)
    run.wait()
    job = block_job()
    assert evaluation.run("--unlock") == 0
    assert evaluation.run("majority") != 0, "a second submission of the same block"
    assert job in evaluation.log and "Hint:" in evaluation.log
    evaluation.wait_until(lambda: not jobs("pending,running,completing"), "end of the jobs")
    assert evaluation.run("--unlock") == 0
    computed = evaluation.num_computed()
    assert computed == SAMPLES, "the job went on without Snakemake"
    assert evaluation.run("majority", "--retries", "0") == 0, evaluation.log
    evaluation.check_complete({})
    assert evaluation.num_computed() == computed, "finished samples were computed again"


@pytest.mark.parametrize("gpu_model, asked", [("", "gres:gpu:2"), ("h100", "gres:gpu:h100:2")])
def test_a_gpu_job_asks_for_its_gpus(evaluation, gpu_model, asked):
    """The engine does not exist here; what counts is the request that Slurm has seen."""
    evaluation.configure(gpu_model=gpu_model)
    config = (evaluation.folder / "config.yaml").read_text()
    config = config.replace("engine: llamacpp", "engine: vllm\n    tensor_parallel: 2")
    (evaluation.folder / "config.yaml").write_text(config)
    engine = evaluation.folder / "models/tiny/engine/engine.json"
    engine.write_text(engine.read_text().replace('"llamacpp"', '"vllm"'))
    assert evaluation.run("majority", "--retries", "0", "--rerun-triggers", "mtime") != 0
    [job] = [job for comment, job in evaluation.submitted().items() if BLOCK in comment]
    assert (job["TresPerJob"], job["Partition"]) == (asked, "gpu")
