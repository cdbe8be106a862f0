"""The Export tab: an exact count, a file in every format, and an API address and a command for the same bytes."""

import csv
import gzip
import io
import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import openpyxl
import pyarrow.parquet
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from datasets.records import pagination
from datasets.versions import versions_behind
from exports import concurrency, xlsx
from exports.formula_escaping import MARK
from people.models import Person
from tests.explore.conftest import ODD

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
PEOPLE = "people/people/export/"
NAMED, TODAY = "people-people", timezone.localdate().isoformat()
COLUMNS = ["given_name", "place_of_birth", "date_of_birth"]
CHOSEN = f"columns={','.join(COLUMNS)}&ordering=-date_of_birth"


def code(page, element):
    """Return a text of the page that users can copy, or None."""
    match = re.search(rf'<code id="{element}">(.*?)</code>', page)
    return match and unescape(match[1])


def download(reader, query, **headers):
    """Return the address of a page's button."""
    page = reader.page(f"{PEOPLE}?{query}")
    address = unescape(re.search(r'href="([^"]+)" id="download"', page)[1])
    answer = reader.get(address, headers=headers)
    assert answer.status_code == 200
    return answer, answer.getvalue()


def stored():
    rows = Person.objects.order_by("-date_of_birth").values_list("given_name", "place_of_birth__city", "date_of_birth")
    return [(name, city, day.isoformat()) for name, city, day in rows]


def run_here(command, folder, monkeypatch):
    """Run a shell line in this process, with *folder* as the current one."""
    words = command.replace("python manage.py", "printf '%s\\0'", 1)
    parted = subprocess.run(words, shell=True, capture_output=True, text=True, check=True)
    monkeypatch.chdir(folder)
    call_command(*parted.stdout.split("\0")[:-1])


def run(command, folder, environment):
    """Run a line in a shell, with *folder* as the current one."""
    line = command.replace("python manage.py", f'"{sys.executable}" "{ROOT}/manage.py"', 1)
    assert line != command
    done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.only_on("sqlite")
def test_the_page_states_the_exact_contents_of_the_file(reader, people):
    page = reader.page(f"{PEOPLE}?{CHOSEN}&county_of_birth=Fife")
    assert "<strong>2</strong> people, 3 columns: <code>given_name</code>, <code>place_of_birth</code>" in page
    assert f"Download {NAMED}_county-of-birth-Fife_{TODAY}.csv" in page and 'id="format-csv" checked' in page


def test_many_records_are_estimated_first_and_counted_on_request(reader, people, monkeypatch, execute):
    monkeypatch.setattr(pagination, "COUNTED", 1)
    execute("ANALYZE")
    every, some = reader.page(PEOPLE), reader.page(f"{PEOPLE}?county_of_birth=Roxburgh")
    if connection.vendor == "postgresql":
        assert "<strong>about 6</strong> people" in every and re.search("<strong>about [2-9]</strong> people", some)
    else:  # counts a whole table quickly
        assert "<strong>6</strong> people" in every and "<strong>more than 1</strong> people" in some
    (address,) = re.findall(r'\(<a href="(.*?)">count exactly</a>\)', some)
    page = reader.page(PEOPLE + unescape(address))
    assert "<strong>3</strong> people" in page and "count exactly" not in page
    assert "count=" not in code(page, "api-address")
    assert "An Excel file" not in reader.page(f"{PEOPLE}?format=xlsx")


def test_csv_json_and_ndjson_have_the_stored_values(reader, people):
    answer, body = download(reader, CHOSEN)
    assert answer["Content-Disposition"] == f'attachment; filename="{NAMED}_{TODAY}.csv"'
    header, *lines = csv.reader(io.StringIO(body.decode(), newline=""))
    assert header == COLUMNS and [tuple(line) for line in lines] == stored()
    records = [dict(zip(COLUMNS, row, strict=True)) for row in stored()]
    assert json.loads(download(reader, f"{CHOSEN}&format=json")[1]) == records
    assert [json.loads(line) for line in download(reader, f"{CHOSEN}&format=ndjson")[1].splitlines()] == records


