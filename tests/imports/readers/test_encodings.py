"""Detection of encodings and kinds of files, and the error messages."""

import pytest

from imports.readers import ReadError, find_layout
from tests.imports.readers.readings import ABC, read, refused


def test_utf8_is_read_with_or_without_a_byte_order_mark(rows_of):
    for mark in (b"", b"\xef\xbb\xbf"):
        assert rows_of(mark + "a,b,c\nŁódź,ð,Тбилиси\n".encode()) == ([(2, ["Łódź", "ð", "Тбилиси"])], [])


def test_a_byte_order_mark_inside_a_file_is_a_character(rows_of):
    assert rows_of(b"a,b,c\n\xef\xbb\xbf1,2,3\n\xef\xbb\xbf4,5,6")[0] == [
        (2, ["\ufeff1", "2", "3"]),
        (3, ["\ufeff4", "5", "6"]),
    ]


@pytest.mark.parametrize("size", [1001, 1 << 20])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_invalid_utf8_is_refused_with_its_position(write, size, mark):
    path = write(mark + b"a,b,c\r\n" + b"1,2,3\r\n" * 20_000 + "ñé,Espa".encode() + b"\xf1a,3\r\n")
    with pytest.raises(ReadError) as caught:
        read(path, block_size=size)
    assert f"{path}, line 20002, column 8: expected UTF-8, found byte 0xF1" in str(caught.value)
    assert "for example cp1252" in str(caught.value)


def test_an_incomplete_character_at_the_end_is_refused(write):
    assert ", line 2, column 6: expected UTF-8, found byte 0xC3" in refused(write, b"a,b,c\n1,2,3\xc3")


def test_another_encoding_is_read_if_it_is_named(rows_of):
    content = "a,b,c\nEspaña,“x”,3\n"
    for encoding in ("cp1252", "utf-16", "utf-16-be", "UTF8", "utf-8-sig"):
        assert rows_of(content.encode(encoding), encoding=encoding)[0] == [(2, ["España", "“x”", "3"])]


def test_a_byte_outside_the_named_encoding_is_refused_with_its_position(write):
    content = b"a,b,c\n" + b"1,2,3\n" * 20_000 + b"x,\x81,z\n"
    sentence = refused(write, content, encoding="cp1252", block_size=1000)
    assert sentence.startswith(", line 20002, column 3: expected cp1252, found byte 0x81")


def test_an_incomplete_utf16_character_at_the_end_is_refused(write):
    assert "line 2, column 6: expected utf-16-le, found an incomplete character" in refused(
        write, "a,b,c\n1,2,3".encode("utf-16-le") + b"\n", encoding="utf-16-le"
    )


@pytest.mark.parametrize("name", ["klingon", "hex", "", "rot13", "base64"])
def test_an_unknown_encoding_is_refused(write, name):
    with pytest.raises(ReadError, match=r"There is no text encoding .*; expected a name such as utf-8"):
        find_layout(write(b"a,b,c\n"), ABC, encoding=name)


def test_utf16_with_a_byte_order_mark_is_reported(write):
    assert "byte order mark of UTF-16. If that is correct, specify utf-16 as the encoding of the file." in refused(
        write, "a,b,c\n".encode("utf-16")
    )


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04\x14\x00", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (b"%PDF-1.7\n", "PDF"),
        (b"SQLite format 3\x00", "SQLite"),
    ],
)
def test_other_file_formats_are_reported_by_name(write, content, kind):
    sentence = refused(write, content)
    assert kind in sentence and "expected a CSV file" in sentence


def test_a_missing_file_is_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ReadError, match="cannot be read: "):
            find_layout(path, ABC)
