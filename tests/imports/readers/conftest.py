"""Literal bytes as files, and the rows that come out of them whatever the size of blocks."""

from pathlib import Path

import pytest

from tests.imports.readers.readings import ABC, read


@pytest.fixture
def write(tmp_path):
    """Write the bytes to a file; its path."""

    def write(content: bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture(params=[None, 1, 16, 50])
def rows_of(request, write):
    """The rows of a content, and its malformed rows as (line, message), whatever the size of blocks."""

    def rows_of(content: bytes, expected=ABC, **options):
        size = {"block_size": request.param} if request.param else {}
        rows, malformed, _ = read(write(content), expected, **size, **options)
        return rows, [(bad.line, bad.message) for bad in malformed]

    return rows_of
