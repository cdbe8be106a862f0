"""Tables that are not CSV: Parquet and Feather files, and JSON objects. They are read as text, like CSV files."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imports.readers.batches import Batch
from imports.readers.csv_scanner import Malformed

SUFFIXES = (".parquet", ".pq", ".feather", ".arrow", ".ndjson", ".jsonl")  # of files named like a CSV file


class Table(ABC):
    """A table in a file. *header* has the names of its columns, *first_line* the number of its first row.

    Rows of Parquet and Feather files are numbered from 1.
    """

    header: tuple[str, ...]
    first_line = 1

    def __init__(self, path: str | os.PathLike[str]):
        self.path = path

    @abstractmethod
    def batches(self, needed: frozenset[int], nested: frozenset[int], longest: int) -> Iterator[Batch]:
        """Yield the rows. Columns that are *needed* must not have nested values, unless they are *nested* documents.

        A row with more than *longest* bytes is malformed. Raises ReadError.
        """


def without_table_suffix(name: str) -> str:
    """Return the name that a table would have as a CSV file: ``places.csv`` for ``places.parquet``."""
    path = Path(name)
    return f"{path.stem}.csv" if path.suffix.lower() in SUFFIXES else name


def batch_of(lines: np.ndarray, columns: list[pa.Array], bytes_read: int, longest: int) -> Batch:
    """Return a batch. Rows with a NUL character, or with more than *longest* bytes, are malformed."""
    size, bad = np.zeros(len(lines), np.int64), np.zeros(len(lines), bool)
    for column in columns:
        values, indices = (column.dictionary, column.indices) if pa.types.is_dictionary(column.type) else (column, None)
        lengths = pc.binary_length(values)
        with_nul = _has_nul(values)
        if indices is not None:
            lengths, with_nul = lengths.take(indices), with_nul and with_nul.take(indices)
        size += lengths.to_numpy(zero_copy_only=False)
        if with_nul is not None:
            bad |= with_nul.to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(bad | (size > longest))
    if not len(wrong):
        return Batch(lines, columns, [], bytes_read)
    problems = [_malformed(int(lines[i]), columns, int(i), int(size[i]), longest) for i in wrong.tolist()]
    good = np.ones(len(lines), bool)
    good[wrong] = False
    mask = pa.array(good)
    return Batch(lines[good], [column.filter(mask) for column in columns], problems, bytes_read)


def _malformed(line: int, columns: list[pa.Array], row: int, size: int, longest: int) -> Malformed:
    if size > longest:
        return Malformed(line, "", None, f"The row has {size:,} bytes. Expected at most {longest:,}.")
    cells = [column[row].as_py().replace("\0", "␀") for column in columns]
    return Malformed(line, ",".join(cells)[:10_000], cells, "The row contains a NUL character. Expected text.")


def _has_nul(values: pa.Array) -> pa.Array | None:
    data = values.buffers()[2]
    if data is None or np.frombuffer(data, np.uint8).all():
        return None
    return pc.match_substring(values, "\0")
