"""Quotes: their scope, and the limited damage of an unclosed one."""

from tests.imports.readers.readings import ABC, read


def test_blanks_around_cells_are_trimmed_also_around_quoted_cells(rows_of):
    assert rows_of(b'a,\tb,\tc\n 1 ,\t"a, b" ,\t" x "\t\n') == ([(2, ["1", "a, b", "x"])], [])


def test_a_quoted_cell_can_contain_delimiters_line_breaks_and_doubled_quotes(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"x,y","one\ntwo\r\nthree"\n"say ""hi""","""",""\n7,8,9\n')
    assert rows == [
        (2, ["1", "x,y", "one\ntwo\r\nthree"]),
        (5, ['say "hi"', '"', ""]),
        (6, ["7", "8", "9"]),
    ]
    assert bad == []


def test_a_quote_in_the_middle_of_a_cell_is_a_character(rows_of):
    assert rows_of(b'a,b,c\n1,5" pipe,3\n4,a"b"c,6"\n')[0] == [(2, ["1", '5" pipe', "3"]), (3, ["4", 'a"b"c', '6"'])]


def test_text_after_a_closing_quote_makes_only_its_row_malformed(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"a"b,3\n4,5,6\n')
    assert rows == [(3, ["4", "5", "6"])]
    [(line, message)] = bad
    assert line == 2 and "Text follows the closing quote of cell 2 on line 2. Expected a comma" in message


def test_an_unclosed_quote_at_the_end_makes_only_its_row_malformed(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"x,3\n4,5,6\n\n7,8,9')
    assert rows == [(3, ["4", "5", "6"]), (5, ["7", "8", "9"])]
    [(line, message)] = bad
    assert line == 2 and "Cell 2 on line 2 begins with a quote that is never closed" in message


def test_an_unclosed_quote_ends_before_a_quoted_cell(rows_of):
    rows, bad = rows_of(b'a,b,c\n1,"x,3\n4,5,6\n7,"Smith",9\n')
    assert (rows, [line for line, _ in bad]) == ([(3, ["4", "5", "6"]), (4, ["7", "Smith", "9"])], [2])


def test_an_unclosed_quote_makes_only_the_lines_of_its_row_malformed(rows_of):
    rows, bad = rows_of(b'a,b,c\n"one\ntwo",2,"x\n4,5,6\n')
    assert (rows, [line for line, _ in bad]) == ([(4, ["4", "5", "6"])], [2])
    assert "on line 3" in bad[0][1]


def test_an_unclosed_quote_does_not_consume_a_large_file(write):
    body = b"".join(b"%d,%d,%d\n" % (n, n, n) for n in range(200_000))
    rows, bad, _ = read(write(b'a,b,c\n0,"x,0\n' + body), ABC)
    assert (len(rows), rows[0][0], rows[-1][0]) == (200_000, 3, 200_002)
    assert [(row.line, row.raw, row.cells) for row in bad] == [(2, '0,"x,0', None)]
