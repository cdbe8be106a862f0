"""Write a summary to a file in any export format."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet

from datasets.records.aggregation import Summary
from exports.about import About
from exports.formula_escaping import BOM, MARK, MARKED, defused
from exports.xlsx import sheet


def groups_as_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a summary's groups as CSV, without formula escaping."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return file.getvalue()


def table_as_csv(names: Sequence[str], rows: Iterable[Sequence[Any]], *, defuse: bool = False) -> str:
    """Return a table as CSV. With *defuse*, formulas are escaped, and a column marks this."""
    if not defuse:
        return groups_as_csv(names, rows)
    escaped = ([defused(value) if isinstance(value, str) else value for value in row] for row in rows)
    return BOM.decode() + groups_as_csv([*map(defused, names), MARK], ([*row, MARKED] for row in escaped))


def summary_file(
    summary: Summary, file_format: str, about: About, *, compress: bool = False
) -> AbstractContextManager[Iterable[bytes]]:
    """Return *summary* as a file of *file_format* (one of FORMATS), in blocks of bytes. Raises TooManyRowsError.

    A workbook has a sheet with *about*.
    """
    match file_format:
        case "csv":
            body = groups_as_csv(summary.names, summary.rows).encode()
        case "parquet":
            return nullcontext([_parquet(summary)])
        case "xlsx":
            return nullcontext([_workbook(summary, about)])
        case _:
            lines = [orjson.dumps(dict(zip(summary.names, row, strict=True))) for row in summary.rows]
            body = b"\n".join([*lines, b""])
            if file_format == "json":
                body = b"[\n" + b",\n".join(lines) + b"\n]\n" if lines else b"[]\n"
    return nullcontext([gzip.compress(body, mtime=0)] if compress else [body])


def _parquet(summary: Summary) -> bytes:
    columns = {name: pa.array([row[index] for row in summary.rows]) for index, name in enumerate(summary.names)}
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), file, compression="zstd")
    return file.getvalue()


def _workbook(summary: Summary, about: About) -> bytes:
    with sheet(summary.names, [True] * len(summary.names), summary.rows, about) as file:
        return file.read()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(map(str, value)) if isinstance(value, list) else value
