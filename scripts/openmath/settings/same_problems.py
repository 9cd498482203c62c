"""Where problems are compared with test problems: the new ones of a training set, and those of any set under `contamination`."""

from dataclasses import dataclass

from openmath.settings.dataset_layout import NEW_SOLUTIONS, DatasetLayout

FOLDER = "results/contamination"
SEARCH_REPORT = f"{FOLDER}/report.md"
NGRAMS = "ngrams"  # the embedder that needs no model
SENTENCE_TRANSFORMERS = "sentence-transformers==6.2.0"  # of the others; the version that this was run with


@dataclass(frozen=True)
class Comparison:
    """One file of pairs. problems: files; settings: `decontamination` or `paraphrases` of the configuration.

    origin: benchmark that new problems are made from, None for those from elsewhere. pairs, judged: files; judged is None
    without a judge.
    """

    name: str
    problems: list[str]
    origin: str | None
    settings: dict
    pairs: str
    judged: str | None


def comparisons(config: dict) -> list[Comparison]:
    """All that a checked configuration asks for."""
    found = []
    settings = config.get("dataset", {}).get("decontamination")
    if settings:
        layout = DatasetLayout(config)
        for part in (part for part in layout.parts if part.stage == NEW_SOLUTIONS):
            problems, pairs = (f"{layout.folder}/{stage}/{part.name}.jsonl" for stage in ("new-problems", "similar"))
            judged = f"{layout.folder}/same/{settings['judge']}/{part.name}.jsonl" if "judge" in settings else None
            found.append(Comparison(part.name, [problems], part.origin, settings, pairs, judged))
    settings = config.get("contamination", {}).get("paraphrases")
    if settings:
        judged = f"{FOLDER}/same/{settings['judge']}.jsonl" if "judge" in settings else None
        given = config["contamination"]["training_set"]
        files = [given] if isinstance(given, str) else given
        found.append(Comparison("paraphrases", files, None, settings, f"{FOLDER}/pairs.jsonl", judged))
    return found
