"""What the heads of columns mean: a tooltip on each head, and a legend below the table."""

MODE = "greedy: one run at temperature 0. Of n sampled runs: pass@1[avg-of-n] their mean, majority@n their vote, pass@n any"
OVERVIEW = {"mode": MODE, "graded by": "the judge whose verdicts count; symbolic where there is none"}
JUDGES = {
    "answers": "of greedy and majority, over all benchmarks",
    "asked": "answers that the judge was asked about; those equal to the reference as text, and missing ones, need no judge",
    "unparsed": "of these, replies that say neither yes nor no; they count as wrong",
    "refused": "of these, questions that the judge's service refused; they count as wrong",
    "agreement": "with the symbolic grading, percent of the answers that were asked about and have a verdict",
}
MODEL = {
    "mode": MODE,
    "n": "problems",
    "symbolic": "percent of problems solved by symbolic grading, with its 95 % interval over problems",
    "judge": "percent of problems solved by the judge's verdicts, with its 95 % interval over problems",
}
COMPARISON = {
    "mode": MODE,
    "grading": "symbolic, or by the judge's verdicts",
    "n": "problems that both models were asked",
    "difference": "first minus second, in points, paired by problem, with its 95 % interval",
    "p Holm": "of no difference, after Holm's correction over the benchmarks",
    "verdict": "whether the first is higher or lower: p Holm below 0.05",
}
GENERATION = {
    "GPUs": "of one copy of the engine",
    "jobs": "that have finished",
    "engine hours": "of these jobs from their first request, without the start of the engine",
    "tokens/s": "of one engine",
    "tokens a sample": "generated, on average",
}
JUDGING = {
    "answers": "judged, over all benchmarks",
    "no call needed": "missing, or equal to the reference as text",
    "calls": "behind the verdicts in use, whenever asked for; one of greedy and majority alike is in both rows, and was paid once",
    "USD": "of these calls",
}
PUBLISHED = (
    "published, and beside it: within our 95 % interval, widened by the spread between engines; differs: outside of it, for a "
    "count by Fisher's test; too small to tell: our interval is too wide, or the test of a count shows nothing"
)
