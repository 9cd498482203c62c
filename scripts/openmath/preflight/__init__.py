"""Everything that can be known to fail before the first expensive job: one list of all problems, each with a hint.

Only what is about to be made is checked. Cheap: file names, small files, a request or two to each server.

    checks            the two lists: what the configuration makes impossible, and what this machine lacks
    needs             what the files to be made need
    samples           folders of imported samples
    benchmarks        names and sources of benchmarks
    checkpoints       local checkpoints, tensor parallelism, context length, prompt template
    prompts           prompt files of models and judges
    endpoints         keys, addresses and names of hosted judges and models
    hub               access to checkpoints on the Hugging Face Hub
    engines           the server program of an engine
    storage           folders, disk space
    slurm             jobs of an earlier run that still work in this folder
    snakemake_hooks   when Snakemake makes these checks, and how Ctrl-C ends it
"""
