"""Reading files: the rows, cells and lines that come out of literal bytes, and the sentences where none do."""

import csv
import io
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.reading import Expected, ReadError, Unfit, ahead, find_layout, matches, read_csv, read_json
from datasets.reading.batches import _Blocks

ABC = Expected({"a": (), "b": (), "c": ()}, frozenset("abc"))
BARE = Expected({"a": (), "b": (), "c": ()}, frozenset("abc"), headerless=True, comment="|")


@pytest.fixture
def write(tmp_path):
    """Write the bytes to a file; its path."""

    def write(content: bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def read(path, expected=ABC, *, encoding="utf-8", **options):
    """The rows of a file as (line, cells), its malformed rows, and its layout."""
    layout = find_layout(path, expected, encoding=encoding)
    rows, malformed = [], []
    for batch in read_csv(path, layout, expected, encoding=encoding, **options):
        assert len(batch.columns) == layout.width
        assert all(len(column) == len(batch.lines) for column in batch.columns)
        columns = [[cell.strip(" \t") for cell in column.to_pylist()] for column in batch.columns]
        rows += zip(batch.lines.tolist(), map(list, zip(*columns, strict=True)), strict=True)
        malformed += batch.malformed
    return rows, malformed, layout


@pytest.fixture(params=[None, 1, 16, 50])
def rows_of(request, write):
    """The rows of a content, and its malformed rows as (line, message), whatever the size of blocks."""

    def rows_of(content: bytes, expected=ABC, **options):
        size = {"block_size": request.param} if request.param else {}
        rows, malformed, _ = read(write(content), expected, **size, **options)
        return rows, [(bad.line, bad.message) for bad in malformed]

    return rows_of


def refused(write, content: bytes, expected=ABC, **options) -> str:
    """The sentence with which a content is refused, without the path."""
    path = write(content)
    with pytest.raises(ReadError) as caught:
        read(path, expected, **options)
    sentence = str(caught.value)
    assert sentence.startswith(str(path)) and sentence.endswith(".")
    return sentence.removeprefix(str(path))


# Lines and cells


def test_rows_come_with_the_line_they_begin_on(rows_of):
    assert rows_of(b"a,b,c\n1,2,3\n4,5,6\n") == ([(2, ["1", "2", "3"]), (3, ["4", "5", "6"])], [])


def test_the_last_line_needs_no_end(rows_of):
    assert rows_of(b"a,b,c\n1,2,3")[0] == [(2, ["1", "2", "3"])]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_lf_crlf_or_cr(rows_of, end):
    content = end.join([b"a,b,c", b"1,2,3", b"", b"4,5,6", b""])
    assert rows_of(content) == ([(2, ["1", "2", "3"]), (4, ["4", "5", "6"])], [])


def test_line_ends_may_be_mixed(rows_of):
    rows, bad = rows_of(b"a,b,c\r1,2,3\r\n4,5,6\n\r7,8,9\n\n0,0,0")
    assert ([line for line, _ in rows], bad) == ([2, 3, 5, 7], [])


def test_blank_lines_are_passed_over_anywhere(rows_of):
    rows, bad = rows_of(b"\n  \na,b,c\n\n \t \n1,2,3\n\n\n4,5,6\n\t\n \n")
    assert (rows, bad) == ([(6, ["1", "2", "3"]), (9, ["4", "5", "6"])], [])


def test_a_line_of_only_delimiters_is_a_row(rows_of):
    assert rows_of(b"a,b,c\n,,\n") == ([(2, ["", "", ""])], [])
    assert rows_of(b"a\tb\tc\n\t\t\n") == ([(2, ["", "", ""])], [])


def test_a_blank_line_in_a_file_of_one_column_is_no_row(rows_of):
    one = Expected({"a": ()}, frozenset("a"))
    assert rows_of(b'a\n1\n\n \n""\n2\n', one) == ([(2, ["1"]), (5, [""]), (6, ["2"])], [])


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t", b",\t", b" , ", b" ;\t"])
def test_the_delimiter_is_found_from_the_header(rows_of, delimiter):
    content = b"\n".join(delimiter.join(row) for row in [[b"a", b"b", b"c"], [b"1", b"2", b"x y"]])
    assert rows_of(content) == ([(2, ["1", "2", "x y"])], [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_from_the_number_of_cells(write, delimiter):
    rows, bad, layout = read(write(delimiter.join(["1", "2", "3"]).encode()), BARE)
    assert (rows, bad, layout.delimiter, layout.header) == ([(1, ["1", "2", "3"])], [], delimiter, None)


def test_other_delimiters_are_text(rows_of):
    assert rows_of(b"a,b,c\n1;2,x\ty,3;\n")[0] == [(2, ["1;2", "x\ty", "3;"])]


# Quotes


def test_blanks_around_cells_are_dropped_quoted_cells_too(rows_of):
    assert rows_of(b'a,\tb,\tc\n 1 ,\t"a, b" ,\t" x "\t\n') == ([(2, ["1", "a, b", "x"])], [])


def test_a_quoted_cell_holds_delimiters_line_breaks_and_doubled_quotes(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"x,y","one\ntwo\r\nthree"\n"say ""hi""","""",""\n7,8,9\n')
    assert rows == [
        (2, ["1", "x,y", "one\ntwo\r\nthree"]),
        (5, ['say "hi"', '"', ""]),
        (6, ["7", "8", "9"]),
    ]
    assert bad == []


def test_a_quote_in_the_middle_of_a_cell_is_a_character(rows_of):
    assert rows_of(b'a,b,c\n1,5" pipe,3\n4,a"b"c,6"\n')[0] == [(2, ["1", '5" pipe', "3"]), (3, ["4", 'a"b"c', '6"'])]


def test_text_after_a_closing_quote_spoils_its_row_only(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"a"b,3\n4,5,6\n')
    assert rows == [(3, ["4", "5", "6"])]
    [(line, message)] = bad
    assert line == 2 and "Text follows the closing quote of cell 2 on line 2. Expected a comma" in message


def test_a_quote_left_open_at_the_end_spoils_its_row_only(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"x,3\n4,5,6\n\n7,8,9')
    assert rows == [(3, ["4", "5", "6"]), (5, ["7", "8", "9"])]
    [(line, message)] = bad
    assert line == 2 and "Cell 2 begins with a quote on line 2 that is never closed" in message


def test_a_quote_left_open_does_not_reach_past_a_quoted_cell(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"x,3\n4,5,6\n7,"Smith",9\n')
    assert (rows, [line for line, _ in bad]) == ([(3, ["4", "5", "6"]), (4, ["7", "Smith", "9"])], [2])


def test_a_quote_left_open_spoils_the_lines_of_its_row_up_to_it(rows_of):
    rows, bad = rows_of(b'a,b,c\n"one\ntwo",2,"x\n4,5,6\n')
    assert (rows, [line for line, _ in bad]) == ([(4, ["4", "5", "6"])], [2])
    assert "on line 3" in bad[0][1]


def test_a_quote_left_open_does_not_swallow_a_large_file(write):
    body = b"".join(b"%d,%d,%d\n" % (n, n, n) for n in range(200_000))
    rows, bad, _ = read(write(b'a,b,c\n0,"x,0\n' + body), ABC)
    assert (len(rows), rows[0][0], rows[-1][0]) == (200_000, 3, 200_002)
    assert [(row.line, row.raw, row.cells) for row in bad] == [(2, '0,"x,0', None)]


# Rows that cannot be used


def test_rows_with_too_few_or_too_many_cells_are_malformed(write):
    rows, bad, _ = read(write(b"a,b,c\n1,2\n1,2,3\n\n1, 2 ,3,4\n"))
    assert rows == [(3, ["1", "2", "3"])]
    assert [(row.line, row.raw, row.cells, row.message) for row in bad] == [
        (2, "1,2", ["1", "2"], "Expected 3 cells, found 2."),
        (5, "1, 2 ,3,4", ["1", "2", "3", "4"], "Expected 3 cells, found 4."),
    ]


def test_a_nul_byte_spoils_its_row_and_is_shown_as_a_sign(write):
    rows, bad, _ = read(write(b"a,b,c\n1,x\0y,3\n4,5,6\n"))
    assert rows == [(3, ["4", "5", "6"])]
    assert [(row.line, row.raw, row.cells) for row in bad] == [(2, "1,x␀y,3", ["1", "x␀y", "3"])]
    assert "NUL" in bad[0].message


@pytest.mark.parametrize("long", [b"1,2," + b"x" * 60, b'1,2,"' + b"x" * 60 + b'"', b"," * 70, b"5,x" + b'"' * 60])
def test_an_over_long_row_spoils_no_other(rows_of, long):
    rows, bad = rows_of(b"a,b,c\n1,2,3\n" + long + b"\n4,5,6\n", longest=50)
    assert (rows, [line for line, _ in bad]) == ([(2, ["1", "2", "3"]), (4, ["4", "5", "6"])], [3])


def test_a_row_as_long_as_the_bound_is_read(rows_of):
    rows, bad = rows_of(b"a,b,c\n" + b"x" * 46 + b",2,3\n" + b"x" * 47 + b",2,3\n4,5,6", longest=50)
    assert ([line for line, _ in rows], [line for line, _ in bad]) == ([2, 4], [3])


def test_a_line_without_end_is_read_in_little_memory(write):
    rows, bad, _ = read(write(b"a,b,c\n" + b"x" * 5_000_000 + b"\n4,5,6\n"), block_size=1 << 16)
    assert (rows, [row.line for row in bad]) == ([(3, ["4", "5", "6"])], [2])
    assert bad[0].message == "The row is longer than 1,048,576 bytes. Expected a shorter row."
    assert len(bad[0].raw) == 10_000


def test_lines_are_right_after_every_kind_of_oddity(rows_of):
    content = (
        b'a,b,c\n1,"x\ny",3\n\n1,2\n1,x\0,3\n4,"a"b,6\n'  # lines 1 to 7
        b' "q, r" ,2,3\r1,5",3\r\n"open,2,3\n' + b"z" * 150 + b"\n7,8,9\n"  # lines 8 to 12
    )
    rows, bad = rows_of(content, longest=100)
    assert [line for line, _ in rows] == [2, 8, 9, 12]
    assert [line for line, _ in bad] == [5, 6, 7, 10, 11]


# Headers


@pytest.mark.parametrize("header", [b"c,A, b ", b'"C","a","B"', b"c;a;b", b"\xef\xbb\xbfC,a,b"])
def test_a_header_comes_in_any_order_and_case(write, header):
    layout = find_layout(write(header + b"\n"), ABC)
    assert layout.columns == {"c": 0, "a": 1, "b": 2} and layout.width == 3 and layout.first_line == 2


@pytest.mark.parametrize(
    "header", ["place-of-birth", "Place.Of.Birth", "PLACE OF BIRTH", "place_of_birth", "birthplace", "Birth Place"]
)
def test_a_header_is_spelled_in_many_ways(write, header):
    expected = Expected({"place_of_birth": ("birthplace", "birth_place")}, frozenset())
    assert find_layout(write(header.encode()), expected).columns == {"place_of_birth": 0}


def test_unknown_columns_are_told_and_passed_over(write):
    rows, bad, layout = read(write(b"x,a,b,,c\n9,1,2,8,3\n"))
    assert layout.unknown == ("x", "(column 4, without a name)") and layout.header == ("x", "a", "b", "", "c")
    assert [rows[0][1][layout.columns[name]] for name in "abc"] == ["1", "2", "3"]


def test_a_column_that_is_not_required_may_be_missing(write):
    expected = Expected({"a": (), "b": ()}, frozenset("a"))
    assert find_layout(write(b"a\n1\n"), expected).columns == {"a": 0}


def test_a_missing_required_column_is_refused_with_what_was_expected_and_found(write):
    sentence = refused(write, b"\na,b,x\n1,2,3\n")
    assert sentence == (
        ', line 2: the column c is missing. Expected a, b, c; found "a", "b", "x". Name each column in the first row.'
    )


def test_the_same_column_twice_is_refused(write):
    assert ', line 1: the column a is there twice, as "a" and as "A"' in refused(write, b"a,b,c,A\n")


def test_a_header_that_names_no_column_is_refused(write):
    sentence = refused(write, b"x,y,z\n1,2,3\n")
    assert sentence == ', line 1: expected a header with the columns a, b, c; found 3 cells: "x", "y", "z".'


def test_a_header_that_cannot_be_read_is_refused(write):
    assert "Cell 1 begins with a quote on line 1 that is never closed" in refused(write, b'"a,b,c\n1,2,3\n')


def test_a_header_may_hold_line_breaks(write):
    rows, _, layout = read(write(b'a,b,c,"x\ny"\n1,2,3,4\n'))
    assert (layout.unknown, layout.first_line, rows) == (("x\ny",), 3, [(3, ["1", "2", "3", "4"])])


def test_a_file_without_a_header_is_read_by_position_where_that_is_allowed(rows_of):
    assert rows_of(b"|comment\n\n1,2,3\n|x,y,z\n4,5,6\n", BARE) == ([(3, ["1", "2", "3"]), (5, ["4", "5", "6"])], [])


def test_a_file_that_may_lack_a_header_may_have_one(write):
    rows, _, layout = read(write(b"c,b,a\n1,2,3\n"), BARE)
    assert layout.columns == {"c": 0, "b": 1, "a": 2} and [line for line, _ in rows] == [2]


def test_a_file_without_a_header_must_have_as_many_cells(write):
    assert "or 3 cells in that order and no header; found 2 cells" in refused(write, b"1,2\n1,2,3\n", BARE)


def test_quotes_in_a_comment_quote_nothing(rows_of):
    rows, bad = rows_of(b'|a "\n1,2,3\n|,"x\n4,5,6\n|it\'s "\n7,8,9\n', BARE)
    assert ([line for line, _ in rows], bad) == ([2, 4, 6], [])


def test_a_header_without_rows_is_fine(rows_of):
    assert rows_of(b"a,b,c\n") == ([], [])
    assert rows_of(b"a,b,c") == ([], [])


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(write, content):
    assert refused(write, content) == ": the file is empty; expected the columns a, b, c."


@pytest.mark.parametrize("content", [b"\n\n \n", b"\xef\xbb\xbf\r\n", b" " * 100, b"\n" * 200_000])
def test_a_file_of_blank_lines_is_refused(write, content):
    assert refused(write, content) == ": the file holds nothing but blank lines; expected the columns a, b, c."


def test_a_header_may_come_late(write):
    rows, _, layout = read(write(b"\n" * 300_000 + b"a,b,c\n1,2,3\n"), block_size=1 << 16)
    assert (layout.first_line, rows) == (300_002, [(300_002, ["1", "2", "3"])])


def test_matches_tells_whether_a_file_fits(write):
    assert matches(write(b"b;A;c\n"), ABC)
    assert not matches(write(b"a,b\n"), ABC)
    assert not matches(write(b"1,2,3\n"), ABC)
    assert matches(write(b"1,2,3\n"), BARE)
    assert not matches(write(b"1,2,3,4\n"), BARE)
    assert not matches(write(b'"unended\n'), BARE)


# Encodings and kinds of file


def test_utf8_comes_with_or_without_a_byte_order_mark(rows_of):
    for mark in (b"", b"\xef\xbb\xbf"):
        assert rows_of(mark + "a,b,c\nŁódź,ð,Тбилиси\n".encode()) == ([(2, ["Łódź", "ð", "Тбилиси"])], [])


def test_a_byte_order_mark_inside_a_file_is_a_character(rows_of):
    assert rows_of(b"a,b,c\n\xef\xbb\xbf1,2,3\n\xef\xbb\xbf4,5,6")[0] == [
        (2, ["\ufeff1", "2", "3"]),
        (3, ["\ufeff4", "5", "6"]),
    ]


@pytest.mark.parametrize("size", [1001, 1 << 20])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_is_not_utf8_is_refused_with_its_place(write, size, mark):
    path = write(mark + b"a,b,c\r\n" + b"1,2,3\r\n" * 20_000 + "ñé,Espa".encode() + b"\xf1a,3\r\n")
    with pytest.raises(ReadError) as caught:
        read(path, block_size=size)
    assert f"{path}, line 20002, column 8: expected UTF-8, found byte 0xF1" in str(caught.value)
    assert "--encoding cp1252" in str(caught.value)


def test_a_character_broken_off_at_the_end_is_refused(write):
    assert ", line 2, column 6: expected UTF-8, found byte 0xC3" in refused(write, b"a,b,c\n1,2,3\xc3")


def test_another_encoding_is_read_where_it_is_named(rows_of):
    content = "a,b,c\nEspaña,“x”,3\n"
    for encoding in ("cp1252", "utf-16", "utf-16-be", "UTF8", "utf-8-sig"):
        assert rows_of(content.encode(encoding), encoding=encoding)[0] == [(2, ["España", "“x”", "3"])]


def test_what_is_not_in_the_named_encoding_is_refused_with_its_place(write):
    content = b"a,b,c\n" + b"1,2,3\n" * 20_000 + b"x,\x81,z\n"
    sentence = refused(write, content, encoding="cp1252", block_size=1000)
    assert sentence.startswith(", line 20002, column 3: expected cp1252, found byte 0x81")


def test_half_a_character_at_the_end_is_refused(write):
    assert "line 2, column 6: expected utf-16-le, found half a character" in refused(
        write, "a,b,c\n1,2,3".encode("utf-16-le") + b"\n", encoding="utf-16-le"
    )


@pytest.mark.parametrize("name", ["klingon", "hex", "", "rot13", "base64"])
def test_an_encoding_that_is_none_is_refused(write, name):
    with pytest.raises(ReadError, match="There is no text encoding called .*; expected a name such as utf-8"):
        find_layout(write(b"a,b,c\n"), ABC, encoding=name)


def test_utf16_is_named_where_its_mark_is_there(write):
    assert "byte order mark of UTF-16. If that is what the file is in, say --encoding utf-16." in refused(
        write, "a,b,c\n".encode("utf-16")
    )


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04\x14\x00", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"%PDF-1.7\n", "PDF"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"PAR1\x15\x04", "Parquet"),
    ],
)
def test_other_kinds_of_file_are_named(write, content, kind):
    sentence = refused(write, content)
    assert kind in sentence and "expected a CSV file" in sentence


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ReadError, match="cannot be read: "):
            find_layout(path, ABC)


# Batches


def test_small_vocabularies_come_as_dictionaries(write):
    expected = Expected({"a": (), "b": ()}, frozenset("ab"), dictionaries=frozenset("b"))
    for content in (b"x,b,a\n1,p,2\n3,q,4\n3,p,4\n", b'x,b,a\n1, "p",2\n3,q,4\n3,p,4\n'):
        path = write(content)
        [batch] = read_csv(path, find_layout(path, expected), expected)
        kind = pa.dictionary(pa.int32(), pa.string())
        assert [column.type for column in batch.columns] == [pa.string(), kind, pa.string()]
        assert [cell.strip() for cell in batch.columns[1].to_pylist()] == ["p", "q", "p"]


def test_cells_are_never_null(rows_of):
    assert rows_of(b"a,b,c\nNA,null,\n")[0] == [(2, ["NA", "null", ""])]


def test_progress_is_told_in_bytes_of_the_file(write):
    path = write(b"a,b,c\n" + b"1,2,3\n" * 1000)
    told = [batch.bytes_read for batch in read_csv(path, find_layout(path, ABC), ABC, block_size=600)]
    assert told == sorted(told) and len(told) > 5 and told[-1] == path.stat().st_size


# Any table that the csv module writes

TEXTS = st.text(
    st.sampled_from(list(" \t\"',;\n\rabcé€😀1|")) | st.characters(exclude_characters="\0", codec="utf-8"), max_size=8
)


@st.composite
def tables(draw):
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=12))
    delimiter = draw(st.sampled_from([",", ";", "\t"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    # The csv module does not quote a cell for a CR where rows end in LF, though it ends a line.
    returns = any("\r" in cell for row in rows for cell in row)
    quoting = csv.QUOTE_ALL if returns else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    return width, rows, delimiter, end, quoting


def lines_in(text: str) -> int:
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@settings(max_examples=300, deadline=None)
@given(table=tables(), size=st.sampled_from([1, 16, 40, 1 << 20]), pad=st.integers(0, 3))
def test_any_table_comes_back_cell_for_cell_whatever_the_size_of_blocks(tmp_path_factory, table, size, pad):
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
    expected = Expected({name: () for name in names}, frozenset(names), dictionaries=frozenset(names[:1]))
    found, malformed, layout = read(path, expected, block_size=size)
    assert layout.width == width and (width == 1 or layout.delimiter == delimiter)
    assert malformed == []
    assert found == wanted


@settings(max_examples=500, deadline=None)
@given(
    content=st.lists(st.sampled_from(list('ab,,,""\n\n\r|  \t\0é') + ['","', "\r\n", "1,2,3\n", '"x\ny",'])).map(
        "".join
    ),
    sizes=st.sampled_from([(1, 1 << 20), (16, 1 << 20), (5, 30)]),
    longest=st.sampled_from([20, 1 << 20]),
)
def test_any_text_reads_the_same_fast_or_exactly_and_in_blocks_of_any_size(tmp_path_factory, content, sizes, longest):
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes(b"1,2,3\n" + content.encode())
    one, other = (read(path, BARE, block_size=size, longest=longest)[:2] for size in sizes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Blocks, "fast", lambda *_: None)
        exact = read(path, BARE, longest=longest)[:2]
    assert one == exact
    assert other == exact


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


# JSON


def documents(path):
    return [(document.line, document.value) for document in read_json(path)]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'\n {"a": 1}\n', [(2, {"a": 1})]),
        (b'\xef\xbb\xbf{"a":\r\n [1, "\xc3\xa9"]}', [(1, {"a": [1, "é"]})]),
        (b'[{"a": 1},\n{"a":\n2}, {"a": 3}]', [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": 3})]),
        (b'{"a": 1}\n\n{"a": 2}\r\n{"a": 3}', [(1, {"a": 1}), (3, {"a": 2}), (4, {"a": 3})]),
        (b" [ ] ", []),
        (b'{"a": {"b": 1}, "c": {"b": 1}, "e": "\\u00e9\\ud83d\\ude00 \\\\u0000"}', None),
    ],
)
def test_json_is_an_object_an_array_or_an_object_a_line(write, content, wanted):
    found = documents(write(content))
    assert found == wanted if wanted is not None else found[0][1]["e"] == "é😀 \\u0000"


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b'{"a": 1,\n "b" 2}', "line 2, column 6", 'expected a colon, found "2}"'),
        (b'{"a": 1', "line 1, column 8", "expected a comma or a closing bracket, found the end of the file"),
        (b'{"a": 1}\n{"a": }', "line 2, column 7", 'expected a value, found "}"'),
        (
            b'{"a": 1} {"a": 2}',
            "line 1, column 10",
            "expected the end of the file after the object, or one object a line",
        ),
        (b'{"a":\n1}\n{"a": 2}', "line 3, column 1", "expected the end of the file after the object"),
        (b'{"a": 1}\n{"a":\n2}', "line 2, column 1", "expected an object that ends on the line"),
        (b'[{"a": 1},\r\n 2]', "line 2, column 2", 'expected a JSON object ({…}), found "2]"'),
        (b'[{"a": 1}', "line 1, column 10", "expected a comma or the closing bracket of the array"),
        (b'[{"a": 1}] x', "line 1, column 12", "expected the end of the file after the array"),
        (b'"text"', "line 1, column 1", "expected a JSON object"),
        (
            b'{"a": {"b": 1},\n"c": {"b": 2, "d": [{"b": 1}], "b": 3}}',
            "line 2, column 32",
            'each name once in an object, found ""b""',
        ),
        (b'{"a": 1,\r"\\u0061": 2}', "line 2, column 1", "each name once"),
        (b'{"a": "NaN",\n"b": NaN}', "line 2, column 6", 'a number that JSON knows, found "NaN"'),
        (b'{"a": -Infinity}', "line 1, column 7", "a number that JSON knows"),
        (b'{"a": 1e999}', "line 1, column 7", "a smaller number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "line 1, column 7", "a shorter number"),
        (b'{"a": "\xc3\xa9x", "b": "\\u0000"}', "line 1, column 18", "a text without NUL characters"),
        (b'{"a": "\\ud800"}', "line 1, column 7", "half a surrogate pair"),
        (b'{"a": "x\ty"}', "line 1, column 9", "written as escapes"),
        (b'{"a": "x', "line 1, column 7", "expected a closing quote"),
        (b'{"a":' * 100_000, "line 1, column 1", "expected an object of a few levels"),
        (b'{"a": "\xf1"}', "line 1, column 8", "expected UTF-8, found byte 0xF1"),
    ],
)
def test_json_that_cannot_be_read_is_refused_with_its_place(write, content, place, words):
    path = write(content, "subject.json")
    with pytest.raises(ReadError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}, {place}: ") and words in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_json_file_is_refused(write, content):
    with pytest.raises(ReadError, match="the file is empty; expected a JSON object"):
        read_json(write(content))


def test_a_workbook_is_not_json(write):
    with pytest.raises(ReadError, match="looks like a zip archive .* expected a JSON file"):
        read_json(write(b"PK\x03\x04"))


# Reading ahead


def test_ahead_gives_the_same_items_in_order():
    assert list(ahead(iter(range(100)))) == list(range(100))


def test_ahead_is_no_further_ahead_than_told():
    made = []
    items = ahead((made.append(n) or n for n in range(100)), depth=3)
    assert next(items) == 0
    for thread in threading.enumerate():
        if thread.name == "ahead":
            thread.join(0.2)  # it has had its time
    assert 1 <= len(made) <= 4
    items.close()


def test_ahead_passes_on_what_is_raised():
    def broken():
        yield 1
        raise ReadError("no more.")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(ReadError, match=r"no more\."):
        next(items)


def test_ahead_stops_its_thread_and_closes_its_source_when_the_consumer_stops():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    items = ahead(endless())
    next(items)
    items.close()
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]


# Real files

CENSUS = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain "
    "capital_loss hours_per_week native_country income"
).split()


@pytest.mark.parametrize(
    ("name", "columns", "rows", "first", "last"),
    [
        ("census/adult.data", CENSUS, 32561, 1, 32561),
        ("census/adult.test", CENSUS, 16281, 2, 16282),
        ("people/places.csv", ["city", "county", "country"], 114, 2, 115),
        ("people/people.csv", ["given_name", "family_name", "date_of_birth", "place_of_birth"], 10000, 2, 10001),
        ("experiments/users.csv", ["user_id", "name", "email", "signup_date"], 10, 3, 12),
        ("experiments/compounds.csv", ["compound_id", "compound_name", "compound_structure"], 3, 2, 4),
        (
            "experiments/user_experiments.csv",
            ["experiment_id", "user_id", "experiment_compound_ids", "experiment_run_time"],
            11,
            2,
            12,
        ),
    ],
)
@pytest.mark.parametrize("size", [20_000, 4 << 20])
def test_the_real_files_are_read_to_the_last_row(real_data, name, columns, rows, first, last, size):
    expected = Expected(
        {column: () for column in columns}, frozenset(columns), headerless=name.startswith("census"), comment="|"
    )
    found, malformed, layout = read(real_data / name, expected, block_size=size)
    assert (len(found), malformed, found[0][0], found[-1][0]) == (rows, [], first, last)
    assert layout.delimiter == "," and layout.unknown == ()


def test_the_real_documents_are_read(real_data):
    paths = [*real_data.glob("subjects/*/subject.json"), *real_data.glob("subject-shapes/*.json")]
    assert [len(read_json(path)) for path in paths] == [1] * 31


def test_a_description_of_the_columns_is_not_taken_for_a_table(real_data):
    census = Expected({column: () for column in CENSUS}, frozenset(CENSUS), headerless=True, comment="|")
    with pytest.raises(Unfit, match="expected a header with the columns age, workclass"):
        find_layout(real_data / "census" / "adult.names", census)
