"""Exports have all values, the same in every format and from both engines."""

import gzip
import io
import json
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.core.management import call_command
from django.db.models import JSONField, Value
from django.utils import timezone

from census.models import Respondent
from datasets import exact_json
from experiments.models import User, UserExperiment, UserFeatures
from exports import xlsx
from exports.formats import (
    FORMATS,
    TooManyRowsError,
    UnknownColumnError,
    UnknownFormatError,
    UnwritableValueError,
    export,
)
from people.models import Person, Place
from subjects.models import Session, Subject
from tests.exports.conftest import ODD, rows_in, values_in


def ids(text: str) -> list[int]:
    return [int(number) for number in text.split(";")]


def one_day(value: str) -> date:
    return date.fromisoformat(value)


PEOPLE = {"id": int, "given_name": str, "date_of_birth": one_day, "place_of_birth": str, "created_in_run": int}
RUNS = {"experiment_id": int, "user": str, "experiment_run_time": float, "compounds": ids, "created_line": int}
SESSIONS = {"document": exact_json.loads, "id": int}


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_has_the_values_of_the_records(people, experiments, sessions, exported, file_format):
    assert values_in(exported(Person, PEOPLE, file_format), file_format, PEOPLE) == [
        (n, name, date(1850, 1, n), "Kelso, Scotland", None) for n, name in enumerate(ODD, 1)
    ]
    none = [] if file_format in ("json", "ndjson", "parquet") else None
    assert values_in(exported(UserExperiment, RUNS, file_format), file_format, RUNS) == [
        (1, "U1", 10.0, [9, 10], None),
        (2, "U1", 1.5e-7, none, None),
    ]
    assert values_in(exported(Session, SESSIONS, file_format), file_format, SESSIONS) == [
        (Session.objects.get().document, 1)
    ]


def test_csv_for_a_spreadsheet_has_escaped_formulas_and_says_so(people, exported):
    content = exported(Person, ["given_name"], "csv", rows=Person.objects.filter(id__in=[2, 5, 6, 7, 8]), defused=True)
    assert content.startswith(b"\xef\xbb\xbfgiven_name,cells_defused\n")
    assert [(*row.values(),) for row in rows_in(content, "csv")] == [
        ("", "yes"), ("'=1+1", "yes"), ("''=x", "yes"), (r"\.", "yes"), ("'", "yes"),
    ]  # fmt: skip


def test_csv_distinguishes_a_missing_value_from_an_empty_text(people, exported):
    Person.objects.filter(id__gt=2).delete()
    assert [row["created_in_run"] for row in rows_in(exported(Person, PEOPLE, "csv"), "csv")] == [None, None]
    assert b'2,"",1850-01-02' in exported(Person, PEOPLE, "csv")


def test_a_document_that_is_null_is_no_missing_document(sessions, exported):
    Session.objects.update(document=Value(None, JSONField()))
    assert rows_in(exported(Session, SESSIONS, "csv"), "csv") == [{"document": "null", "id": "1"}]
    assert rows_in(exported(Session, SESSIONS, "ndjson"), "ndjson") == [{"document": None, "id": 1}]


def test_a_text_that_is_a_list_is_a_list(experiments, exported):
    call_command("refresh_views", verbosity=0)
    kinds = {"user_id": int, "most_common_compounds": ids, "mean_run_time": float}
    for file_format in FORMATS:
        none = [] if file_format in ("json", "ndjson", "parquet") else None
        values = values_in(exported(UserFeatures, kinds, file_format), file_format, kinds)
        assert values == [(1, [9, 10], 5.000000075), (2, none, None)]


def test_addresses_are_masked_except_for_users_with_the_permission(experiments, exported, django_user_model):
    for file_format in ("csv", "ndjson", "parquet", "xlsx"):
        assert b"alice@" not in exported(User, None, file_format)
    assert (
        exported(User, ["email"], "csv") == b"email,masked_columns\na****@example.com,email\n@****@example.org,email\n"
    )
    assert exported(User, ["email"], "csv", user=AnonymousUser()) == exported(User, ["email"], "csv")
    assert exported(User, ["email"], "csv", defused=True).splitlines()[2] == b"'@****@example.org,email,yes"
    curator = django_user_model.objects.create_user("cleo")
    curator.user_permissions.add(Permission.objects.get(codename="view_email"))
    assert exported(User, ["email"], "csv", user=curator) == b"email\nalice@example.com\n@b@example.org\n"


def test_parquet_has_types_and_distinguishes_null_from_empty(people, exported):
    table = pa.parquet.read_table(io.BytesIO(exported(Person, None, "parquet")))
    assert table.column("given_name").to_pylist() == ODD
    assert table.column("date_of_birth").to_pylist()[0] == date(1850, 1, 1)
    assert table.column("created_in_file").null_count == len(ODD)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert (kinds["id"], kinds["date_of_birth"], kinds["place_of_birth"]) == ("int64", "date32[day]", "string")
    census = pa.parquet.read_schema(io.BytesIO(exported(Respondent, None, "parquet")))
    kinds = {field.name: str(field.type) for field in census}
    assert kinds["income_over_50k"] == "bool" and kinds["age"] == "int16"
    assert kinds["education"] == kinds["sex"] == "dictionary<values=string, indices=int32, ordered=0>"


