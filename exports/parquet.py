"""Convert CSV rows to typed Arrow tables, and the tables to a Parquet file, in parts."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from exports.columns import ExportedColumn

PART = 2 << 20  # bytes of CSV for each table
ROW_GROUP = 1 << 16  # rows


def tables(rows: Iterable[bytes], columns: list[ExportedColumn]) -> Iterator[pa.Table]:
    """Yield *rows*, blocks of whole CSV rows, as tables with the columns' types."""
    schema = schema_of(columns)
    text = [pa.string() if pa.types.is_list(field.type) else field.type for field in schema]
    # Arrow's threads are not used, because each would keep its own memory, and several downloads run in parallel
    # anyway.
    read = pa.csv.ReadOptions(column_names=schema.names, block_size=2 * PART, use_threads=False)
    parse = pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    convert = pa.csv.ConvertOptions(
        column_types=dict(zip(schema.names, text, strict=True)),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true"],
        false_values=["false"],
    )
    for part in _parts(rows):
        read.block_size = len(part) + 1
        table = pa.csv.read_csv(pa.BufferReader(part), read, parse, convert)
        for index, field in enumerate(schema):
            if pa.types.is_list(field.type):
                table = table.set_column(index, field, _lists(table.column(index), field.type))
        yield table


def schema_of(columns: list[ExportedColumn]) -> pa.Schema:
    """Return the Arrow schema of *columns*, with their descriptions."""
    return pa.schema(
        pa.field(column.name, column.arrow_type, metadata={"description": column.listed.help_text})
        for column in columns
    )


def parquet(rows: Iterable[bytes], columns: list[ExportedColumn]) -> Iterator[bytes]:
    """Yield the blocks of a Parquet file of *rows*, blocks of CSV."""
    schema = schema_of(columns)
    sink = _Sink()
    writer = pa.parquet.ParquetWriter(sink, schema, compression="zstd", compression_level=1)
    waiting: list[pa.Table] = []
    count = 0
    for table in tables(rows, columns):
        waiting.append(table)
        count += table.num_rows
        if count >= ROW_GROUP:
            writer.write_table(pa.concat_tables(waiting).cast(schema), ROW_GROUP)
            waiting, count = [], 0
            yield sink.take()
    if waiting:
        writer.write_table(pa.concat_tables(waiting).cast(schema), ROW_GROUP)
    writer.close()
    yield sink.take()


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for block in blocks:
        waiting.append(block)
        size += len(block)
        if size >= PART:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _lists(cells: pa.ChunkedArray, kind: pa.ListType) -> pa.Array:
    """Split cells such as ``1;2`` into lists. An empty cell becomes an empty list."""
    split = pc.split_pattern(cells.combine_chunks(), ";")
    lengths = pc.fill_null(pc.list_value_length(split), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), split.flatten().cast(kind.value_type))


class _Sink(io.RawIOBase):
    """A write-only file whose bytes can be read while it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        block = bytes(data)
        self._parts.append(block)
        self._size += len(block)
        return len(block)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
