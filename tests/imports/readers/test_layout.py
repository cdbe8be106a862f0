"""Layout detection: columns and their positions, with and without a header."""

import pytest

from imports.readers import ExpectedColumns, find_layout, matches
from tests.imports.readers.readings import ABC, BARE, read, refused


@pytest.mark.parametrize("header", [b"c,A, b ", b'"C","a","B"', b"c;a;b", b"\xef\xbb\xbfC,a,b"])
def test_a_header_can_have_any_order_and_case(write, header):
    layout = find_layout(write(header + b"\n"), ABC)
    assert layout.columns == {"c": 0, "a": 1, "b": 2} and layout.width == 3 and layout.first_line == 2


@pytest.mark.parametrize(
    "header", ["place-of-birth", "Place.Of.Birth", "PLACE OF BIRTH", "place_of_birth", "birthplace", "Birth Place"]
)
def test_a_header_can_have_several_spellings(write, header):
    expected = ExpectedColumns({"place_of_birth": ("birthplace", "birth_place")}, frozenset())
    assert find_layout(write(header.encode()), expected).columns == {"place_of_birth": 0}


def test_unknown_columns_are_ignored_and_listed(write):
    rows, _, layout = read(write(b"x,a,b,,c\n9,1,2,8,3\n"))
    assert layout.unknown == ("x", "(column 4, without a name)") and layout.header == ("x", "a", "b", "", "c")
    assert [rows[0][1][layout.columns[name]] for name in "abc"] == ["1", "2", "3"]


def test_a_column_that_is_not_required_may_be_missing(write):
    expected = ExpectedColumns({"a": (), "b": ()}, frozenset("a"))
    assert find_layout(write(b"a\n1\n"), expected).columns == {"a": 0}


def test_a_missing_required_column_is_refused_with_what_was_expected_and_found(write):
    sentence = refused(write, b"\na,b,x\n1,2,3\n")
    assert sentence == (
        ', line 2: the column c is missing. Expected a, b, c; found "a", "b", "x". Name each column in the first row.'
    )


def test_the_same_column_twice_is_refused(write):
    assert ', line 1: the column a occurs twice, as "a" and as "A". Rename or delete one of them.' in refused(
        write, b"a,b,c,A\n"
    )


def test_a_header_without_a_known_column_is_refused(write):
    sentence = refused(write, b"x,y,z\n1,2,3\n")
    assert sentence == ', line 1: expected a header with the columns a, b, c; found 3 cells: "x", "y", "z".'


def test_an_unreadable_header_is_refused(write):
    assert "Cell 1 on line 1 begins with a quote that is never closed" in refused(write, b'"a,b,c\n1,2,3\n')


def test_a_header_can_contain_line_breaks(write):
    rows, _, layout = read(write(b'a,b,c,"x\ny"\n1,2,3,4\n'))
    assert (layout.unknown, layout.first_line, rows) == (("x\ny",), 3, [(3, ["1", "2", "3", "4"])])


def test_a_file_without_a_header_is_read_by_position_where_that_is_allowed(rows_of):
    assert rows_of(b"|comment\n\n1,2,3\n|x,y,z\n4,5,6\n", BARE) == ([(3, ["1", "2", "3"]), (5, ["4", "5", "6"])], [])


def test_a_file_that_may_lack_a_header_may_have_one(write):
    rows, _, layout = read(write(b"c,b,a\n1,2,3\n"), BARE)
    assert layout.columns == {"c": 0, "b": 1, "a": 2} and [line for line, _ in rows] == [2]


def test_a_file_without_a_header_must_have_as_many_cells(write):
    assert "or 3 cells in that order and no header; found 2 cells" in refused(write, b"1,2\n1,2,3\n", BARE)


@pytest.mark.parametrize("first", [b"1,2", b"1,2,3,4", b'"1,2,3', b"1\0,2,3", b"A title"])
def test_an_invalid_first_row_without_a_header_is_one_rejected_row(rows_of, first):
    rows, bad = rows_of(b"\n" + first + b"\n4,5,6\n7,8,9\n", BARE)
    assert rows == [(3, ["4", "5", "6"]), (4, ["7", "8", "9"])]
    assert [line for line, *_ in bad] == [2]


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
    assert refused(write, content) == ": the file contains only blank lines; expected the columns a, b, c."


def test_a_header_can_follow_many_blank_lines(write):
    rows, _, layout = read(write(b"\n" * 300_000 + b"a,b,c\n1,2,3\n"), block_size=1 << 16)
    assert (layout.first_line, rows) == (300_002, [(300_002, ["1", "2", "3"])])


def test_matches_shows_whether_a_file_fits(write):
    assert matches(write(b"b;A;c\n"), ABC)
    assert not matches(write(b"a,b\n"), ABC)
    assert not matches(write(b"1,2,3\n"), ABC)
    assert matches(write(b"1,2,3\n"), BARE)
    assert not matches(write(b"1,2,3,4\n"), BARE)
    assert not matches(write(b'"unended\n'), BARE)