def test_excel_and_parquet_have_the_stored_values(reader, people):
    sheet = openpyxl.load_workbook(io.BytesIO(download(reader, f"{CHOSEN}&format=xlsx")[1])).active
    header, *cells = sheet.iter_rows(values_only=True)
    assert list(header) == COLUMNS
    assert [(name, city, day) for name, city, day in cells] == stored()  # Excel has no dates before 1900
    table = pyarrow.parquet.read_table(io.BytesIO(download(reader, f"{CHOSEN}&format=parquet")[1]))
    rows = zip(*(table.column(name).to_pylist() for name in COLUMNS), strict=True)
    assert [(name, city, day.isoformat()) for name, city, day in rows] == stored()


@pytest.mark.only_on("sqlite")
def test_a_workbook_says_what_it_contains(reader, people):
    _, body = download(reader, f"{CHOSEN}&format=xlsx&county_of_birth=Fife&search=mac")
    book = openpyxl.load_workbook(io.BytesIO(body))
    assert book.sheetnames == ["People", "About this file"] and book.active.title == "People"
    assert book["People"].freeze_panes == "A2"
    widths = {letter: column.width for letter, column in book["People"].column_dimensions.items()}
    assert 8 < widths["B"] < 61 and widths["B"] != widths["A"]
    about = list(book["About this file"].iter_rows(values_only=True))
    assert ("Dataset", "People") in about and ("Table", "People") in about
    assert [value for name, value in about if name == "Filter"] == ["county_of_birth=Fife", "search=mac"]
    assert dict(about)["Day"].date() == timezone.localdate()
    assert dict(about)["Version of the data"] == versions_behind(Person)
    source = urlsplit(dict(about)["Source"])
    assert (source.scheme, source.netloc, source.path) == ("http", "testserver", "/explore/people/people/")
    assert reader.get(f"{source.path}?{source.query}").status_code == 200 and "county_of_birth=Fife" in source.query


@pytest.mark.only_on("sqlite")
def test_a_compressed_file_has_the_same_content(reader, people):
    answer, body = download(reader, f"{CHOSEN}&compress=gzip")
    assert answer["Content-Disposition"] == f'attachment; filename="{NAMED}_{TODAY}.csv.gz"'
    assert gzip.decompress(body) == download(reader, CHOSEN)[1]
    page = reader.page(f"{PEOPLE}?{CHOSEN}&compress=gzip&format=parquet")
    assert f"Download {NAMED}_{TODAY}.parquet" in page and 'id="compress" disabled' in page


@pytest.mark.only_on("sqlite")
def test_a_file_for_a_spreadsheet_has_escaped_formulas_and_says_so(reader, people):
    Person.objects.filter(given_name="G6").update(given_name="=1+1")
    _, body = download(reader, f"{CHOSEN}&spreadsheet=true")
    header, first, *_ = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    assert header == [*COLUMNS, MARK] and first[0] == "'=1+1"
    assert b"\n=1+1," in download(reader, CHOSEN)[1]
    page = reader.page(f"{PEOPLE}?{CHOSEN}&spreadsheet=true")
    assert code(page, "api-address") is None and "format=csv" in code(page, "api-rows")
    assert "--spreadsheet" in code(page, "command")


@pytest.mark.parametrize("file_format", ["csv", "json", "ndjson", "parquet", "xlsx"])
@pytest.mark.parametrize("more", ["", f"&place_of_birth={quote(ODD)}&search=mac%20oig", "&columns=id&compress=gzip"])
def test_the_command_and_the_api_address_give_the_same_bytes(
    reader, people, child_environment, tmp_path, monkeypatch, file_format, more
):
    query = f"{'' if 'columns' in more else CHOSEN}&format={file_format}{more}"
    page = reader.page(f"{PEOPLE}?{query}")
    answer, body = download(reader, query)
    filename = re.search(r'filename="(.*)"', answer["Content-Disposition"])[1]
    if "search" in more and file_format == "csv":  # characters with a special meaning in a shell
        run(code(page, "command"), tmp_path, child_environment)
    else:
        run_here(code(page, "command"), tmp_path, monkeypatch)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [filename]
    written = (tmp_path / filename).read_bytes()
    if file_format == "xlsx":
        written, body = (sheet(content) for content in (written, body))
    assert written == body
    address = code(page, "api-address")
    assert (address is None) == (file_format == "json")
    if address:
        parts = urlsplit(address)
        sent = reader.get(f"{parts.path}?{parts.query}").getvalue()
        assert (sheet(sent) if file_format == "xlsx" else sent) == body


