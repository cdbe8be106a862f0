"""Rows in the binary format of PostgreSQL's COPY, made from Arrow columns without a Python object for each value."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.core.exceptions import ImproperlyConfigured

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # the signature, no flags, and no extension
TRAILER = b"\xff\xff"

# The types of fixed width: the type in Arrow, and the type of the bytes that PostgreSQL reads.
FIXED = {
    "smallint": (pa.int16(), ">i2"),
    "integer": (pa.int32(), ">i4"),
    "bigint": (pa.int64(), ">i8"),
    "double precision": (pa.float64(), ">f8"),
    "boolean": (pa.bool_(), "u1"),
    "date": (pa.date32(), ">i4"),
}
# The types of variable width, with the bytes before each value.
VARIABLE = {"text": b"", "character varying": b"", "bytea": b"", "jsonb": b"\1"}
FIRST_DAY = 10_957  # 2000-01-01, which PostgreSQL counts from, in days since 1970-01-01, which Arrow counts from


def encoded(columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Buffer:
    """Return the rows of *columns*, which are not empty, without the header and the trailer.

    *types* are the types of the table's columns. Raises pa.ArrowInvalid if a value does not fit its type.
    """
    rows = _Rows(len(next(iter(columns.values()))))
    rows.add(np.array(len(columns), ">i2"))
    for name, values in columns.items():
        _add(rows, values, types[name])
    return rows.joined()


class _Rows:
    """The parts of each row, in order: blocks of a fixed width, and values whose width differs between rows."""

    def __init__(self, count: int):
        self.count = count
        self.block: list[np.ndarray] = []  # the fields of the current block
        self.parts: list[pa.Array] = []

    def add(self, field: np.ndarray) -> None:
        """Append a field of a fixed width: an array of a value for each row, or of one value for all rows."""
        self.block.append(field)

    def add_variable(self, values: pa.Array) -> None:
        """Append values of different widths, as an array of binary values without nulls."""
        self._end_block()
        self.parts.append(values)

    def joined(self) -> pa.Buffer:
        """Return the bytes of all rows."""
        self._end_block()
        if len(self.parts) == 1:
            return self.parts[0].buffers()[2]
        rows = pc.binary_join_element_wise(*self.parts, pa.scalar(b""))
        return _bytes_of(rows)

    def _end_block(self) -> None:
        if not self.block:
            return
        fields = [(str(index), field.dtype, field.shape[1:]) for index, field in enumerate(self.block)]
        block = np.empty(self.count, fields)
        for (name, *_), field in zip(fields, self.block, strict=True):
            block[name] = field
        offsets = np.arange(self.count + 1, dtype=np.int32) * block.itemsize
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(block.view(np.uint8))]
        self.parts.append(pa.Array.from_buffers(pa.binary(), self.count, buffers))
        self.block = []


def _add(rows: _Rows, values: pa.Array, kind: str) -> None:
    """Append a column: the length of each value in bytes, or -1 for NULL, and the value."""
    if pa.types.is_null(values.type) or values.null_count == len(values):
        rows.add(np.array(-1, ">i4"))
    elif kind in FIXED:
        _add_fixed(rows, values, *FIXED[kind])
    elif kind == "bytea" and pa.types.is_fixed_size_binary(values.type) and not values.null_count:
        width = values.type.byte_width
        octets = np.frombuffer(values.buffers()[1], np.uint8, len(values) * width, values.offset * width)
        rows.add(np.array(width, ">i4"))
        rows.add(octets.reshape(-1, width))
    elif kind in VARIABLE:
        _add_variable(rows, values.cast(pa.binary()), VARIABLE[kind])
    else:
        raise ImproperlyConfigured(f"imports/engine/binary_rows.py cannot write columns of the type {kind}.")


def _add_fixed(rows: _Rows, values: pa.Array, arrow_type: pa.DataType, octets: str) -> None:
    values = values.cast(arrow_type)
    known = values.drop_null().to_numpy(zero_copy_only=False)
    if arrow_type == pa.date32():
        known = known.view(np.int64) - FIRST_DAY
    known = known.astype(octets)
    width = known.itemsize
    if not values.null_count:
        rows.add(np.array(width, ">i4"))
        rows.add(known)
        return
    is_known = values.is_valid().to_numpy(zero_copy_only=False)
    rows.add(np.where(is_known, width, -1).astype(">i4"))
    ends = np.append(0, np.cumsum(is_known)) * width
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(known.view(np.uint8))]
    rows.add_variable(pa.Array.from_buffers(pa.binary(), len(values), buffers))


def _add_variable(rows: _Rows, values: pa.Array, before: bytes) -> None:
    if before:
        values = pc.binary_join_element_wise(pa.scalar(before), values, pa.scalar(b""))
    rows.add(pc.binary_length(values).fill_null(-1).to_numpy(zero_copy_only=False).astype(">i4"))
    rows.add_variable(values.fill_null(b"") if values.null_count else values)


def _bytes_of(values: pa.Array) -> pa.Buffer:
    """Return the bytes of consecutive binary values."""
    offsets = np.frombuffer(values.buffers()[1], np.int32)
    first, last = int(offsets[values.offset]), int(offsets[values.offset + len(values)])
    return values.buffers()[2].slice(first, last - first)
