"""Malformed rows do not affect other rows."""

import pytest

from tests.imports.readers.readings import read


def test_rows_with_too_few_or_too_many_cells_are_malformed(write):
    rows, bad, _ = read(write(b"a,b,c\n1,2\n1,2,3\n\n1, 2 ,3,4\n"))
    assert rows == [(3, ["1", "2", "3"])]
    assert [(row.line, row.raw, row.cells, row.message) for row in bad] == [
        (2, "1,2", ["1", "2"], "Expected 3 cells, found 2."),
        (5, "1, 2 ,3,4", ["1", "2", "3", "4"], "Expected 3 cells, found 4."),
    ]


def test_a_nul_byte_makes_only_its_row_malformed_and_is_shown_as_a_symbol(write):
    rows, bad, _ = read(write(b"a,b,c\n1,x\0y,3\n4,5,6\n"))
    assert rows == [(3, ["4", "5", "6"])]
    assert [(row.line, row.raw, row.cells) for row in bad] == [(2, "1,x␀y,3", ["1", "x␀y", "3"])]
    assert "NUL" in bad[0].message


@pytest.mark.parametrize("long", [b"1,2," + b"x" * 60, b'1,2,"' + b"x" * 60 + b'"', b"," * 70, b"5,x" + b'"' * 60])
def test_a_row_that_is_too_long_does_not_affect_others(rows_of, long):
    rows, bad = rows_of(b"a,b,c\n1,2,3\n" + long + b"\n4,5,6\n", longest=50)
    assert (rows, [line for line, _ in bad]) == ([(2, ["1", "2", "3"]), (4, ["4", "5", "6"])], [3])


def test_a_row_of_the_maximum_length_is_read(rows_of):
    rows, bad = rows_of(b"a,b,c\n" + b"x" * 46 + b",2,3\n" + b"x" * 47 + b",2,3\n4,5,6", longest=50)
    assert ([line for line, _ in rows], [line for line, _ in bad]) == ([2, 4], [3])


def test_a_line_without_an_end_is_read_in_constant_memory(write):
    rows, bad, _ = read(write(b"a,b,c\n" + b"x" * 5_000_000 + b"\n4,5,6\n"), block_size=1 << 16)
    assert (rows, [row.line for row in bad]) == ([(3, ["4", "5", "6"])], [2])
    assert bad[0].message == "The row is longer than the maximum of 1,048,576 bytes."
    assert bad[0].raw == "x" * 10_000 + " … (more than 1,048,576 bytes in total)"


def test_line_numbers_are_right_after_every_kind_of_malformed_row(rows_of):
    content = (
        b'a,b,c\n1,"x\ny",3\n\n1,2\n1,x\0,3\n4,"a"b,6\n'  # lines 1 to 7
        b' "q, r" ,2,3\r1,5",3\r\n"open,2,3\n' + b"z" * 150 + b"\n7,8,9\n"  # lines 8 to 12
    )
    rows, bad = rows_of(content, longest=100)
    assert [line for line, _ in rows] == [2, 8, 9, 12]
    assert [line for line, _ in bad] == [5, 6, 7, 10, 11]
