"""Which samples a job has to compute, and computing them with a running engine; scripts/generate.py is the command around it."""

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from openmath.engines import read_engine, running_engines
from openmath.engines.llamacpp_slots import share_beginning
from openmath.errors import InputError
from openmath.files.fingerprint import fingerprint, sha256_file, write_manifest
from openmath.files.packed import library, packed_form
from openmath.files.rows import encode_row, read_rows
from openmath.files.sample_runs import SAMPLE_FILE, run_order, sample_run_of
from openmath.generation.chat_date import first_day, prints_date
from openmath.generation.decoding import Decoding
from openmath.generation.lengths import Lengths, common_tokens
from openmath.generation.progress import JobRecord, JobSpeed
from openmath.generation.prompts import (
    STOP_PHRASES,
    CheckpointTokenizer,
    LlamaCppTokenizer,
    Tokenizer,
    messages_of,
    read_prompt,
    token_ids,
    without_empty_system,
)
from openmath.generation.refusals import Refusals
from openmath.generation.samples import Job, Refusal, seed_of, with_fallback
from openmath.generation.sampling import drawn_by
from openmath.generation.staging import StagedRun, check_runs_differ, drop_torn_tail
from openmath.generation.thinking import Thinking, asking_for_marks
from openmath.machine import machine, versions
from openmath.settings.defaults import request_seconds
from openmath.settings.engine_kinds import engine_kind, gpus_of, tokenizer_of
from openmath.settings.sample_settings import SampleSettings, engine_identity, sample_settings
from openmath.settings.sampling import OF_ALL_RUNS, OPTIONAL, PENALTIES


