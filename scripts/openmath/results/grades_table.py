"""grades.parquet as a table, whole or refused: whatever file bears its name."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.errors import InputError

TEXT_COLUMNS = ("id", "sample_run", "predicted_answer", "vote_class", "finish_reason", "grade_status")
EXTRACTION = "extraction"  # one more where an answer is not boxed


def read_grades_table(path: Path) -> pa.Table:
    """The columns of grades. InputError where one is missing, has another type, or no value where there must be one."""
    try:
        schema = parquet.read_schema(path)
        missing = {*TEXT_COLUMNS, "is_correct"}.difference(schema.names)
        wanted = [name for name in (*TEXT_COLUMNS, EXTRACTION, "is_correct") if name in schema.names]
        texts = [name for name in wanted if name != "is_correct" and not pa.types.is_nested(schema.field(name).type)]
        with parquet.ParquetFile(path, read_dictionary=texts) as file:  # read_table imports pandas
            table = file.read(wanted)
        table.validate(full=True)  # a damaged page may hold codes without a text, or bytes that are none
    except (OSError, pa.ArrowException, ValueError, MemoryError) as error:
        raise InputError("Cannot read the grades.", where=path, found=" ".join(str(error).split())) from None
    if missing or table.num_rows == 0:
        found = f"{table.num_rows} rows, without {sorted(missing)}"
        raise InputError("This is not a table of grades.", where=path, found=found)
    for name in table.column_names:
        column_type = table.schema.field(name).type
        if name == "is_correct":
            right = pa.types.is_boolean(column_type)
        else:
            right = pa.types.is_dictionary(column_type) and pa.types.is_string(column_type.value_type)
        if not right or (name in ("id", "sample_run", "is_correct") and table[name].null_count):
            raise InputError(
                "This is not a table of grades.",
                where=f"{path}: {name}",
                found=f"{column_type}, {table[name].null_count} without a value",
                hint="move the file away to have it made again.",
            )
    return table
