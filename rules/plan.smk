"""Plan: what is missing and what it will cost, before anything runs.

Needs: nothing. Makes: nothing; prints a table.
"""


localrules:
    plan,


rule plan:
    """Print sample runs present, partial and missing, samples and tokens left, and engine starts."""
    params:
        configfiles=[str(path) for path in workflow.configfiles],
    shell:
        r"""
        python {SCRIPTS:q}/plan_compute.py --configfile {params.configfiles:q}
        """