def sheet(workbook):
    """Return the cells of a workbook after a check of its creation time."""
    return list(openpyxl.load_workbook(io.BytesIO(workbook)).active.iter_rows(values_only=True))


def test_the_command_needs_the_permissions_of_its_user(signed_in, experiments, child_environment, tmp_path):
    curator, analyst = signed_in("Curators", name="grace o'hara"), signed_in("Analysts", name="eve")
    address = "experiments/users/export/?columns=email&format=csv"
    for reader, email, name in [
        (curator, b"alice@example.com", f"experiments-users_{TODAY}.csv"),
        (analyst, b"a****@example.com,email", f"experiments-users_{TODAY}.masked.csv"),
    ]:
        command = code(reader.page(address), "command")
        assert ("--as-user" in command) == (reader is curator)
        run(command, tmp_path, child_environment)
        assert (tmp_path / name).read_bytes().splitlines()[1] == email
    assert "--as-user" not in code(curator.page("experiments/users/export/?columns=name"), "command")
    assert "--as-user" in code(curator.page("experiments/users/export/?columns=name&email__icontains=a"), "command")
    assert "--as-user" in code(curator.page("experiments/users/export/?columns=name&search=alice"), "command")
    assert "--as-user" in code(curator.page("experiments/users/export/?columns=name&ordering=-email"), "command")


@pytest.mark.only_on("sqlite")
def test_too_many_records_for_excel_are_reported_before_the_export(reader, people, monkeypatch):
    monkeypatch.setattr(xlsx, "MOST", 5)
    page = reader.page(f"{PEOPLE}?format=xlsx")
    assert "An Excel file can have at most 5 records, but 6 match." in page and 'id="download"' not in page
    assert "CSV or Parquet" in reader.page(f"{PEOPLE}file?format=xlsx", status=400)
    assert 'id="download"' in reader.page(f"{PEOPLE}?format=xlsx&county_of_birth=Fife")


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("count=fast", "Expected exact, found fast."),
        ("format=xls", "Expected one of csv, json, ndjson, parquet, xlsx; found xls."),
        ("compress=zip", "Expected gzip, found zip."),
        ("spreadsheet=no", "Expected true, found no."),
        ("county_of_brith=Fife", "Did you mean county_of_birth?"),
    ],
)
def test_a_mistyped_option_is_reported_and_nothing_is_sent(reader, people, query, message):
    for address in (PEOPLE, f"{PEOPLE}file"):
        page = reader.page(f"{address}?{query}", status=400)
        assert message in page and 'id="download"' not in page


def test_one_export_too_many_gets_retry_after(reader, people, settings):
    settings.STREAMS_AT_ONCE = 1
    going_on = reader.get(f"/explore/{PEOPLE}file")
    answer = reader.get(f"/explore/{PEOPLE}file")
    assert answer.status_code == 503 and int(answer["Retry-After"]) > 0 and "Try again in" in answer.text
    reader.page(PEOPLE)  # pages go on
    assert going_on.getvalue().count(b"\n") == 7
    assert concurrency.taken() == 0


@pytest.mark.only_on("sqlite")
def test_a_head_request_does_not_start_a_stream(reader, people):
    answer = reader.head(f"/explore/{PEOPLE}file")
    assert answer["Content-Disposition"].endswith(f'"{NAMED}_{TODAY}.csv"') and not answer.getvalue()
    assert concurrency.taken() == 0
