"""Parquet, Feather and JSON tables are read like CSV: the same checks, row numbers and rejected rows."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest

from imports.models import RejectedRow
from imports.readers import ReadError, find_layout, read_csv
from imports.readers.arrow_texts import texts
from imports.readers.layout import ExpectedColumns

PEOPLE = [
    {"given_name": "Ann", "family_name": "Mac", "date_of_birth": date(1901, 2, 3), "place_of_birth": "Kelso"},
    {"given_name": "Bea", "family_name": None, "date_of_birth": date(1902, 3, 4), "place_of_birth": "Kelso"},
    {"given_name": "Cy", "family_name": 'A "b", c\nd', "date_of_birth": date(1903, 1, 1), "place_of_birth": "Nowhere"},
]
PLACES = [{"city": "Kelso", "county": "Roxburghshire", "country": "Scotland"}]


def parquet(path, rows):
    pa.parquet.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), path)


def feather(path, rows):
    pa.feather.write_feather(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), path)


def ndjson(path, rows):
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))


def array(path, rows):
    path.write_text(json.dumps(rows, default=str))


def indented(path, rows):
    path.write_text(json.dumps(rows, default=str, indent=2))


WRITERS = {"people.parquet": parquet, "people.feather": feather, "people.ndjson": ndjson, "people.json": array}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_is_imported_with_row_numbers_and_rejected_rows(name, tmp_path, importing, rows):
    parquet(tmp_path / "places.parquet", PLACES)
    WRITERS[name](tmp_path / name, PEOPLE)
    report = importing("people", tmp_path / "places.parquet", tmp_path / name)
    assert report.counts == {"places": {"read": 1, "created": 1}, "people": {"read": 3, "created": 1, "rejected": 2}}
    assert report.rejected == [(name, 2, "family_name"), (name, 3, "place_of_birth")]
    assert rows("SELECT given_name, created_line FROM people") == [("Ann", 1)]
    assert RejectedRow.objects.get(line=3).values["family_name"] == 'A "b", c\nd'
    report = importing("people", tmp_path / name)
    assert report.counts == {"people": {"read": 3, "unchanged": 1, "rejected": 2}}


@pytest.mark.only_on("sqlite")
def test_json_objects_are_numbered_by_line_or_by_position(tmp_path, importing):
    ndjson(tmp_path / "places.ndjson", PLACES)
    importing("people", tmp_path / "places.ndjson")
    indented(tmp_path / "people.json", PEOPLE)
    assert [line for _, line, *_ in importing("people", tmp_path / "people.json").rejected] == [8, 14]
    lines = [json.dumps(row, default=str) for row in PEOPLE]
    broken = tmp_path / "more.ndjson"
    broken.write_text("\r\n".join([lines[0], "no object", '{"given_name": 1,', lines[1], '{"given_name": {"a": 1}}']))
    report = importing("people", broken, "--dry-run", "--as", "people.json")
    assert [line for _, line, *_ in report.rejected] == [2, 3, 4, 5]
    problems = [entry["problems"][0]["message"] for entry in report["rejections"]]
    assert "Expected a JSON object" in problems[0] and "Expected an object on a single line" in problems[1]
    assert '"given_name" has nested values' in problems[3]


def test_values_are_written_as_in_a_csv_file():
    columns = {
        "1;2": pa.array([[1, 2], None, []]),
        "3": pa.array([3.0, 0.1, None]),
        "1.50": pa.array([Decimal("1.50"), None, None]),
        "true": pa.array([True, False, None]),
        "1984-03-01": pa.array([datetime(1984, 3, 1, tzinfo=UTC), datetime(1984, 3, 1, 10, tzinfo=UTC), None]),
        "x": pa.array(["x", None, ""]).dictionary_encode(),
        "": pa.nulls(3),
    }
    for first, column in columns.items():
        written = texts(column)
        written = (written.dictionary_decode() if pa.types.is_dictionary(written.type) else written).to_pylist()
        assert written[0] == first and written[2] == ""
    assert texts(columns["3"]).to_pylist()[1] == "0.1"
    assert texts(columns["1984-03-01"]).to_pylist()[1].startswith("1984-03-01 10:00:00")


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("places.parquet", lambda data: data[:-20], "the Parquet file cannot be read"),
        ("places.feather", lambda data: data[:-20], "the Feather file cannot be read"),
        ("places.parquet", lambda data: b"PARE\x15" + data[5:], "looks like an encrypted Parquet file"),
        ("places.parquet.gz", gzip.compress, "which is already compressed. Import it as it is."),
        ("places.json", lambda data: b'[{"city": "a"}, 3]', "line 1: expected a JSON object"),
        ("places.json", lambda data: b'[{"city": "a"}\n {"city": "b"}]', "line 2: expected a comma or the closing"),
        ("places.json", lambda data: b'[{"city": "a"}, {"city"', "expected the closing bracket of the object"),
    ],
)
def test_a_damaged_table_is_refused(name, content, sentence, tmp_path, refused):
    kind = feather if "feather" in name else parquet
    kind(tmp_path / "whole", PLACES)
    (tmp_path / name).write_bytes(content((tmp_path / "whole").read_bytes()))
    assert sentence in refused("people", tmp_path / name)


@pytest.mark.only_on("sqlite")
def test_nested_values_are_refused_in_columns_of_the_source_only(tmp_path, refused, importing):
    parquet(tmp_path / "places.parquet", [PLACES[0] | {"more": {"a": 1}}])
    assert importing("people", tmp_path / "places.parquet").counts["places"]["created"] == 1
    parquet(tmp_path / "places.parquet", [PLACES[0] | {"county": {"a": 1}}])
    assert "the column county has nested values (struct<a: int64>)" in refused("people", tmp_path / "places.parquet")


def test_a_feather_file_that_becomes_too_large_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("imports.readers.arrow_tables.MOST_MESSAGE", 100_000)
    expected = ExpectedColumns({"a": ()}, frozenset())
    names = pa.table({"a": pa.array(["x" * 20] * 10_000)})
    feather(tmp_path / "a.feather", names)
    with pytest.raises(ReadError, match=r"a record batch of the Feather file has 2[0-9]{2},[0-9]{3} bytes in memory"):
        find_layout(tmp_path / "a.feather", expected)
    pa.feather.write_feather(names, tmp_path / "a.feather", chunksize=1000)
    layout = find_layout(tmp_path / "a.feather", expected)
    batches = list(read_csv(tmp_path / "a.feather", layout, expected))
    assert sum(len(batch.lines) for batch in batches) == 10_000 and batches[-1].lines[-1] == 10_000


def test_repeated_text_in_a_parquet_file_is_read_in_bounded_parts(tmp_path):
    expected = ExpectedColumns({"a": ()}, frozenset())
    parquet(tmp_path / "a.parquet", pa.table({"a": pa.array(["x" * 100_000] * 5000)}))
    assert (tmp_path / "a.parquet").stat().st_size < 200_000
    layout = find_layout(tmp_path / "a.parquet", expected)
    before, most = pa.total_allocated_bytes(), 0
    for batch in read_csv(tmp_path / "a.parquet", layout, expected):
        most = max(most, pa.total_allocated_bytes() - before)
        assert len(batch.lines) <= 200
    assert most < 64 << 20


@pytest.mark.only_on("sqlite")
def test_rows_with_nul_characters_and_long_rows_are_rejected(tmp_path, importing):
    parquet(tmp_path / "places.parquet", [PLACES[0], PLACES[0] | {"city": "a\0b"}, PLACES[0] | {"city": "x" * 2**20}])
    report = importing("people", tmp_path / "places.parquet")
    assert report.counts == {"places": {"read": 3, "created": 1, "rejected": 2}}
    assert [line for _, line, *_ in report.rejected] == [2, 3]
