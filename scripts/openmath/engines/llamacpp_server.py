"""Serve one GGUF file with llama.cpp's OpenAI-compatible server, from the `xllamacpp` wheel.

    OPENMATH_ENGINE_KEY=secret python scripts/openmath/engines/llamacpp_server.py --model model.gguf --port 8080

A program of its own so that the launcher can watch and kill it. The API key comes from the environment: command lines are
visible to every user of a machine.
"""

import argparse
import os
import signal

import xllamacpp


def granted_threads() -> int:
    """Snakemake tells a job its share of the cores by OMP_NUM_THREADS; by hand it is all that this process may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="GGUF file")
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    parser.add_argument("--slots", type=int, default=16, help="requests decoded together")
    parser.add_argument(
        "--context", type=int, default=2048, help="tokens a request may use, prompt and answer together"
    )
    parser.add_argument("--threads", type=int, default=granted_threads(), help="CPU threads")
    parser.add_argument("--no-prompt-cache", action="store_true", help="compute every prompt afresh (repeatable bits)")
    options = parser.parse_args()

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.api_keys = [os.environ["OPENMATH_ENGINE_KEY"]]
    params.n_parallel = options.slots
    params.n_ctx = options.slots * options.context  # llama.cpp divides the context over the slots
    params.kv_unified = False
    params.fit_params = False  # all sizes are given: trying which would fit takes a quarter of the start's CPU time
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.cache_prompt = not options.no_prompt_cache
    params.endpoint_metrics = True  # the launcher watches its counters
    if folder := os.environ.get("OPENMATH_SLOT_FOLDER"):
        params.slot_save_path = f"{folder}/"  # what a slot holds is copied to others through a file here
    params.ui = False
    server = xllamacpp.Server(params)  # returns when the model is loaded and the port is open
    print(f"listening on {server.listening_address}", flush=True)
    signal.pause()  # the server runs in its own threads until a signal ends the process


if __name__ == "__main__":
    main()
