"""JSON files: one object, an array, or NDJSON; and the positions of errors."""

from decimal import Decimal

import pytest

from datasets import exact_json
from imports.readers import ReadError, read_json


def documents(path):
    return [(document.line, document.value) for document in read_json(path)]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'\n {"a": 1}\n', [(2, {"a": 1})]),
        (b'\xef\xbb\xbf{"a":\r\n [1, "\xc3\xa9"]}', [(1, {"a": [1, "é"]})]),
        (b'[{"a": 1},\n{"a":\n2}, {"a": 3}]', [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": 3})]),
        (b'{"a": 1}\n\n{"a": 2}\r\n{"a": 3}', [(1, {"a": 1}), (3, {"a": 2}), (4, {"a": 3})]),
        (b'{"a": 1} {"a": 2}{"a": 3}', [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": 3})]),
        (b'{"a": 1}\n{"a": 2} {"a": 3}\n', [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": 3})]),
        (b" [ ] ", []),
        (b'{"a": {"b": 1}, "c": {"b": 1}, "e": "\\u00e9\\ud83d\\ude00 \\\\u0000"}', None),
    ],
)
def test_json_is_an_object_an_array_or_an_object_a_line(write, content, wanted):
    result = documents(write(content))
    assert result == wanted if wanted is not None else result[0][1]["e"] == "é😀 \\u0000"


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b'{"a": 1,\n "b" 2}', "line 2, column 6", 'expected a colon, found "2}"'),
        (b'{"a": 1', "line 1, column 8", "expected a comma or a closing bracket, found the end of the file"),
        (b'{"a":\n1}\n{"a": 2}', "line 3, column 1", "expected the end of the file after the object"),
        (b'{"a": 1}\n{"a":\n2}', "line 2, column 1", "expected an object on a single line"),
        (b'[{"a": 1},\r\n 2]', "line 2, column 2", 'expected a JSON object ({…}), found "2]"'),
        (b'[{"a": 1}', "line 1, column 10", "expected a comma or the closing bracket of the array"),
        (b'[{"a": 1}] x', "line 1, column 12", "expected the end of the file after the array"),
        (b'"text"', "line 1, column 1", "expected a JSON object"),
        (b'{"a": "x\ty"}', "line 1, column 9", "escapes, such as "),
        (b'{"a": "x', "line 1, column 7", "expected a closing quote"),
        (b'{"a": "\xf1"}', "line 1, column 8", "expected UTF-8, found byte 0xF1"),
    ],
)
def test_invalid_json_is_refused_with_its_position(write, content, place, words):
    path = write(content, "subject.json")
    with pytest.raises(ReadError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}, {place}: ") and words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (
            b'{"a": {"b": 1},\n"c": {"b": 2, "d": [{"b": 1}], "b": 3}}',
            "line 2, column 32",
            'each name once in an object, found ""b""',
        ),
        (b'{"a": 1,\r"\\u0061": 2}', "line 2, column 1", "each name once"),
        (b'{"a": "NaN",\n"b": NaN}', "line 2, column 6", 'a JSON number, found "NaN"'),
        (b'{"a": -Infinity}', "line 1, column 7", "a JSON number"),
        (b'{"a": 1e999}', "line 1, column 7", 'a number with an exponent from -400 to 400, found "1e999"'),
        (b'{"a": ' + b"9" * 5000 + b"}", "line 1, column 7", "a number of at most 64 significant digits"),
        (b'{"a": "\xc3\xa9x", "b": "\\u0000"}', "line 1, column 18", "a string without NUL characters"),
        (b'{"a": "\\ud800"}', "line 1, column 7", "unpaired surrogates"),
        (b'{"a":' * 100_000, "line 1, column 1", "at most 64 levels of nested objects and arrays, found more"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "line 1, column 1", "at most 64 levels"),
        (b'{"a": -1E-401}', "line 1, column 7", "a number with an exponent from -400 to 400"),
        (b'{"a": 0.' + b"0" * 400 + b"1}", "line 1, column 7", "a number with an exponent from -400 to 400"),
        (b'{"a": 1' + b"0" * 401 + b"}", "line 1, column 7", "a number with an exponent from -400 to 400"),
        (b'{"a": 1e99999999999999999999}', "line 1, column 7", "a number with an exponent from -400 to 400"),
        (b'{"a": 0.' + b"3" * 65 + b"}", "line 1, column 7", "a number of at most 64 significant digits"),
        (b'{"a": ' + b"7" * 65 + b"}", "line 1, column 7", "a number of at most 64 significant digits"),
    ],
)
def test_an_invalid_object_is_an_error_by_itself_with_its_position(write, content, place, words):
    path = write(content, "subject.json")
    (document,) = read_json(path)
    assert document.error.startswith(f"{path}, {place}: ") and words in document.error
    assert document.value is None and document.raw == content.decode()[: 1 << 20]


@pytest.mark.parametrize("before, between, after", [("", "\n", "\n"), ("[", ",\n", "]")])
def test_the_other_objects_of_the_file_are_read(write, before, between, after):
    texts = ['{"a": 1}', '{"b": NaN}', '{"c": ' + "[" * 5000 + "]" * 5000 + "}", '{"d": 1e999, "e": "]"}', '{"f": 2}']
    result = read_json(write((before + between.join(texts) + after).encode()))
    assert [(d.line, d.value, d.raw) for d in result if not d.error] == [(1, {"a": 1}, ""), (5, {"f": 2}, "")]
    assert [(d.line, d.raw) for d in result if d.error] == list(enumerate(texts[1:4], 2))


@pytest.mark.parametrize(
    "number",
    ["0.1234567890123456789", "123456789012345678901234567890", "1E5", "-1e400", "1e-400", "1.0", "0." + "3" * 64,
     "-0.0", "1" + "0" * 400, "1." + "0" * 5000, "0e400", "12345678901234567890.5E-7"],
)  # fmt: skip
def test_a_number_keeps_its_exact_value(write, number):
    (document,) = read_json(write((f'{{"a": [{number}], "b": ' + "[" * 63 + "]" * 63 + "}").encode()))
    (value,) = document.value["a"]
    assert Decimal(repr(value) if isinstance(value, float) else value) == Decimal(number)
    for written in (exact_json.text(value).encode(), exact_json.dumps(value)):
        assert exact_json.loads(written) == value and Decimal(str(written, "ascii")) == Decimal(number)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_json_file_is_refused(write, content):
    with pytest.raises(ReadError, match="the file is empty; expected a JSON object"):
        read_json(write(content))


def test_a_workbook_is_not_json(write):
    with pytest.raises(ReadError, match=r"looks like a zip archive .* expected a JSON file"):
        read_json(write(b"PK\x03\x04"))
