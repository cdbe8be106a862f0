"""Read Parquet and Feather files as batches of text, in bounded memory."""

import os
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from django.conf import settings

from imports.readers.arrow_texts import NestedTypeError, texts
from imports.readers.batches import Batch
from imports.readers.errors import ReadError
from imports.readers.feather_sizes import largest_message
from imports.readers.tables import Table, batch_of
from imports.readers.verified_files import StoredFile, check

ROWS = 10_000  # of a batch
AT_ONCE = 16 << 20  # bytes of text of a batch
MOST_ROWS = 2**31 - 1  # line numbers have 31 bits
MOST_MESSAGE = 1 << 30  # bytes of a record batch of a Feather file, which is in memory as a whole


class ArrowTable(Table):
    """A Parquet or Feather file. Raises ReadError if it is damaged, or has too many rows."""

    kind = ""

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(path)
        try:
            self._rows, schema = self._opened()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged(error) from None
        if self._rows > MOST_ROWS:
            raise ReadError(f"{path}: the file has {self._rows:,} rows; expected at most {MOST_ROWS:,}.")
        self.schema: pa.Schema = schema
        self.header = tuple(schema.names)

    def _opened(self) -> tuple[int, pa.Schema]:
        """Return the number of rows and the schema."""
        raise NotImplementedError

    def _record_batches(self) -> Iterator[pa.RecordBatch]:
        raise NotImplementedError

    def batches(self, needed: frozenset[int], nested: frozenset[int], longest: int) -> Iterator[Batch]:
        if isinstance(self.path, StoredFile):
            check(self.path)
        size, row, total = os.stat(self.path).st_size, 0, 0
        try:
            for record_batch in self._record_batches():
                record_batch.validate(full=True)
                for part in _parts(record_batch):
                    columns = [self._texts(part, index, needed) for index in range(len(self.header))]
                    total += sum(column.nbytes for column in columns)
                    if total > settings.UNPACKED_LIMIT:
                        raise ReadError(
                            f"{self.path}: the file contains more than {settings.UNPACKED_LIMIT:,} bytes of text, the "
                            "limit. Split the file, or increase UNPACKED_LIMIT."
                        )
                    lines = np.arange(row + 1, row + 1 + len(part), dtype=np.int32)
                    row += len(part)
                    yield batch_of(lines, columns, size * row // max(self._rows, 1), longest)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error, row) from None

    def _texts(self, batch: pa.RecordBatch, index: int, needed: frozenset[int]) -> pa.Array:
        try:
            return texts(batch.column(index))
        except NestedTypeError as error:
            if index not in needed:
                return pa.repeat("", len(batch))
            raise ReadError(
                f"{self.path}: the column {self.header[index]} has nested values ({error}). Expected text, numbers, "
                "dates, yes or no, or lists of them. Write its parts as separate columns."
            ) from None

    def _damaged(self, error: Exception, row: int = 0) -> ReadError:
        after = f" after row {row:,}" if row else ""
        problem = str(error).partition("\n")[0].rstrip(".")
        return ReadError(f"{self.path}: the {self.kind} file cannot be read{after} ({problem}). Copy it again.")


class ParquetTable(ArrowTable):
    """A Parquet file. Repeated text stays a dictionary, so that it needs no memory for each row."""

    kind = "Parquet"

    def _opened(self) -> tuple[int, pa.Schema]:
        with self._file() as file:
            return file.metadata.num_rows, file.schema_arrow

    def _file(self) -> pa.parquet.ParquetFile:
        schema = pa.parquet.read_schema(os.fspath(self.path))
        texts_in = [
            field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        return pa.parquet.ParquetFile(os.fspath(self.path), read_dictionary=texts_in, memory_map=False)

    def _record_batches(self) -> Iterator[pa.RecordBatch]:
        with self._file() as file:
            yield from file.iter_batches(ROWS, use_threads=False)


class FeatherTable(ArrowTable):
    """A Feather file, which is an Arrow file of record batches."""

    kind = "Feather"

    def _opened(self) -> tuple[int, pa.Schema]:
        with pa.memory_map(os.fspath(self.path)) as source:
            largest = largest_message(source)
            if largest > MOST_MESSAGE:
                raise ReadError(
                    f"{self.path}: a record batch of the Feather file has {largest:,} bytes in memory; expected at "
                    f"most {MOST_MESSAGE:,}. Write the file with smaller batches, or as Parquet."
                )
            reader = pa.ipc.open_file(source)
            rows = 0
            for index in range(reader.num_record_batches):
                rows += reader.get_batch(index).num_rows
            return rows, reader.schema

    def _record_batches(self) -> Iterator[pa.RecordBatch]:
        with pa.memory_map(os.fspath(self.path)) as source:
            reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(use_threads=False))
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield the rows in parts of at most ROWS rows, and fewer if their text is long."""
    longest = sum(_longest(column) for column in batch.columns)
    rows = max(1, min(ROWS, AT_ONCE // max(longest, 1)))
    for start in range(0, len(batch), rows):
        yield batch.slice(start, rows)


def _longest(column: pa.Array) -> int:
    """Return the number of bytes of the longest text."""
    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)) or not len(values):
        return 32
    return pc.max(pc.binary_length(values)).as_py() or 0
