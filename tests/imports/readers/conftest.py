"""Fixtures: literal bytes as files, and their rows with any size of blocks."""

from pathlib import Path

import pytest

from tests.imports.readers.readings import ABC, read


@pytest.fixture
def write(tmp_path):
    """Write the bytes to a file, and return its path."""

    def write(content: bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture(params=[None, 1, 16, 50])
def rows_of(request, write):
    """Return the rows and malformed rows (line, message) of a content, the same with any size of blocks."""

    def rows_of(content: bytes, expected=ABC, **options):
        size = {"block_size": request.param} if request.param else {}
        rows, malformed, _ = read(write(content), expected, **size, **options)
        return rows, [(bad.line, bad.message) for bad in malformed]

    return rows_of
