"""Lines and cells: the start and end of rows, and delimiters."""

import pytest

from imports.readers import ExpectedColumns
from tests.imports.readers.readings import BARE, read


def test_each_row_has_the_line_on_which_it_begins(rows_of):
    assert rows_of(b"a,b,c\n1,2,3\n4,5,6\n") == ([(2, ["1", "2", "3"]), (3, ["4", "5", "6"])], [])


def test_the_last_line_needs_no_line_end(rows_of):
    assert rows_of(b"a,b,c\n1,2,3")[0] == [(2, ["1", "2", "3"])]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_lf_crlf_or_cr(rows_of, end):
    content = end.join([b"a,b,c", b"1,2,3", b"", b"4,5,6", b""])
    assert rows_of(content) == ([(2, ["1", "2", "3"]), (4, ["4", "5", "6"])], [])


def test_line_ends_may_be_mixed(rows_of):
    rows, bad = rows_of(b"a,b,c\r1,2,3\r\n4,5,6\n\r7,8,9\n\n0,0,0")
    assert ([line for line, _ in rows], bad) == ([2, 3, 5, 7], [])


def test_blank_lines_are_skipped_anywhere(rows_of):
    rows, bad = rows_of(b"\n  \na,b,c\n\n \t \n1,2,3\n\n\n4,5,6\n\t\n \n")
    assert (rows, bad) == ([(6, ["1", "2", "3"]), (9, ["4", "5", "6"])], [])


def test_a_line_of_only_delimiters_is_a_row(rows_of):
    assert rows_of(b"a,b,c\n,,\n") == ([(2, ["", "", ""])], [])
    assert rows_of(b"a\tb\tc\n\t\t\n") == ([(2, ["", "", ""])], [])


def test_a_blank_line_in_a_file_of_one_column_is_not_a_row(rows_of):
    columns = ExpectedColumns({"a": ()}, frozenset("a"))
    assert rows_of(b'a\n1\n\n \n""\n2\n', columns) == ([(2, ["1"]), (5, [""]), (6, ["2"])], [])


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
