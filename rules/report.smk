"""Report: figures for papers, and one page of all results with their samples.

Needs: summaries, grades, samples and verdicts of all models; comparisons where configured; curves and cards of trained models.
Makes: results/{model}/summary/{judge}/figures/ with each figure of openmath.report.figures as SVG, PNG and PDF; results/figures/models.*,
all models side by side; results/report.html, and beside it results/report/{model}/ with the samples of each model, of which the page reads
what it does not hold itself.
"""

from openmath.report.figures import FIGURES


rule draw_figures:
    """All figures of one model under one judge, and the numbers behind them."""
    input:
        metrics="results/{model}/summary/{judge}/metrics.json",
        curves="results/{model}/summary/{judge}/curves.csv",
        questions="results/{model}/summary/{judge}/questions.parquet",
        disagreements="results/{model}/summary/{judge}/disagreements.csv",
        grades=grades_files,
        problems=grouped_problems_files,
    output:
        drawings=[
            report(
                f"results/{{model}}/summary/{{judge}}/figures/{figure.name}.svg",
                category="{model}",
                subcategory="{judge}",
                labels={"figure": figure.title, "shows": figure.caption},
            )
            for figure in FIGURES
        ],
        papers=expand(
            "results/{model}/summary/{judge}/figures/{figure}.{kind}",
            figure=[figure.name for figure in FIGURES],
            kind=["png", "pdf"],
            allow_missing=True,
        ),
        tables=expand(
            "results/{model}/summary/{judge}/{table}",
            table=[figure.csv for figure in FIGURES if figure.numbers is None],
            allow_missing=True,
        ),
    log:
        "logs/draw_figures/{model}/{judge}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        scripts=SCRIPTS,
    shell:
        r"""
        python {resources.scripts:q}/draw_figures.py results/{wildcards.model:q}/summary/{wildcards.judge:q} \
            --grades {input.grades:q} \
            --problems {input.problems:q} \
            2>&1 | tee {log:q}
        """


rule draw_models:
    """All models side by side, for papers."""
    input:
        metrics=[f"{folder}/metrics.json" for folder in summary_folders()],
        published=[f"{folder}/published.csv" for folder in summary_folders()],
    output:
        drawings=expand("results/figures/models.{kind}", kind=["svg", "png", "pdf", "csv"]),
    log:
        "logs/draw_models.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        summaries=summary_folders(),
    shell:
        r"""
        python {resources.scripts:q}/draw_models.py \
            --summaries {params.summaries:q} \
            --output-dir results/figures \
            2>&1 | tee {log:q}
        """


rule show_samples:
    """The samples of one model, as the viewer of the report reads them."""
    input:
        grades=grades_files,
        judged=all_judged_files,
    output:
        folder=directory("results/report/{model}"),
    log:
        "logs/show_samples/{model}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        judges=list(JUDGES),
        samples=samples_folder,
        policy=POLICY,
    shell:
        r"""
        python {resources.scripts:q}/show_samples.py results/{wildcards.model:q} \
            --grades {input.grades:q} \
            --judges {params.judges:q} \
            --samples {params.samples:q} \
            --policy {params.policy} \
            --output {output.folder:q} \
            2>&1 | tee {log:q}
        """


rule build_report:
    """One page of all models and judges, with their samples."""
    input:
        tables=summary_files(),
        figures=[f"{folder}/figures/{FIGURES[0].name}.svg" for folder in summary_folders()],  # one stands for all
        methods=methods_files(),
        comparisons=comparison_tables(),
        samples=sample_folders(),
        trainings=training_pages,
    output:
        page="results/report.html",
    log:
        "logs/build_report.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        summaries=summary_folders(),
    shell:
        r"""
        python {resources.scripts:q}/build_report.py \
            --summaries {params.summaries:q} \
            --comparisons {input.comparisons:q} \
            --samples {input.samples:q} \
            --output {output.page:q} \
            2>&1 | tee {log:q}
        """
