"""Rows of a training set -> token ids and labels: the evaluation's prompt, then the solution, which alone counts for the loss.

The texts lie in an Arrow file that is mapped into memory, and each row is tokenised when its turn comes: a set may be larger than
memory. Which row comes when follows from seed and place alone, so that a run which is resumed, or has other devices, goes on with
the same rows.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.errors import InputError
from openmath.files.rows import atomic_write
from openmath.generation.prompts import CheckpointTokenizer, messages_of, token_ids

COLUMNS = ("problem", "generated_solution")
SCHEMA = pa.schema([(name, pa.large_string()) for name in COLUMNS])
BATCH = 1024  # rows
IGNORED = -100  # label of a token that does not count
SAMPLE = 256  # rows that are looked at before the start


def set_problem(dataset: Path, where: object) -> InputError | None:
    """What keeps a file from being a training set, by its footer alone."""
    hint = "`snakemake dataset` makes one, as does any program that writes these columns as parquet."
    if not dataset.is_file():
        return InputError("There is no such training set.", where=where, hint=hint)
    try:
        with parquet.ParquetFile(dataset) as file:
            schema, rows, empty = file.schema_arrow, file.metadata.num_rows, _without_text(file.metadata)
    except (OSError, pa.ArrowException) as error:
        return _unreadable(where, error)
    missing = [f"no {name}" for name in COLUMNS if name not in schema.names]
    kinds = {name: schema.field(name).type for name in COLUMNS if name in schema.names}
    wrong = [f"{name} is {kind}" for name, kind in kinds.items() if not _is_text(kind)]
    if missing or wrong or empty:
        expected = f"{' and '.join(COLUMNS)}, both text"
        found = ", ".join([*missing, *wrong] or [f"{number} rows without {name}" for name, number in empty.items()])
        return InputError("This is no training set.", where=where, expected=expected, found=found, hint=hint)
    return None if rows else InputError("The training set has no rows.", where=where, hint=hint)


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _without_text(footer: parquet.FileMetaData) -> dict[str, int]:
    """Column -> its rows without a value, as far as the file has counted them; only where there are any."""
    found = dict.fromkeys(COLUMNS, 0)
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema in found and column.statistics:
                found[column.path_in_schema] += column.statistics.null_count or 0
    return {name: number for name, number in found.items() if number}


def _unreadable(where: object, error: Exception) -> InputError:
    hint = "JSON lines are no parquet file; one that was copied in part is copied again."
    found = " ".join(str(error).split())
    return InputError("Cannot read the training set.", where=where, expected="a parquet file", found=found, hint=hint)


def lay_rows(dataset: Path, folder: Path) -> Path:
    """An Arrow file with the texts of a set of pack_dataset.py, to be mapped into memory; made once, named by the set's bytes."""
    if problem := set_problem(dataset, dataset):
        raise problem
    status = dataset.stat()
    mark = blake2b(f"{dataset.resolve()} {status.st_size} {status.st_mtime_ns}".encode(), digest_size=8).hexdigest()
    output = folder / f"rows-{mark}.arrow"
    if not output.exists():
        with atomic_write(output) as file, pa.ipc.new_file(file, SCHEMA) as writer:
            for batch in _batches(dataset):
                writer.write_batch(batch)
    return output


def _batches(dataset: Path) -> Iterable[pa.RecordBatch]:
    rows = 0
    try:
        with parquet.ParquetFile(dataset) as file:
            for batch in file.iter_batches(BATCH, columns=list(COLUMNS)):
                texts = batch.select(COLUMNS).cast(SCHEMA)
                if any(column.null_count for column in texts.columns):
                    raise InputError("A row of the training set lacks a text.", where=f"{dataset}: rows from {rows}")
                rows += batch.num_rows
                yield texts
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(dataset, error) from None


class Texts:
    """Problem and solution of each row of an Arrow file of lay_rows."""

    def __init__(self, path: Path):
        self._reader = pa.ipc.open_file(pa.memory_map(str(path)))
        counts = [self._reader.get_batch(number).num_rows for number in range(self._reader.num_record_batches)]
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, row: int) -> tuple[str, str]:
        number = int(np.searchsorted(self._ends, row, "right"))
        batch = self._reader.get_batch(number)
        place = row - int(self._ends[number]) + batch.num_rows
        return batch.column(0)[place].as_py(), batch.column(1)[place].as_py()


