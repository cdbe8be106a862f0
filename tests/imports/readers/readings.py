"""Read a file: its rows and malformed rows, or the error message."""

import pytest

from imports.readers import ExpectedColumns, ReadError, find_layout, read_csv

ABC = ExpectedColumns({"a": (), "b": (), "c": ()}, frozenset("abc"))
BARE = ExpectedColumns({"a": (), "b": (), "c": ()}, frozenset("abc"), headerless=True, comment="|")


def read(path, expected=ABC, *, encoding="utf-8", **options):
    """Return the rows of a file as (line, cells), its malformed rows, and its layout."""
    layout = find_layout(path, expected, encoding=encoding)
    rows, malformed = [], []
    for batch in read_csv(path, layout, expected, encoding=encoding, **options):
        assert len(batch.columns) == layout.width
        assert all(len(column) == len(batch.lines) for column in batch.columns)
        columns = [[cell.strip(" \t") for cell in column.to_pylist()] for column in batch.columns]
        rows += zip(batch.lines.tolist(), map(list, zip(*columns, strict=True)), strict=True)
        malformed += batch.malformed
    return rows, malformed, layout


def refused(write, content: bytes, expected=ABC, **options) -> str:
    """Return the error message for a content, without the path."""
    path = write(content)
    with pytest.raises(ReadError) as caught:
        read(path, expected, **options)
    sentence = str(caught.value)
    assert sentence.startswith(str(path)) and sentence.endswith(".")
    return sentence.removeprefix(str(path))
