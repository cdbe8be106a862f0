"""One line of a file is read with the lines around it, numbered as in an editor."""

import pytest

from imports.readers import ReadError, line_window
from imports.readers.line_window import LONGEST, lines_around

TEXT = "".join(f"line {number}\n" for number in range(1, 21))


def numbered(path, line, encoding="utf-8"):
    return [(shown.number, shown.text) for shown in lines_around(path, line, encoding)]


@pytest.mark.parametrize("line", [1, 2, 3, 4, 10, 17, 18, 20])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_a_line_has_three_lines_before_and_after_it(write, monkeypatch, line, end, block):
    monkeypatch.setattr(line_window, "BLOCK", block)
    path = write(TEXT.replace("\n", end).encode())
    expected = [(number, f"line {number}") for number in range(max(1, line - 3), min(20, line + 3) + 1)]
    assert numbered(path, line) == expected


def test_a_file_without_the_line_has_none(write):
    assert numbered(write(TEXT.encode()), 21) == numbered(write(b""), 1) == []
    assert numbered(write(b"a\n\nb"), 3) == [(1, "a"), (2, ""), (3, "b")]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8"])
def test_a_line_is_decoded(write, encoding):
    assert numbered(write("é\nü\n".encode(encoding)), 2, encoding) == [(1, "é"), (2, "ü")]


@pytest.mark.parametrize("block", [100, 1 << 20])
def test_a_long_line_is_cut(write, monkeypatch, block):
    monkeypatch.setattr(line_window, "BLOCK", block)
    path = write(("é" * 5000 + "\n" + "x" * LONGEST + "\nlast\n").encode())
    lines = lines_around(path, 2)
    assert [(line.is_cut, len(line.text)) for line in lines] == [(True, LONGEST // 2), (False, LONGEST), (False, 4)]


def test_a_file_that_is_no_text_is_refused(write):
    with pytest.raises(ReadError, match="looks like a zip archive"):
        lines_around(write(b"PK\x03\x04" + b"x" * 2000), 1)