def test_excel_has_values_and_no_formulas(people, sessions, exported):
    sheet = openpyxl.load_workbook(io.BytesIO(exported(Person, ["id", "given_name", "date_of_birth"], "xlsx"))).active
    head, *rows = sheet.iter_rows()
    assert [cell.value for cell in head] == ["id", "given_name", "date_of_birth"]
    assert [row[0].value for row in rows] == list(range(1, len(ODD) + 1))
    assert rows[4][1].value == "=1+1" and rows[4][1].data_type == "s" and rows[4][1].quotePrefix
    assert rows[0][2].value == "1850-01-01"  # not a date in Excel
    Subject.objects.update(date_of_birth=date(2020, 2, 29))
    sheet = openpyxl.load_workbook(io.BytesIO(exported(Subject, ["subject_id", "date_of_birth"], "xlsx"))).active
    assert [cell.value for cell in sheet[2]] == ["007", datetime(2020, 2, 29)]  # noqa: DTZ001 - as in Excel


def test_excel_refuses_values_that_it_cannot_store(people, sessions, monkeypatch):
    monkeypatch.setattr(xlsx, "MOST", len(ODD))
    export(Person, Person.objects.all(), None, None, "xlsx").close()
    monkeypatch.setattr(xlsx, "MOST", len(ODD) - 1)
    with pytest.raises(TooManyRowsError, match=f"at most {len(ODD) - 1} records.*CSV or Parquet"):
        export(Person, Person.objects.all(), None, None, "xlsx")
    Session.objects.update(document=["x" * 40_000])
    with pytest.raises(UnwritableValueError, match=r"document of record 1 has 40,0.. characters.*CSV or Parquet"):
        export(Session, Session.objects.all(), ["document"], None, "xlsx")


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_empty_result_is_a_valid_file(db, exported, file_format):
    for none in (Person.objects.none(), Person.objects.filter(id__in=[]), Person.objects.all()):
        content = exported(Person, ["id"], file_format, rows=none)
        match file_format:
            case "csv":
                assert content == b"id\n"
            case "json":
                assert json.loads(content) == []
            case "ndjson":
                assert content == b""
            case "parquet":
                assert pa.parquet.read_table(io.BytesIO(content)).num_rows == 0
            case "xlsx":
                assert openpyxl.load_workbook(io.BytesIO(content)).active.max_row == 1


def test_columns_and_records_have_the_requested_order(people, exported):
    ordered = Person.objects.filter(given_name__contains="=").order_by("-id")
    assert exported(Person, ["family_name", "id"], "csv", rows=ordered) == b"family_name,id\nMac,6\nMac,5\n"
    sliced = Person.objects.order_by("-id")[:2]
    assert exported(Person, ["id"], "csv", rows=sliced) == b"id\n9\n8\n"
    joined = Place.objects.filter(people_born__family_name="Mac").distinct()
    assert exported(Place, ["id", "country"], "csv", rows=joined) == b"id,country\n1,Scotland\n"
    percent = Person.objects.filter(given_name="100%s").extra(where=["'%%' = '%%'"])
    assert exported(Person, ["id"], "csv", rows=percent) == b"id\n"


def test_an_invalid_export_is_reported(db):
    with pytest.raises(UnknownFormatError, match="one of the formats csv, json, ndjson, parquet, xlsx; found pdf"):
        export(Place, Place.objects.all(), None, None, "pdf")
    with pytest.raises(UnknownColumnError, match=r"Unknown column contry\. Did you mean country\?"):
        export(Place, Place.objects.all(), ["contry"], None, "csv")
    with pytest.raises(UnknownColumnError, match=r"The column id occurs twice\."):
        export(Place, Place.objects.all(), ["id", "city", "id"], None, "csv")
    with pytest.raises(UnknownColumnError, match=r"Choose at least one column\. Columns: id, "):
        export(Place, Place.objects.all(), [], None, "csv")


def test_a_file_may_be_compressed(people, exported):
    plain = exported(Person, None, "csv")
    assert gzip.decompress(exported(Person, None, "csv", compress=True)) == plain
    packed = export(Person, Person.objects.all(), None, None, "ndjson", compress=True)
    name = f"people-people_{timezone.localdate()}"
    assert (packed.filename, packed.content_type) == (f"{name}.ndjson.gz", "application/gzip")
    packed.close()
    with export(Person, Person.objects.all(), None, None, "parquet", compress=True) as already:
        assert already.filename == f"{name}.parquet"


def test_a_long_export_is_written_in_blocks(db):
    Place.objects.bulk_create(Place(city=f"city {n}", county="x" * 150, country="y") for n in range(3000))
    blocks = list(export(Place, Place.objects.all(), None, None, "csv"))
    assert len(blocks) > 5 and max(map(len, blocks)) < 100_000
    assert b"".join(blocks).count(b"\n") == 3001


FLOATS = [
    0.0, 1e15, 999999999999999.0, 1e14, 1e-4, 1e-5, 123456.789, 1e300, 5e-324, 0.1, 2.0, 1 / 3, 1e100, 0.1 + 0.2,
    1.7976931348623157e308, 2.0**53 + 2, 1e16, 1e22, 123456789012345680.0,
]  # fmt: skip


@pytest.mark.parametrize("file_format", FORMATS)
def test_floats_are_exact(db, exported, file_format):
    User.objects.create(user_id=1, name="U", email="u@example.com", signup_date=date(2023, 1, 1))
    UserExperiment.objects.bulk_create(
        UserExperiment(experiment_id=n, user_id=1, experiment_run_time=x) for n, x in enumerate(FLOATS)
    )
    kinds = {"experiment_run_time": float}
    times = [float(x) for (x,) in values_in(exported(UserExperiment, kinds, file_format), file_format, kinds)]
    assert list(map(repr, times)) == list(map(repr, FLOATS))


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_number_that_json_lacks_is_a_text(experiments, exported, file_format):
    UserExperiment.objects.filter(experiment_id=1).update(experiment_run_time=float("inf"))
    kinds = {"experiment_run_time": float}
    content = exported(UserExperiment, kinds, file_format)
    assert values_in(content, file_format, kinds) == [(float("inf"),), (1.5e-7,)]
    assert ("json" in file_format) == (b'"Infinity"' in content)
