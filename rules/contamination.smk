"""Contamination: benchmark problems that stand in a training set, by `snakemake contamination`; not part of `all`.

Needs: `contamination` in the configuration, data/{benchmark}.jsonl.
Makes: results/contamination/report.md, and {benchmark}.csv with the pairs.
"""

if "contamination" in config:

    rule contamination:
        """The report on all benchmarks."""
        input:
            report="results/contamination/report.md",

    rule find_contamination:
        """Compare all benchmarks with the training set, which is read once."""
        input:
            benchmarks=expand("data/{benchmark}.jsonl", benchmark=BENCHMARKS),
            training_set=config["contamination"]["training_set"],
        output:
            report="results/contamination/report.md",
            pairs=expand("results/contamination/{benchmark}.csv", benchmark=BENCHMARKS),
        log:
            "logs/find_contamination.log",
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=120,
            scripts=SCRIPTS,
        params:
            field=config["contamination"]["field"],
            ngram=config["contamination"]["ngram"],
            similarity=config["contamination"]["similarity"],
        shell:
            r"""
            python {resources.scripts:q}/find_contamination.py \
                --benchmarks {input.benchmarks:q} \
                --training-set {input.training_set:q} \
                --field {params.field:q} \
                --ngram {params.ngram} \
                --similarity {params.similarity} \
                --output-dir results/contamination \
                2>&1 | tee {log:q}
            """