class Generation:
    """What one call of generate.py has to do, by its options. `problems`: benchmark -> rows; `staged`: (benchmark, run) -> file."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.engine = read_engine(options.engine)
        self.kind = engine_kind(self.engine["engine"])
        self.tokenizer = tokenizer_of(self.engine)
        self.prompt = read_prompt(options.prompt, options.system)
        self.drawn = drawn_by(options, self.engine)
        self.chat_date = self._chat_date()
        self.thinking = Thinking(options.thinking)
        self.mark_switches: dict = {}
        self.problems = {
            path.stem: list(itertools.islice(prepared_rows(path), options.limit)) for path in options.benchmarks
        }
        for path in options.only:  # the benchmark's own file, and with it the samples' fingerprint, stay the same
            wanted = {row["id"] for row in prepared_rows(path)}
            self.problems[path.stem] = [row for row in self.problems[path.stem] if row["id"] in wanted]
        if options.compress:
            library()  # now, and not when all is computed
        self.staged: dict[tuple[str, str], StagedRun] = {}
        self.fingerprints: dict[str, str] = {}
        for path in options.benchmarks:
            settings = self._settings(path)
            self.fingerprints[path.stem] = fingerprint(settings)
            folder = options.staging / self.fingerprints[path.stem] / path.stem
            write_manifest(folder / "settings.json", settings)
            ids = [row["id"] for row in self.problems[path.stem]]
            for run in options.sample_runs:
                self.staged[path.stem, run] = StagedRun(folder / f"output-{run}.jsonl", ids, options.ask_refused)
        self.total = sum(map(len, self.problems.values())) * len(options.sample_runs)

    @property
    def missing(self) -> int:
        """Samples that are not finished."""
        return sum(len(run.missing) for run in self.staged.values())

    def _chat_date(self) -> date | None:
        """The day that prompts say; None where they say none."""
        options, checkpoint = self.options, Path(self.engine.get("checkpoint", ""))
        if options.prompt_template != "chat" or not prints_date(checkpoint, self.tokenizer):
            return None
        day = options.chat_date or first_day(options.staging)
        print(f"generate: the chat template prints a date: all prompts say {day} (generation: chat_date)", flush=True)
        return day

    def _settings(self, benchmark: Path) -> SampleSettings:
        """What can change a sample of this benchmark."""
        settings = sample_settings(
            self.drawn | {"limit": self.options.limit, "chat_template_kwargs": self.options.chat_template_kwargs},
            engine=engine_identity(self.engine),
            prompt=self.prompt,
            prompt_template=self.options.prompt_template,
            benchmark_sha256=sha256_file(benchmark),
        )
        if self.chat_date:
            undated = self.options.staging / fingerprint(settings) / benchmark.stem
            if self.options.chat_date or not undated.exists():  # there: samples of earlier versions, kept
                settings["chat_date"] = str(self.chat_date)
        return settings

    async def compute(self) -> list[tuple[Job, InputError]]:
        """Decode the missing samples; each is staged the moment it is finished. Returns those that could not be computed."""
        options, began = self.options, time.monotonic()
        prompts = None
        if self.tokenizer != "server":  # before the engine starts: a template that does not fit costs no GPU time
            prompts = await asyncio.to_thread(self._encode, None)
        most = options.concurrency or self.kind.concurrency
        async with running_engines(
            options.engine,
            options.copies,
            per_gpu=options.engines_per_gpu,
            nodes=options.nodes,
            command=options.engine_command,
            args=options.engine_args,
            log=options.log,
        ) as servers:
            if prompts is None:
                prompts = await asyncio.to_thread(self._encode, servers[0])
                first = next(iter(prompts.values()))
                await asyncio.to_thread(share_beginning, servers[0], first[: common_tokens(prompts.values())])
            start_seconds = time.monotonic() - began
            known = sum(len(run.refused) for run in self.staged.values())
            refusals = Refusals(self.total, known, options.max_refused)
            lengths = None if options.concurrency else self._lengths(prompts, most)
            decoding = Decoding(
                servers,
                self.staged,
                refusals,
                hosted=self.kind.hosted,
                request_seconds=options.request_seconds or request_seconds(self.drawn["max_new_tokens"]),
                most=most,
                lengths=lengths,
                thinking=self.thinking,
            )

            def request(job: Job) -> tuple[list, dict | Refusal, dict]:
                prompt = prompts[job[0], job[2]["id"]]
                return prompt, self.sampling(prompt, job[1]), servers[0].extra_body | self.switches(job[1])

            failures = await decoding.run(self.jobs(), request)
            speed = decoding.progress.record()
        self._record(speed, start_seconds, decoding)
        return failures

    def _lengths(self, prompts: Mapping[tuple[str, str], list], most: int) -> Lengths:
        """What is known of the answers by now. prompts: token ids, or messages, whose tokens nobody knows."""
        tokens = [] if self.tokenizer == "none" else prompts.values()
        return Lengths(self.staged.values(), tokens, longest=self.drawn["max_new_tokens"], sure=most)

    def _record(self, speed: JobSpeed, start_seconds: float, decoding: Decoding) -> None:
        """Add a finished job to jobs.jsonl: its speed, for plans, and where it ran, for the manifest of the results."""
        here = machine()
        size = 0 if self.kind.hosted else gpus_of(self.engine["settings"])
        record: JobRecord = {
            **speed,
            "start_seconds": round(start_seconds, 1),
            "copies": self.options.copies,
            "engines_per_gpu": self.options.engines_per_gpu,
            "concurrency": decoding.reached,
            "engine": self.engine["version"],
            "runs": self.options.sample_runs,
            "settings": self.fingerprints,
            "gpus": size * self.options.copies if here.get("gpus") else 0,
            "engine_args": self.options.engine_args,
            "machine": here,
            "versions": versions(),
            "asked_without": decoding.unsent,
            "answered_by": sorted(
                {" ".join(filter(None, by)) for run in self.staged.values() for by in run.answered_by}
            ),
        }
        path = self.options.staging / "jobs.jsonl"
        drop_torn_tail(path)  # of a full disk; appended to, it would be a broken line for ever
        with open(path, "ab", buffering=0) as file:
            file.write(encode_row(record))

    def jobs(self) -> Iterator[Job]:
        """Every missing sample. All runs of a problem follow each other: they share their prefix in the engine's cache."""
        for benchmark, rows in self.problems.items():
            runs = {name: set(run.missing) for (b, name), run in self.staged.items() if b == benchmark}
            for row in rows:
                for name, missing in runs.items():
                    if row["id"] in missing:
                        yield benchmark, name, row

    def _encode(self, server) -> dict[tuple[str, str], list]:
        """Prompt of each (benchmark, id): token ids, or chat messages where there is no tokenizer."""
        messages = {
            (b, row["id"]): messages_of(self.prompt, row["problem"])
            for b, rows in self.problems.items()
            for row in rows
        }
        if self.tokenizer == "none":
            return messages
        variables = self.options.chat_template_kwargs
        if self.tokenizer == "server":
            tokenizer: Tokenizer = LlamaCppTokenizer(server.base_url, server.api_key, self.chat_date, variables)
        else:
            tokenizer = CheckpointTokenizer(self.engine["checkpoint"], self.chat_date, variables)
        if self.options.prompt_template == "chat":  # ends alike for all problems
            self.thinking.look_at_prompt(tokenizer.render(without_empty_system(next(iter(messages.values())))))
        self.thinking.count = tokenizer.count
        self.mark_switches = asking_for_marks(self.thinking.marks, tokenizer, self.engine)
        return {key: token_ids(tokenizer, self.options.prompt_template, value) for key, value in messages.items()}

    def sampling(self, prompt: list, run: str) -> dict | Refusal:
        """Arguments of a request; a Refusal where the prompt leaves no room for an answer."""
        drawn, context = self.drawn, self.engine["settings"].get("context_length")
        room = drawn["max_new_tokens"] if context is None else min(drawn["max_new_tokens"], context - len(prompt))
        if room <= 0:  # sent, it would be refused, or cut by the engine
            words = f"the prompt has {len(prompt)} tokens and the context {context}, so that none is left for an answer"
            return Refusal(words, len(prompt))
        sampled = {"temperature": drawn["temperature"], "top_p": drawn["top_p"], "seed": seed_of(run)}
        stop = STOP_PHRASES[self.options.prompt_template] + self.prompt.get("stop", [])
        chosen = self.kind.greedy if run == "greedy" else sampled
        return {"max_tokens": room, **({"stop": stop} if stop else {}), **chosen}

    def switches(self, run: str) -> dict:
        """Arguments that go over those of the server, in its words; none where none is set.

        A greedy run has no top_k and no min_p, for it takes the likeliest token; penalties change which one that is.
        """
        kind, body = self.kind, dict(self.mark_switches)
        for key in OF_ALL_RUNS if run == "greedy" else OPTIONAL:
            if key in self.drawn:
                body[kind.names.get(key, key)] = self.drawn[key]
        if any(key in self.drawn for key in PENALTIES):
            body |= kind.with_penalties
        if self.tokenizer == "none" and self.options.chat_template_kwargs:
            body["chat_template_kwargs"] = self.options.chat_template_kwargs
        return body

    def publish(self) -> None:
        """Publish every complete sample run; InputError if one is a copy of another, in this job or an earlier one."""
        if self.tokenizer == "none":
            self.thinking.look_at_samples(row for run in self.staged.values() for row in run.kept())
        for benchmark, rows in self.problems.items():
            ids = [row["id"] for row in rows]
            staged_runs = {run: self.staged[benchmark, run] for run in self.options.sample_runs}
            previous = self._run_of_another_job(next(iter(staged_runs.values())).path.parent)
            for run, staged in staged_runs.items():
                if staged.missing:
                    continue
                if run != "greedy" and self.drawn["temperature"] > 0:
                    if previous:
                        check_runs_differ(benchmark, previous, staged.place, ids)
                    previous = staged.place
                output = self.options.output_dir / benchmark / f"output-{run}.jsonl"
                output = packed_form(output) if self.options.compress else output
                if not staged.differs(self._published):
                    staged.publish(output)
                    continue
                staged.publish_changed(output, self._published)
                if self.options.extraction == "fallbacks":
                    found = sum("extraction" in row for row in read_rows(output))
                    print(f"generate: {benchmark} {run}: {found} answers not boxed but found by fall-backs", flush=True)
        if warning := self.thinking.warning():
            print(f"generate: warning: {warning}", flush=True)

    def _published(self, row: dict) -> dict:
        """A staged row with the answer that the configuration finds in it."""
        row = self.thinking.published(row)
        return with_fallback(row) if self.options.extraction == "fallbacks" else row

    def _run_of_another_job(self, folder: Path) -> Path | None:
        """A sampled run of the same settings, if there is one. One is enough: an engine without seeds copies them all."""
        found = (path for path in folder.glob("output-rs*.jsonl*") if SAMPLE_FILE.match(path.name))
        runs = sorted(found, key=lambda path: run_order(sample_run_of(path)))
        return next((path for path in runs if sample_run_of(path) not in self.options.sample_runs), None)


def prepared_rows(path: Path) -> Iterator[dict]:
    """The rows of a prepared benchmark."""
    for number, row in enumerate(read_rows(path), start=1):
        if not all(isinstance(row.get(field), str) for field in ("id", "problem", "expected_answer")):
            expected, hint = "id, problem and expected_answer, all text", "prepare_benchmark.py makes such files."
            raise InputError("A benchmark is not prepared.", where=f"{path}:{number}", expected=expected, hint=hint)
        yield row
