"""Property tests: any table of the csv module, any text, and any bytes."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imports.readers import ExpectedColumns, ReadError, read_json
from imports.readers.csv_reader import _Blocks
from tests.imports.readers.readings import BARE, read

TEXTS = st.text(
    st.sampled_from(list(" \t\"',;\n\rabcé€😀1|")) | st.characters(exclude_characters="\0", codec="utf-8"), max_size=8
)


@st.composite
def tables(draw):
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=12))
    # With a single column, no delimiter is detected: the reader assumes a comma.
    delimiter = draw(st.sampled_from([",", ";", "\t"])) if width > 1 else ","
    end = draw(st.sampled_from(["\n", "\r\n"]))
    # With rows that end in LF, the csv module does not quote a cell with a CR, although a CR ends a line.
    returns = any("\r" in cell for row in rows for cell in row)
    quoting = csv.QUOTE_ALL if returns else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    return width, rows, delimiter, end, quoting


def lines_in(text: str) -> int:
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@settings(max_examples=300, deadline=None)
@given(table=tables(), size=st.sampled_from([1, 16, 40, 1 << 20]), pad=st.integers(0, 3))
def test_any_table_is_read_exactly_with_any_block_size(tmp_path_factory, table, size, pad):
    width, rows, delimiter, end, quoting = table
    names = [f"column_{n}" for n in range(width)]
    buffer, wanted = io.StringIO(newline=""), []
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(names)
    for row in rows:
        line = lines_in(buffer.getvalue()) + 1
        before = buffer.tell()
        writer.writerow(row)
        written = buffer.getvalue()[before:]
        if written.strip(" \t\r\n".replace(delimiter, "")):
            wanted.append((line, [cell.strip(" \t") for cell in row]))
        buffer.write(end * pad)
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes(buffer.getvalue().encode())
    expected = ExpectedColumns({name: () for name in names}, frozenset(names), dictionaries=frozenset(names[:1]))
    cells, malformed, layout = read(path, expected, block_size=size)
    assert layout.width == width and (width == 1 or layout.delimiter == delimiter)
    assert malformed == []
    assert cells == wanted


@settings(max_examples=500, deadline=None)
@given(
    content=st.lists(
        st.sampled_from([*'ab,,,""\n\n\r|  \t\0é', '","', ' "q, r"\t,', '5" p,', "\r\n", "1,2,3\n", '"x\ny",'])
    ).map("".join),
    sizes=st.sampled_from([(1, 1 << 20), (16, 1 << 20), (5, 30)]),
    longest=st.sampled_from([20, 1 << 20]),
)
def test_any_text_is_read_alike_by_both_paths_and_with_any_block_size(tmp_path_factory, content, sizes, longest):
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes(b"1,2,3\n" + content.encode())
    left, right = (read(path, BARE, block_size=size, longest=longest)[:2] for size in sizes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Blocks, "fast", lambda *_, final: None)
        exact = read(path, BARE, longest=longest)[:2]
    assert left == exact
    assert right == exact


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60), encoding=st.sampled_from(["utf-8", "cp1252", "utf-16", "shift_jis", "utf-7"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, encoding):
    path = tmp_path_factory.mktemp("any") / "table"
    path.write_bytes(b"1,2,3\n".decode().encode(encoding) + content)
    try:
        read(path, BARE, encoding=encoding)
    except ReadError as error:
        assert str(error).startswith(f"{path}")
    try:
        path.write_bytes(content)
        read_json(path, encoding=encoding)
    except ReadError as error:
        assert str(error).startswith(f"{path}")
