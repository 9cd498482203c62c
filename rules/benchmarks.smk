"""Benchmarks: from a pinned public source, or a local file, to data/{benchmark}.jsonl.

Needs: the network, or `benchmark_sources` in the configuration.
Makes: data/{benchmark}.jsonl, checked by row count and sha256.
"""


def source_options(wildcards):
    """Options of prepare_benchmark.py that the configuration asks for."""
    source = config["benchmark_sources"].get(wildcards.benchmark)
    partial = "--allow-partial" if config["allow_partial_benchmarks"] else ""
    return (["--source", source] if source else []) + ([partial] if partial else [])


localrules:
    prepare_benchmark,


rule prepare_benchmark:
    """Fetch, check and clean one benchmark."""
    output:
        problems="data/{benchmark}.jsonl",
    log:
        "logs/prepare_benchmark/{benchmark}.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        options=source_options,
    shell:
        r"""
        python {SCRIPTS:q}/prepare_benchmark.py {wildcards.benchmark:q} {params.options:q} \
            --output {output.problems:q} \
            2>&1 | tee {log:q}
        """
