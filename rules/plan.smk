"""Plan: what is missing and what it will cost, before anything runs; and the check of all that could fail later.

Needs: nothing. Makes: nothing. `snakemake plan` prints the plan, a dry run ends with it, and no run starts that cannot succeed.
"""

import json

from openmath.preflight.snakemake_hooks import check_before_start, check_dry_runs, check_no_prefix
from openmath.preflight.snakemake_output import be_quiet, end_quietly, end_with_tables

check_no_prefix(workflow)


rule plan:
    """Print which files are present, partial and missing, engine starts, hours, judge calls, dollars and disk."""
    log:
        "logs/plan.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    resources:
        scripts=SCRIPTS,
    params:
        config=json.dumps(config),
    shell:
        r"""
        python {resources.scripts:q}/plan_compute.py --config-json <<<{params.config:q} \
    2>&1 | tee {log:q}
        """


PLAN = rules.plan.rule.name  # of another workflow's choice where it uses this one as a module
be_quiet(workflow, PLAN)
end_with_tables(workflow, summary_files(), rules.build_report.output.page)
end_quietly(workflow, config)  # around the last one: its word is the last
check_dry_runs(workflow, config, PLAN)


onstart:
    # The main process only: Snakemake starts its jobs without handlers.
    check_before_start(workflow, config, PLAN)
