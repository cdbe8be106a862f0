"""JSON documents above the size limit: each is skipped alone, and never fully in memory."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.readers import ReadError, read_json
from imports.readers.long_documents import without_long

LONG = {"id": "b", "note": 'x"\\{[' * 50}
SHORT = {"id": "a", "list": [{"}": "]["}]}
SPELLINGS = {
    "one object": lambda objects: json.dumps(objects[0]),
    "an object on several lines": lambda objects: json.dumps(objects[0], indent=1),
    "an object a line": lambda objects: "\r\n".join(map(json.dumps, objects)),
    "an array": lambda objects: json.dumps(objects, indent=1),
    "an array on one line": lambda objects: json.dumps(objects),
}


@pytest.fixture
def read(tmp_path, settings):
    settings.DOCUMENT_LIMIT = 100

    def read(text: str) -> list:
        path = tmp_path / "subject.json"
        path.write_text(text, newline="")
        return [(d.line, d.value, d.error and d.error.removeprefix(f"{path}, ")) for d in read_json(path)]

    return read


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_document_of_the_most_bytes_is_read(read, spelling):
    assert [value for _, value, error in read(SPELLINGS[spelling]([SHORT])) if not error] == [SHORT]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_longer_document_is_an_error_by_itself(read, spelling):
    text = SPELLINGS[spelling]([LONG])
    ((_, value, error),) = read(text)
    assert value is None
    message = "expected a document of at most 100 bytes, found a longer one. Shorten it, or increase DOCUMENT_LIMIT."
    assert error.endswith(message)


@pytest.mark.parametrize("spelling", ["an object a line", "an array", "an array on one line"])
def test_the_documents_around_a_long_one_are_read_with_their_lines(read, settings, spelling):
    objects = [SHORT, LONG, SHORT, LONG, SHORT]
    result = read(SPELLINGS[spelling](objects))
    settings.DOCUMENT_LIMIT = 10_000
    assert [(line, value) for line, value, _ in result] == [
        (line, None if value == LONG else value) for line, value, _ in read(SPELLINGS[spelling](objects))
    ]


@pytest.mark.parametrize("text", ['"' + "a" * 500 + '"', '["' + "a" * 500 + '"]'])
def test_invalid_json_is_refused_or_too_long(read, text):
    with pytest.raises((ReadError, AssertionError)):
        assert read(text)[0][2] is None


@pytest.mark.parametrize("text", ['{"a": "' + "b" * 500, '{"a": [' + "{}," * 200, '{"a": "' + '\\"' * 300])
def test_a_document_without_an_end_is_too_long(read, text):
    ((line, value, error),) = read(text)
    assert (line, value) == (1, None) and "found a longer one" in error


@pytest.mark.parametrize("broken", ['{"a": "', '{"a": [', '{"a": "x\\', "]]}}", '"', "x", '{"a": "' + "b" * 500])
def test_documents_after_an_incomplete_line_are_separate(read, broken):
    lines = [json.dumps(SHORT)] * 5
    result = read("\n".join([lines[0], broken, *lines]))
    assert [(line, value) for line, value, _ in result] == [(n, None if n == 2 else SHORT) for n in range(1, 8)]
    assert result[1][2].startswith("line 2")


@given(st.text('{}[]":,\\ \n01a', max_size=60), st.integers(1, 7))
def test_short_documents_are_read_completely(text, size):
    data = text.encode()
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    assert without_long(blocks, 60) == (data, set())


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=30), max_size=3), min_size=1), st.integers(1, 50))
def test_exactly_the_long_documents_are_skipped_with_any_block_size(objects, size):
    texts = [json.dumps(item).encode() for item in objects]
    data = b"\n".join(texts)
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    text, long = without_long(blocks, 40)
    kept = [b"{}" if len(item) > 40 else item for item in texts]
    starts = [sum(map(len, kept[:place])) + place for place in range(len(kept))]
    assert long == {start for start, item in zip(starts, texts, strict=True) if len(item) > 40}
    assert text == b"\n".join(kept)


def test_a_string_of_100_megabytes_is_skipped_in_constant_memory(tmp_path):
    path = tmp_path / "subject.json"
    with path.open("w") as file:
        file.write('{"subject_id": "')
        for _ in range(100):
            file.write("a" * 2**20)
        file.write('"}\n{"subject_id": "b"}')
    tracemalloc.start()
    long, short = read_json(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert long.error and short.value == {"subject_id": "b"}
    assert peak < 64 * 2**20
