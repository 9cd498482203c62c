"""The files behind one cell, from the tables back to the benchmark's source, each with its hash checked.

A link is one stage: what it is, facts of the manifest about it, its files and whether they are still the recorded ones, and the
links that it was made from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openmath.dataset.behind import set_behind
from openmath.errors import InputError
from openmath.files.fingerprint import sha256_file
from openmath.files.json_files import read_json
from openmath.files.known_files import KnownFile, is_unchanged
from openmath.grading.kept import find_kept
from openmath.provenance.places import samples_folder
from openmath.provenance.words import listed
from openmath.settings.layout import Layout
from openmath.settings.sample_settings import ONLY_WHERE_SET


@dataclass
class File:
    """path: as the manifest names it. found: its sha256 now; None where it is gone.

    sampled: only its size, time and a part of its bytes were compared with what was noted when it was hashed.
    """

    path: str
    expected: str
    found: str | None
    sampled: bool = False

    @property
    def state(self) -> str:
        return "gone" if self.found is None else "ok" if self.found == self.expected else "CHANGED"


@dataclass
class Link:
    title: str
    facts: list[str]
    files: list[File] = field(default_factory=list)
    made_from: list["Link"] = field(default_factory=list)

    def all_files(self) -> list[File]:
        return self.files + [file for link in self.made_from for file in link.all_files()]

    def as_dict(self) -> dict:
        files = [{"path": f.path, "sha256": f.expected, "found": f.found, "state": f.state} for f in self.files]
        links = [link.as_dict() for link in self.made_from]
        return {"title": self.title, "facts": self.facts, "files": files, "made_from": links}


class Chain:
    """Builds the links of one manifest. root: the folder that its paths start from. samples: where imported ones lie now.

    training_sets: likewise, files with the rows of trainings. verify: read also the sample files that seem unchanged since they
    were graded.
    """

    def __init__(
        self,
        manifest: dict,
        root: Path,
        samples: Path | None = None,
        training_sets: Sequence[Path] = (),
        *,
        verify: bool = False,
    ):
        self._manifest, self._root, self._verify, self._training_sets = manifest, root, verify, training_sets
        self.layout = Layout(manifest["config"])
        self.model, self.judge, self.policy = manifest["model"], manifest["judge"], manifest["config"]["policy"]
        self._imported = manifest["config"]["models"][self.model].get("samples")
        if self._imported:
            self._samples = samples or samples_folder(root, self.model, self._imported)

    def local_path(self, path: str) -> Path:
        """Where a file of the manifest lies on this machine."""
        if self._imported and path.startswith(f"{self._imported}/"):
            return self._samples / path.removeprefix(f"{self._imported}/")
        return self._root / path

    def sample_paths(self, benchmark: str) -> list[str]:
        return [self.layout.sample_file(self.model, benchmark, run) for run in self.layout.sample_runs(self.model)]

    def judged_paths(self, benchmark: str) -> list[str]:
        if self.judge == "none":
            return []
        return [judged for _, judged in self.layout.judge_pairs(self.model, self.judge, [benchmark])]

    def voted_paths(self, benchmark: str) -> list[str]:
        """The majority answers; without a judge nothing is made from their file, and no manifest names it."""
        voted = self.judge != "none" and self.layout.seed_runs(self.model)
        return [self.layout.majority_file(self.model, benchmark)] if voted else []

    def of_cell(self, benchmark: str, mode: str, column: str, names: list[str]) -> Link:
        """names: files of the summary that hold the cell."""
        folder = str(Path(self.layout.summary_file(self.model, self.judge)).parent)
        grades = self._grades(benchmark)
        judged = [path for path in self.judged_paths(benchmark) if Path(path).stem == mode.partition("@")[0]]
        used = [self._judged(judged[0], benchmark, mode, grades)] if judged else [grades]
        code = self._manifest["workflow"]
        facts = [
            f"workflow: commit {code['commit'] or 'unknown'}{', changed' if code['modified'] else ''}, code {code['code']}"
        ]
        return Link("summary", facts, self.files(f"{folder}/{name}" for name in names), used)

    def _judged(self, path: str, benchmark: str, mode: str, grades: Link) -> Link:
        judging = self._manifest["judging"]
        record, judge = judging["files"][path], judging["judge"]
        who = judge if isinstance(judge, str) else f"{judge['model']['source']} by {judge['version']}"
        facts = [
            f"judge: {who}, prompt sha256 {judging.get('prompt_sha256')}",
            f"answered by: {', '.join(record['answered_by']) or 'nobody; no answer needed a judge'}",
            f"verdicts: {_counts(record['verdicts'])}; without a call: {_counts(record['prefilled']) or 'none'}",
        ]
        if mode == "greedy":
            return Link("judged", facts, self.files([path]), [grades])
        how = f"vote: policy {self.policy}, {len(self.layout.seed_runs(self.model))} runs"
        majority = Link("majority", [how], self.files(self.voted_paths(benchmark)), [grades])
        return Link("judged", facts, self.files([path]), [majority])

    def _grades(self, benchmark: str) -> Link:
        rules = self._manifest["grading"]
        counts = rules["benchmarks"][benchmark]
        facts = [
            f"grader version {rules['grader_version']}, policy {rules['policy']}",
            f"{counts['rows']:,} samples, {counts['distinct_answers']:,} distinct answers, {counts['unsettled']} not settled",
        ]
        files = self.files([self.layout.grades_file(self.model, benchmark)])
        return Link("grades", facts, files, [self._generation(benchmark)])

    def _generation(self, benchmark: str) -> Link:
        files = self.files(self.sample_paths(benchmark), self._known_samples(benchmark))
        engine = self._manifest["engine"]
        if engine is None:
            return Link("samples", ["made elsewhere; how is not recorded"], files)
        facts = []
        for entry in self._manifest["generation"]["settings"]:
            settings = entry["settings"]
            facts += [
                f"prompt sha256 {entry['prompt_sha256']}, template {settings['prompt_template']}",
                f"temperature {settings['temperature']}, top_p {settings['top_p']}, "
                f"at most {settings['max_new_tokens']} new tokens; greedy: temperature 0",
            ]
            facts += [f"{key} {settings[key]}" for key in ONLY_WHERE_SET if key in settings]
        if answered_by := self._manifest["generation"].get("answered_by"):
            facts.append(f"answered by: {', '.join(answered_by)}")
        if asked_without := self._manifest["generation"].get("asked_without"):
            facts.append(f"not sent, since the endpoint refuses it: {', '.join(asked_without)}")
        facts += [
            f"machine: {', '.join(map(str, machine.values()))}" for machine in self._manifest["generation"]["machines"]
        ]
        return Link("samples", facts, files, [self._engine(engine), self._benchmark(benchmark)])

    def _known_samples(self, benchmark: str) -> dict[str, KnownFile]:
        """Path -> sample file as it was when it was graded, of those that need not be read."""
        kept = find_kept(self.local_path(self.layout.grades_file(self.model, benchmark)))
        files = {} if self._verify or kept is None else kept.files
        return {self.layout.sample_file(self.model, benchmark, run): file for run, file in files.items()}

    def _engine(self, engine: dict) -> Link:
        settings = ", ".join(f"{key} {value}" for key, value in engine["settings"].items() if key != "api_key_env")
        model = engine["model"]
        checkpoint = Link("model", [f"{model['source']}, revision {model['revision']}", f"files {model.get('files')}"])
        record = self._manifest["checkpoint"] or {"files": {}}
        checkpoint.facts += [f"{name} {digest}" for name, digest in record["files"].items()]
        if training := self._manifest.get("training"):
            checkpoint.made_from.append(self._trained(training))
        made_from = [checkpoint]
        if adapter := record.get("adapter"):
            files = [f"{name} {digest}" for name, digest in adapter["files"].items()]
            made_from.append(Link("adapter", [f"{adapter['source']}, revision {adapter['revision']}", *files]))
        return Link("engine", [engine["version"], settings], made_from=made_from)

    def _trained(self, record: dict) -> Link:
        """The training that the model came out of, with the checkpoints that its weights are the mean of."""
        settings = self._manifest["config"]["models"][self.model]
        link = self._training(settings["trained"], record)
        steps = [f"{step:,}" for step in settings.get("steps") or record["checkpoints"]]
        link.facts.append(f"weights of the steps {listed(steps)}")
        return link

    def _training(self, run: str, record: dict) -> Link:
        """A training, the file of its rows, and the training before it."""
        dataset, recipe = record["dataset"], record["recipe"]
        places = [self._root / dataset["path"], *self._training_sets]
        hashes = {place: sha256_file(place) for place in places if place.exists()}
        path = next((place for place, digest in hashes.items() if digest == dataset["sha256"]), places[0])
        facts = [
            f"from {record['base']['source']}, revision {record['base']['revision']}",
            f"{record['steps']:,} steps of {recipe['batch_size']} rows at {recipe['learning_rate']}, {record['tokens']:,} tokens",
            f"{dataset['rows']:,} rows; on {record['devices']} device{'s' * (record['devices'] != 1)}",
        ]
        file = File(dataset["path"], dataset["sha256"], hashes.get(path))
        link = Link(f"training {run}", facts, [file])
        if file.state == "ok" and (known := set_behind(path, dataset["sha256"])):
            teacher = known.teacher or {"source": "unknown", "revision": None}
            written = f"{known.name}, written by {teacher['source']}, revision {teacher['revision']}"
            link.made_from.append(Link("training set", [written, f"from a row on: trace.py {dataset['path']} --row N"]))
        scheme, _, earlier = (record["base"]["source"] or "").partition(":")
        before = self._root / f"training/{earlier}/training.json"
        if scheme == "trained" and before.exists():
            link.made_from.append(self._training(earlier, read_json(before, "the record of a training")))
        return link

    def _benchmark(self, benchmark: str) -> Link:
        record = self._manifest["benchmarks"][benchmark]
        facts = [
            f"source {record['source']}, sha256 {record['source_sha256']}",
            f"{record['rows']:,} of {record['registered_rows']:,} problems; with references sha256 {record['problems_sha256']}",
        ]
        return Link("benchmark", facts, self.files([f"data/{benchmark}.jsonl"]))

    def files(self, paths: Iterable[str], known: Mapping[str, KnownFile] | None = None) -> list[File]:
        """As recorded and as found. known: those that need not be read while they seem unchanged.

        Raises InputError where the manifest lacks a path.
        """
        files = []
        for path in paths:
            expected = self._manifest["files"].get(path)
            if expected is None:
                raise InputError(
                    "A file of the chain is not in the manifest.",
                    where=path,
                    hint="move manifest.json away to have it made again.",
                )
            place, noted = self.local_path(path), (known or {}).get(path)
            if noted and is_unchanged(place, noted):
                files.append(File(path, expected["sha256"], noted["sha256"], sampled=True))
            else:
                files.append(File(path, expected["sha256"], sha256_file(place) if place.exists() else None))
        return files


def broken(files: list[File]) -> list[InputError]:
    """One error for each file that is not the recorded one."""
    return [
        InputError(
            "A file that this number was computed from is missing."
            if file.found is None
            else "A file that this number was computed from has changed.",
            where=file.path,
            expected=f"sha256 {file.expected}",
            found="no file" if file.found is None else f"sha256 {file.found}",
            hint="restore the original. Where `results` is a link: run this in the checkout. Imported samples: --samples FOLDER; "
            "a training set from elsewhere: --training-set FILE.",
        )
        for file in files
        if file.state != "ok"
    ]


def _counts(counts: dict) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
