"""The time limit of a request's queries: for pages and JSON the total, for downloads until the first row."""

import csv
import io
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import RequestFactory

from config.wsgi import application
from datasets.records import ordering, pagination
from datasets.sql import query_timeout
from exports import concurrency
from imports.models import ImportRun
from people.models import Place
from tests.conftest import environment_with

ROWS, MANY = 2_000, 20_000
LIST = "/api/people/places/"
SLOW = f"{LIST}summary/?by=city,county&measure=min:city,max:county,min:country"


@pytest.fixture
def many(execute, request):
    """Places, created by SQL."""
    execute(
        "INSERT INTO places (city, county, country) WITH RECURSIVE numbers (n) AS "
        f"(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {getattr(request, 'param', ROWS)}) "
        "SELECT 'Town ' || n, 'County ' || (n % 977), 'Country ' || (n % 53) FROM numbers"
    )


@pytest.fixture
def admin(client, transactional_db):
    client.force_login(get_user_model().objects.create_superuser("admin"))
    return client


@pytest.fixture
def impatient(monkeypatch):
    """Make SQLite call the progress handler more often."""
    monkeypatch.setattr(query_timeout, "STEPS", 1000)


def timeout_of_session() -> str:
    """Return the setting of the connection, queried without Django's wrappers."""
    if connection.vendor != "postgresql":
        return "0"
    connection.ensure_connection()
    return connection.connection.execute("SHOW statement_timeout").fetchone()[0]


@pytest.mark.parametrize("many", [MANY], indirect=True)  # a busy server checks its clock late
@pytest.mark.parametrize(
    "address",
    [
        SLOW,
        "/explore/people/places/?search=nothing+county",
        "/explore/people/places/chart.json?kind=bar&x=county&measure=count&search=t",
        "/admin/people/place/?q=nothing+county",
    ],
)
def test_a_query_that_takes_too_long_is_stopped_and_reported(admin, many, impatient, settings, monkeypatch, address):
    monkeypatch.setattr(query_timeout.Budget, "left", property(_short_of_tables))
    answers = (admin.get(address) for _ in range(5))  # the query may end just before the server checks its clock
    answer = next(answer for answer in answers if answer.status_code != 200)
    assert answer.status_code == 503 and "The database needs more than 15 seconds" in answer.text
    assert int(answer["Retry-After"]) > 0
    if address.startswith("/api/") or "json" in address:
        assert not address.startswith("/api/") or answer["Content-Type"] == "application/problem+json"
    monkeypatch.undo()
    assert admin.get(address).status_code == 200
    assert timeout_of_session() == "0"


@pytest.mark.parametrize("many", [MANY], indirect=True)
def test_an_order_that_takes_too_long_is_stopped_and_the_remedy_is_named(admin, many, impatient, monkeypatch):
    monkeypatch.setattr(pagination, "LARGE", 5_000)
    monkeypatch.setattr(ordering, "SLOW_SECONDS", 1e-6)
    page = admin.get("/admin/people/place/?o=2&p=2", follow=True)
    assert "Sorting places by this column takes more than 1e-06 seconds. Add filters" in page.text
    assert page.request["QUERY_STRING"] == "" and len(page.context["cl"].result_list) == 50
    assert admin.get("/admin/people/place/?o=1&p=2").status_code == 200
    page = admin.get("/explore/people/places/?ordering=county")
    assert page.status_code == 400 and "takes more than 1e-06 seconds. Add filters, or sort by a column" in page.text
    assert admin.get("/explore/people/places/?ordering=city").status_code == 200
    assert timeout_of_session() == "0"


def _short_of_tables(budget):
    """A time limit that has almost expired."""
    return 0.001


def test_the_time_of_all_queries_counts_together(admin, many, settings):
    settings.QUERY_SECONDS = 0.000001
    answer = admin.get("/explore/people/places/")
    assert answer.status_code in (500, 503)
    settings.QUERY_SECONDS = 0
    assert admin.get("/explore/people/places/").status_code == 200


def test_the_limit_is_reset_on_a_pooled_connection(admin, many, settings):
    addresses = [LIST, f"{LIST}?city=%EB", f"{LIST}1/", "/admin/people/place/", "/explore/people/places/", SLOW]
    for address in [*addresses, f"{LIST}?format=csv", f"{LIST}?format=xlsx", "/api/nothing/"]:
        answer = admin.get(address)
        answer.getvalue() if answer.streaming else answer.content
        assert timeout_of_session() == "0", address
    chosen = {"action": "export_as_csv", "select_across": "1", "_selected_action": "1"}
    assert admin.post("/admin/people/place/", chosen).getvalue().count(b"\n") == ROWS + 1
    assert timeout_of_session() == "0"
    connection.close()
    if connection.vendor == "postgresql" and connection.pool:
        with connection.pool.connection(timeout=5) as driver:
            assert driver.execute("SHOW statement_timeout").fetchone()[0] == "0"
    assert not query_timeout.is_limited()


