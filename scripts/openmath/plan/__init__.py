"""What is missing and what it will take, before anything runs. Reads files, never writes, uses no network.

plan = make_plan(checked_config(config), parallel_jobs=4)
print(plan_text(plan))

files      which files of each stage are present, partial and missing
speed      tokens, seconds and bytes of a sample: measured on earlier jobs, else assumed
cost       engine starts, hours and disk of what is missing
disks      which disk each folder goes to, and what is free there
judging    judge calls left and their price
table      what each model takes, in a few columns
text       the plan as people read it
"""

from openmath.plan.cost import make_plan
from openmath.plan.text import plan_text

__all__ = ["make_plan", "plan_text"]
