"""Library behind the workflow's command-line programs: evaluating math language models, one room per module.

An import never goes up this list: errors, samples, fingerprint, answers, grading, voting, maj_at_k, metrics, intervals, benchmarks,
prompts, engines, client (http, pacing), staging (run_locks), generation, judging, graded, modes, tables, published,
comparison, export, contamination, plan.
What the rules and Snakemake use: config, layout (paths and jobs), options (command lines), preflight, before_start.
"""
