"""Batches: their Arrow columns, and the bytes of the file read so far."""

import pyarrow as pa

from imports.readers import ExpectedColumns, find_layout, read_csv
from tests.imports.readers.readings import ABC


def test_small_vocabularies_are_dictionary_arrays(write):
    expected = ExpectedColumns({"a": (), "b": ()}, frozenset("ab"), dictionaries=frozenset("b"))
    for content in (b"x,b,a\n1,p,2\n3,q,4\n3,p,4\n", b'x,b,a\n1, "p",2\n3,q,4\n3,p,4\n'):
        path = write(content)
        [batch] = read_csv(path, find_layout(path, expected), expected)
        kind = pa.dictionary(pa.int32(), pa.string())
        assert [column.type for column in batch.columns] == [pa.string(), kind, pa.string()]
        assert [cell.strip() for cell in batch.columns[1].to_pylist()] == ["p", "q", "p"]


def test_cells_are_never_null(rows_of):
    assert rows_of(b"a,b,c\nNA,null,\n")[0] == [(2, ["NA", "null", ""])]


def test_progress_is_reported_in_bytes_of_the_file(write):
    path = write(b"a,b,c\n" + b"1,2,3\n" * 1000)
    result = [batch.bytes_read for batch in read_csv(path, find_layout(path, ABC), ABC, block_size=600)]
    assert result == sorted(result) and len(result) > 5 and result[-1] == path.stat().st_size
