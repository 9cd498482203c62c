"""Benchmarks: from a pinned public source, or a local file, to data/{benchmark}.jsonl.

Needs: the network, or `benchmark_sources` in the configuration.
Makes: data/{benchmark}.jsonl, checked by row count and sha256. `snakemake benchmarks` lists what can be asked for.
"""

import json


rule prepare_benchmark:
    """Fetch, check and clean one benchmark."""
    output:
        problems="data/{benchmark}.jsonl",
    log:
        "logs/prepare_benchmark/{benchmark}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        options=OPTIONS.prepare_benchmark,
    shell:
        r"""
        python {resources.scripts:q}/prepare_benchmark.py {wildcards.benchmark:q} {params.options:q} \
            --output {output.problems:q} \
            2>&1 | tee {log:q}
        """


rule benchmarks:
    """Print the benchmarks that can be asked for: problems, state here, hash, licence, source; and the groups."""
    log:
        "logs/benchmarks.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    resources:
        scripts=SCRIPTS,
    params:
        own=json.dumps(config["benchmark_sources"]),
    shell:
        r"""
        python {resources.scripts:q}/list_benchmarks.py --own-json {params.own:q} 2>&1 | tee {log:q}
        """
