"""Rows written with COPY in binary are read back unchanged, with every type of column that an import fills."""

import datetime
import random

import pyarrow as pa
import pytest
from django.db import DatabaseError, connection

from imports.engine.staging import Writer

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no COPY"),
    pytest.mark.django_db,
]

DAY = datetime.date
# The type of each column, that of its values, and values that are unlike each other.
COLUMNS = {
    "small": ("smallint", pa.int64(), [0, -1, -(2**15), 2**15 - 1]),
    "middle": ("integer", pa.int64(), [0, -1, -(2**31), 2**31 - 1]),
    "large": ("bigint", pa.int64(), [0, -1, -(2**63), 2**63 - 1]),
    "number": ("double precision", pa.float64(), [0.1, -1e150, 5e-324, 3.0]),
    "flag": ("boolean", pa.bool_(), [True, False]),
    "day": ("date", pa.date32(), [DAY(1, 1, 1), DAY(1970, 1, 1), DAY(2000, 1, 1), DAY(9999, 12, 31)]),
    "text": ("text", pa.string(), ["", "a", '"quoted", \\N\r\n', "Ŵ𝒳" * 40]),
    "name": ("varchar(10)", pa.string(), ["", "Kelso", "\\."]),
    "octets": ("bytea", pa.binary(16), [bytes(16), bytes(range(16)), b"\xff" * 16]),
    "document": ("jsonb", pa.string(), ["{}", '{"a": [1.10, null]}', '"text"']),
}


@pytest.fixture
def table(execute):
    execute(f"CREATE TEMPORARY TABLE kinds (place integer, {', '.join(f'{n} {c[0]}' for n, c in COLUMNS.items())})")


@pytest.mark.parametrize("nulls", [0.0, 0.5, 1.0], ids=["no NULL", "some NULLs", "only NULLs"])
def test_rows_are_read_back_unchanged(table, rows, nulls):
    chosen = random.Random(7)
    values = {
        name: [None if chosen.random() < nulls else chosen.choice(values) for _ in range(200)]
        for name, (_, _, values) in COLUMNS.items()
    }
    batch = {"place": pa.array(range(200), pa.int32())}
    batch |= {name: pa.array(each, COLUMNS[name][1]) for name, each in values.items()}
    with Writer("kinds", list(reversed(batch))) as writer:
        for start, count in ((0, 1), (1, 0), (1, 99), (100, 100)):
            writer.write({name: array.slice(start, count) for name, array in batch.items()})
            if count == 99:
                writer.pause()
    names = ", ".join("document::text" if name == "document" else name for name in COLUMNS)
    assert [
        tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
        for row in rows(f"SELECT {names} FROM kinds ORDER BY place")
    ] == list(zip(*values.values(), strict=True))


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("small", pa.array([2**15]), pa.ArrowInvalid),
        ("middle", pa.array([-(2**31) - 1]), pa.ArrowInvalid),
        ("name", pa.array(["longer than ten"]), DatabaseError),
        ("text", pa.array(["NUL \0"]), DatabaseError),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_not_written(table, rows, column, value, error):
    with pytest.raises(error), Writer("kinds", [column]) as writer:
        writer.write({column: value})
