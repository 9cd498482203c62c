"""Verdicts on published numbers, and the shipped file itself."""

from pathlib import Path

import pytest
from scipy import stats

from openmath.errors import InputError
from openmath.results.published import compare_with_published, load_published, published_markdown

SHIPPED = Path(__file__).parents[2] / "config" / "published.yaml"
MODEL = "openmath2-llama3.1-8b"


def metrics(benchmark, n, accuracy, half, kinds=("symbolic", "judge"), mode="greedy"):
    row = {"benchmark": benchmark, "mode": mode, "n_items": n}
    for kind in kinds:
        row |= {f"accuracy_{kind}": accuracy, f"ci95_low_{kind}": accuracy - half, f"ci95_high_{kind}": accuracy + half}
    return row


def verdicts(row, model=MODEL):
    return {
        (r["set"], r["grading"]): r["verdict"] for r in compare_with_published([row], model, load_published(SHIPPED))
    }


@pytest.mark.parametrize(
    ("accuracy", "half", "verdict"),
    [
        (0.681, 0.013, "within"),
        (0.650, 0.013, "within"),  # 67.8 and 68.1 lie in 63.7 to 66.3, widened by 2 points
        (0.695, 0.013, "within"),  # 68.2 to 70.8, widened
        (0.640, 0.013, "differs"),
        (0.720, 0.013, "differs"),
        (0.660, 0.060, "too small to tell"),
    ],
)
def test_percentages_are_held_against_the_widened_interval(accuracy, half, verdict):
    found = verdicts(metrics("math", 5000, accuracy, half))
    assert found["recipe", "judge"] == found["paper", "judge"] == verdict


@pytest.mark.parametrize(("solved", "verdict"), [(3, "too small to tell"), (7, "too small to tell"), (13, "differs")])
def test_counts_are_held_against_counts(solved, verdict):
    assert verdicts(metrics("aime24", 30, solved / 30, 0.1))["paper", "judge"] == verdict


def test_a_count_is_ours_to_the_last_problem():
    """7 of 30 is 23.333 %, of which 6.999... problems come back."""
    [row] = compare_with_published([metrics("aime24", 30, 7 / 30, 0.1)], MODEL, load_published(SHIPPED))[:1]
    solved, total = map(int, row["published_text"].split("/"))
    p = stats.fisher_exact([[7, 23], [solved, total - solved]]).pvalue
    assert row["rule"] == f"Fisher p = {p:.2g}"


def test_either_half_of_an_interval_may_be_too_wide():
    for low, high, verdict in (
        (0.62, 0.69, "too small to tell"),
        (0.67, 0.74, "too small to tell"),
        (0.64, 0.72, "within"),
    ):
        row = metrics("math", 5000, 0.68, 0.01) | {"ci95_low_judge": low, "ci95_high_judge": high}
        assert verdicts(row)["paper", "judge"] == verdict


def test_each_number_is_held_against_ours_of_its_own_grading():
    row = metrics("math", 5000, 0.50, 0.01) | metrics("math", 5000, 0.681, 0.013, kinds=("judge",))
    [ours] = {
        r["ours"] for r in compare_with_published([row], MODEL, load_published(SHIPPED)) if r["grading"] == "judge"
    }
    assert ours == pytest.approx(68.1)


def test_part_of_a_benchmark_never_confirms():
    assert verdicts(metrics("math", 500, 0.68, 0.04))["paper", "judge"] == "too small to tell"


def test_without_a_judge_the_symbolic_number_stands_in_and_says_so():
    row = metrics("math", 5000, 0.677, 0.013, kinds=("symbolic",))
    rows = compare_with_published([row], MODEL, load_published(SHIPPED))
    remarks = {(r["set"], r["grading"]): r["remarks"] for r in rows}
    assert remarks == {
        ("recipe", "symbolic"): "",
        ("recipe", "judge"): "ours is symbolic, theirs judge",
        ("paper", "judge"): "ours is symbolic, theirs judge",
    }


def test_majority_is_compared_at_the_same_number_of_samples_only():
    published = load_published(SHIPPED)
    few, all_ = (metrics("math", 5000, 0.761, 0.012, mode=f"majority@{n}") for n in (8, 256))
    assert compare_with_published([few], MODEL, published) == []
    assert [r["verdict"] for r in compare_with_published([all_], MODEL, published)] == ["within"]


def test_the_text_names_sources_rule_and_reasons_and_models_without_numbers():
    published = load_published(SHIPPED)
    rows = compare_with_published([metrics("gsm8k", 1319, 0.917, 0.015)], MODEL, published)
    text = published_markdown("mine", rows, published)
    for said in ("1a17935e", "arXiv 2410.01560", "91.66 (1209)", "Fisher", "snapshot", "engine", "grader", "within"):
        assert said in text
    assert "Models with numbers: llama3.1-70b-instruct" in published_markdown("mine", [], published)


def test_the_shipped_numbers_are_counts_of_their_benchmarks_but_for_the_one_that_is_noted():
    published = load_published(SHIPPED)
    impossible = []
    for collection in published["sets"].values():
        for modes in collection["models"].values():
            for kinds in modes.values():
                for numbers in kinds.values():
                    for benchmark, number in numbers.items():
                        n, text = published["problems"][benchmark], str(number)
                        decimals = len(text.partition(".")[2])
                        if "/" in text:
                            assert text.endswith(f"/{n}")
                        elif not any(f"{100 * k / n:.{decimals}f}" == text for k in range(n + 1)):
                            impossible.append((benchmark, text))
    assert impossible == [("gsm8k", "91.70")]


def test_a_broken_file_is_one_message(tmp_path):
    (tmp_path / "p.yaml").write_text("models: [")
    with pytest.raises(InputError, match="Cannot read the published numbers"):
        load_published(tmp_path / "p.yaml")