def test_a_limit_is_reset_after_a_rolled_back_transaction(transactional_db):
    with query_timeout.limited(5):
        connection.cursor().execute("SELECT 1")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            connection.cursor().execute("SELECT 1")
            with query_timeout.unlimited():
                connection.cursor().execute("SELECT 2")
                assert timeout_of_session() == "0"
            raise ZeroDivisionError
        connection.cursor().execute("SELECT 3")
        if connection.vendor == "postgresql":
            assert timeout_of_session() != "0"
        with transaction.atomic():
            connection.cursor().execute("SELECT 4")
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                raise ZeroDivisionError
            connection.cursor().execute("SELECT 5")
            if connection.vendor == "postgresql":
                assert timeout_of_session() != "0"
    assert timeout_of_session() == "0"


@pytest.mark.parametrize("many", [MANY], indirect=True)
@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_an_export_longer_than_the_limit_is_complete(admin, many, settings, file_format):
    settings.QUERY_SECONDS = 0.5
    whole, begun = b"", time.monotonic()
    answer = admin.get(f"{LIST}?format={file_format}")
    assert answer.status_code == 200
    for number, block in enumerate(answer):
        whole += block
        if number < 4:
            time.sleep(0.2)
    answer.close()
    assert time.monotonic() - begun > settings.QUERY_SECONDS
    if file_format == "csv":
        assert len(list(csv.reader(io.StringIO(whole.decode())))) == MANY + 1
    else:
        assert [json.loads(line)["city"] for line in whole.splitlines()][-1] == f"Town {MANY}"
    assert concurrency.taken() == 0 and timeout_of_session() == "0"


@pytest.mark.parametrize("many", [MANY], indirect=True)
@pytest.mark.parametrize(
    "address",
    [
        f"{LIST}?format=csv&ordering=county,-city",
        f"{LIST}?format=xlsx&ordering=county,-city",
        "/explore/people/places/export/file?format=ndjson&ordering=county,-city",
    ],
)
def test_an_export_whose_first_row_takes_too_long_is_refused_before_anything_is_sent(
    admin, many, impatient, settings, address
):
    settings.QUERY_SECONDS = 2
    settings.FIRST_ROW_SECONDS = 0.001 if connection.vendor == "sqlite" else 0.5
    with waiting_for("places"):
        status, headers, body = served(admin, address)
    assert status == "503 Service Unavailable" and b"The database needs more than" in body
    assert headers["X-Request-ID"] and headers["Retry-After"]
    assert concurrency.taken() == 0 and timeout_of_session() == "0"
    settings.FIRST_ROW_SECONDS = 60
    status, _, body = served(admin, address)
    assert status == "200 OK" and body
    assert concurrency.taken() == 0


@contextmanager
def waiting_for(table: str) -> Iterator[None]:
    """Make PostgreSQL wait before the first row of a table that another connection locks."""
    if connection.vendor != "postgresql":
        yield
        return

    with psycopg.connect(environment_with("")["DATABASE_URL"]) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


def served(client, address) -> tuple[str, dict[str, str], bytes]:
    """Call the view as a server does, and return the bytes sent."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    began = []
    environ = RequestFactory().get(address, headers={"cookie": cookies}).environ
    answer = application(environ, lambda status, headers: began.append((status, dict(headers))))
    try:
        return *began[0], b"".join(answer)
    finally:
        answer.close()


def test_undo_has_no_limit(admin, bring, settings):
    settings.QUERY_SECONDS = 5
    bring("people", places="city,county,country\nKelso,Rox,Scotland\n")
    seen = []

    def spy(execute, sql, params, many, context):
        if sql.startswith("DELETE FROM") and '"places"' in sql:
            seen.append((query_timeout.is_limited(), timeout_of_session()))
        return execute(sql, params, many, context)

    address = f"/admin/imports/importrun/{ImportRun.objects.get().pk}/undo/"
    page = admin.get(address)
    with connection.execute_wrapper(spy):
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        assert admin.post(address, fields).status_code == 302
    assert not Place.objects.exists()
    assert seen and set(seen) == {(False, "0")}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no lock for the whole database")
def test_a_page_that_must_write_while_another_connection_writes_says_so(client, django_user_model, transactional_db):
    django_user_model.objects.create_user("grace", password="nine lives of a cat")
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as importing:
        importing.execute("BEGIN IMMEDIATE")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 10")
        answer = client.post("/sign-in/", {"username": "grace", "password": "nine lives of a cat"})
        assert answer.status_code == 503 and "An import is writing to the database." in answer.text
    connection.close()  # with its short timeout
    assert client.post("/sign-in/", {"username": "grace", "password": "nine lives of a cat"}).status_code == 302
