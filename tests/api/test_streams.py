"""Whole lists as files over HTTP: all filtered records, exactly, or an error."""

import csv
import gzip
import io
import json

import openpyxl
import pyarrow.parquet
import pytest
from django.utils import timezone

from exports import concurrency, xlsx
from people.models import Place

pytestmark = pytest.mark.django_db
LIST = "/api/people/places/"
NAMES = ["Kelso", "=1+1", 'He said "no"', "Ünsal, ὀδός\nline", "-"]
TODAY = timezone.localdate()


@pytest.fixture(autouse=True)
def places():
    cities = NAMES + [f"Town {n:04}" for n in range(len(NAMES), 1200)]
    Place.objects.bulk_create(
        Place(city=city, county="+county", country="Scotland" if n % 2 else "Ulster") for n, city in enumerate(cities)
    )


def fetch(client, query="", **headers):
    answer = client.get(f"{LIST}?{query}", headers=headers)
    assert answer.status_code == 200, answer.getvalue()
    return answer, answer.getvalue()


def test_csv_has_every_record_exactly(client):
    answer, body = fetch(client, "format=csv&fields=city,county,country")
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"] == f'attachment; filename="people-places_{TODAY}.csv"'
    header, *lines = csv.reader(io.StringIO(body.decode(), newline=""))
    assert header == ["city", "county", "country"]
    assert lines == [list(row) for row in Place.objects.order_by("pk").values_list(*header)]


def test_ndjson_has_the_records_of_the_pages(client):
    _, body = fetch(client, "format=ndjson&ordering=-city&country=Ulster")
    lines = [json.loads(line) for line in body.splitlines()]
    pages, address = [], f"{LIST}?ordering=-city&country=Ulster&page_size=500"
    while address:
        page = client.get(address).json()
        pages += page["results"]
        address = page["next"]
    assert lines == pages and len(lines) == 600


def test_parquet_and_excel_have_the_same_values(client):
    rows = list(Place.objects.order_by("pk").values_list("id", "city"))
    table = pyarrow.parquet.read_table(io.BytesIO(fetch(client, "format=parquet&fields=id,city")[1]))
    assert list(zip(*table.to_pydict().values(), strict=True)) == rows
    sheet = openpyxl.load_workbook(io.BytesIO(fetch(client, "format=xlsx&fields=id,city")[1])).active
    header, *cells = sheet.iter_rows(values_only=True)
    assert header == ("id", "city") and cells == rows


def test_the_accept_header_selects_the_format(client):
    assert fetch(client, accept="text/csv")[1].startswith(b"id,city,")
    assert fetch(client, accept="application/x-ndjson")[1].startswith(b'{"id":')


def test_a_file_is_compressed_on_request(client):
    _, plain = fetch(client, "format=csv")
    answer, packed = fetch(client, "format=csv&compress=gzip")
    assert gzip.decompress(packed) == plain and answer["Content-Disposition"].endswith(
        f'"people-places_{TODAY}.csv.gz"'
    )


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("format=csv&page_size=10", "page_size", "A download is not paginated. Remove page_size."),
        ("format=csv&count=exact", "count", "A download is not paginated. Remove count."),
        ("format=csv&cityy=Kelso", "cityy", "Did you mean city?"),
        ("format=csv&compress=zip", "compress", "Expected gzip, found zip."),
        ("compress=gzip", "compress", "Unknown parameter."),
    ],
)
def test_invalid_parameters_of_a_file_are_refused(client, query, parameter, message):
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert message in answer.json()["errors"][parameter][0]


def test_a_single_record_cannot_be_downloaded_as_a_file(client):
    key = Place.objects.get(city="Kelso").pk
    assert "format" in client.get(f"{LIST}{key}/?format=csv").json()["errors"]


def test_too_many_records_for_excel_name_the_other_formats(client, monkeypatch):
    monkeypatch.setattr(xlsx, "MOST", 1199)
    response = client.get(f"{LIST}?format=xlsx")
    assert response.status_code == 400
    assert "CSV or Parquet" in response.json()["errors"]["format"][0]
    fetch(client, "format=xlsx&country=Ulster")


def test_one_stream_too_many_gets_retry_after(client, settings):
    settings.STREAMS_AT_ONCE = 1
    going_on = client.get(f"{LIST}?format=csv")
    answer = client.get(f"{LIST}?format=ndjson")
    assert answer.status_code == 503 and int(answer["Retry-After"]) > 0
    assert answer["Content-Type"] == "application/problem+json"
    assert client.get(LIST).status_code == 200  # pages go on
    assert going_on.getvalue().count(b"\n") > 1200
    fetch(client, "format=ndjson")
    assert concurrency.taken() == 0


def test_a_head_request_does_not_start_a_stream(client, settings):
    settings.STREAMS_AT_ONCE = 1
    for _ in range(2):
        answer = client.head(f"{LIST}?format=csv")
        assert answer.status_code == 200 and answer["ETag"] and not answer.getvalue()
        assert "Content-Length" not in answer  # the length is unknown, not 0
    assert concurrency.taken() == 0


def test_a_file_with_a_current_etag_is_not_sent_again(client):
    answer, _ = fetch(client, "format=csv")
    assert client.get(f"{LIST}?format=csv", headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert client.get(f"{LIST}?format=csv", headers={"if-none-match": "*"}).status_code == 304
    assert concurrency.taken() == 0
