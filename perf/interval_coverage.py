r"""How often 95 % intervals hold the true mean, by number of problems: ours, and the normal interval that is commonly printed.

    python perf/interval_coverage.py

Problems are drawn with a chance to be solved from a beta distribution, then n samples of each. Prints coverage in percent and
the mean width in points.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from openmath.statistics import intervals

intervals.DRAWS = 1000  # enough for coverage; the tables use 10,000
CASES = [  # problems, samples of each, beta(a, b) of the chance to solve one
    (30, 1, 0.2, 1.8),
    (30, 8, 0.2, 1.8),
    (30, 256, 0.2, 1.8),
    (40, 1, 0.5, 0.75),
    (40, 8, 0.5, 0.75),
    (299, 8, 0.2, 1.8),
    (300, 8, 0.2, 1.8),
    (1319, 8, 1.8, 0.2),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    rng = np.random.default_rng(0)
    print("problems  samples  true mean  coverage (width): ours                      normal")
    for problems, samples, a, b in CASES:
        truth, ours, normal = a / (a + b), [], []
        for _ in range(trials):
            scores = rng.binomial(samples, rng.beta(a, b, problems)) / samples
            bounds = intervals.interval(scores, averaged=samples > 1)
            half = 1.96 * scores.std(ddof=1) / np.sqrt(problems)
            ours.append((bounds.low, bounds.high))
            normal.append((scores.mean() - half, scores.mean() + half))
        method = bounds.method.partition(",")[0]
        print(
            f"{problems:8} {samples:8} {truth:10.2f}  {shown(ours, truth)} {method:34} {shown(normal, truth)}",
            flush=True,
        )


def shown(bounds: list[tuple[float, float]], truth: float) -> str:
    low, high = np.array(bounds).T
    return f"{100 * ((low <= truth) & (truth <= high)).mean():5.1f} % ({100 * (high - low).mean():4.1f})"


if __name__ == "__main__":
    main()