class Tokens:
    """Token ids and labels of a problem with its solution.

    end: id of the token that ends the solution, as the model should when it answers.
    """

    def __init__(self, tokenizer: CheckpointTokenizer, template: str, prompt: dict, max_length: int):
        self._tokenizer, self._template, self._prompt, self._max_length = tokenizer, template, prompt, max_length
        self.end = end_of_answer(tokenizer, template)

    def __call__(self, problem: str, solution: str) -> dict[str, list[int]]:
        """input_ids and labels, of one length; the label of a token is itself or IGNORED.

        What is longer than max_length counts for nothing: cut off, it would teach the model to stop in mid-sentence.
        """
        prompt = token_ids(self._tokenizer, self._template, messages_of(self._prompt, problem))
        answer = [*self._tokenizer.encode(solution), self.end]
        if len(prompt) + len(answer) > self._max_length:
            return {"input_ids": prompt[:2], "labels": [IGNORED] * len(prompt[:2])}
        return {"input_ids": prompt + answer, "labels": [IGNORED] * len(prompt) + answer}


def first_rows(dataset: Path) -> list[tuple[str, str]]:
    """Problem and solution of the first rows of a set. Raises InputError where it cannot be read."""
    texts = next(iter(_batches(dataset)))[:SAMPLE]
    return list(zip(texts.column(0).to_pylist(), texts.column(1).to_pylist(), strict=True))


def too_long(tokens: Tokens, texts: Texts | list[tuple[str, str]]) -> float:
    """Share of the first rows that are longer than max_length."""
    rows = range(min(SAMPLE, len(texts)))
    return sum(set(tokens(*texts[row])["labels"]) == {IGNORED} for row in rows) / len(rows)


def all_too_long(max_length: int, where: object) -> InputError:
    return InputError(
        "No row of the set is short enough to count: nothing would be learnt.",
        where=where,
        expected=f"rows of at most {max_length} tokens, prompt and solution together",
        found=f"longer ones only, of the first {SAMPLE}",
        hint="raise max_length, up to what the model supports.",
    )


def kept_tokens_problem(trained: Tokens, kept: Tokens, texts: Texts, where: object) -> InputError | None:
    """Whether a model is asked as it was trained. kept: by the tokenizer that is saved beside a checkpoint."""
    for row in range(min(SAMPLE, len(texts))):
        if trained(*texts[row]) != kept(*texts[row]):
            return InputError(
                "The base's tokenizer is another one once it is saved beside a checkpoint: the model would be asked otherwise than "
                "it was trained.",
                where=where,
                found=f"other tokens for row {row} of the set",
                hint="let transformers load and save the tokenizer once, and train from what it has written.",
            )
    return None


def end_of_answer(tokenizer: CheckpointTokenizer, template: str) -> int:
    """Id of the token at which an evaluation's engine ends an answer. Raises InputError where the template has none."""
    if template == "llama3-instruct":
        return tokenizer.encode("<|eot_id|>")[0]
    if template == "completion":
        text = tokenizer.eos or ""
    else:
        user, mark = {"role": "user", "content": "1 + 1"}, "the answer is 2"
        text = tokenizer.render([user, {"role": "assistant", "content": mark}]).rpartition(mark)[2]
    ids = tokenizer.encode(text.lstrip())[:1]
    if not ids or ids[0] not in tokenizer.special_ids:
        raise InputError(
            "Nothing ends an answer: a model trained so would never stop.",
            where=f"prompt_template: {template}",
            expected="a special token behind the assistant's turn, or the tokenizer's eos_token",
            found=repr(text[:40]),
            hint="use the chat template of an instruct model, as chat_template.jinja in the base checkpoint.",
        )
    return ids[0]


class TrainingRows:
    """A torch dataset, in the order of training: item i belongs to step i // batch_size.

    Each pass over the set has an order of its own. Within a step the longest rows come first, so that rows of one length share a
    micro-batch, and too little memory shows in the first.
    """

    column_names = ("input_ids", "labels")  # which TRL asks for

    def __init__(self, texts: Texts, tokens: Tokens, *, steps: int, batch_size: int, seed: int):
        self._texts, self._tokens, self._seed = texts, tokens, seed
        self._steps, self._batch_size = steps, batch_size
        self._pass = lru_cache(maxsize=2)(self._order_of_pass)  # a step may lie in two
        self._step = lru_cache(maxsize=2)(self._order_of_step)

    def __len__(self) -> int:
        return self._steps * self._batch_size

    def __getitem__(self, place: int) -> dict[str, list[int]]:
        if not 0 <= place < len(self):
            raise IndexError(place)
        step, within = divmod(place, self._batch_size)
        return self._tokens(*self._texts[self._step(step)[within]])

    def rows_of_step(self, step: int) -> list[int]:
        """Rows of the set that a step, from 0, trains on."""
        places = range(step * self._batch_size, (step + 1) * self._batch_size)
        return [int(self._pass(place // len(self._texts))[place % len(self._texts)]) for place in places]

    def _order_of_pass(self, number: int) -> np.ndarray:
        return np.random.default_rng([self._seed, number]).permutation(np.arange(len(self._texts), dtype=np.uint32))

    def _order_of_step(self, step: int) -> list[int]:
        return sorted(self.rows_of_step(step), key=lambda row: -sum(map(len, self._texts[row])))
