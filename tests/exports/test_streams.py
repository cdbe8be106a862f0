"""Streams on a real server: the limit of concurrent ones, broken ones, and the cleanup after each."""

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from exports import concurrency
from exports.formats import TooManyStreamsError, UnwritableValueError, export
from people.models import Place
from subjects.models import Session, Subject

pytestmark = pytest.mark.both_engines  # either engine streams in its way
ROOT = Path(__file__).resolve().parents[2]
SESSIONS = "/admin/subjects/session/"
TOKEN = "t" * 32


def test_a_slot_is_released_however_a_stream_ends(transactional_db, settings):
    settings.STREAMS_AT_ONCE = 1
    Place.objects.create(city="Kelso", county="-", country="-")

    def begun():
        return export(Place, Place.objects.all(), None, None, "csv")

    list(begun())
    begun().close()  # never read
    half = begun()
    next(half)
    with pytest.raises(
        TooManyStreamsError, match=r"1 export is running, which is the maximum\. Try again in 30 seconds\."
    ) as refused:
        begun()
    assert refused.value.retry_after == 30
    half.close()
    half.close()
    begun()  # and forgotten
    Session.objects.create(name="s", subject=Subject.objects.create(subject_id="007"), document="x" * 40_000)
    with pytest.raises(UnwritableValueError):
        export(Session, Session.objects.all(), None, None, "xlsx")
    assert concurrency.taken() == 0


def test_a_slot_can_be_released_while_another_is_acquired(monkeypatch):
    given_back, taken = concurrency.StreamPermit(), []

    class Settings:
        def __getattr__(self, name):
            given_back.release()  # as the garbage collector does, at any point of a thread
            return 2

    monkeypatch.setattr(concurrency, "settings", Settings())
    thread = threading.Thread(target=lambda: taken.append(concurrency.StreamPermit()), daemon=True)
    thread.start()
    thread.join(30)  # a deadlock would wait forever
    assert not thread.is_alive() and concurrency.taken() == 1
    taken[0].release()
    assert concurrency.taken() == 0


def test_a_stream_reads_one_snapshot(transactional_db):
    Place.objects.bulk_create(Place(city=f"city {n}", county="x" * 150, country="old") for n in range(5000))
    stream = export(Place, Place.objects.all(), ["country", "county"], None, "csv")
    rows = next(stream) + next(stream)

    def change():
        Place.objects.update(country="new")
        connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    thread.join()  # writers and readers do not wait for each other
    rows += b"".join(stream)
    assert (rows.count(b"old"), rows.count(b"new")) == (5000, 0)
    assert Place.objects.filter(country="new").count() == 5000


@pytest.fixture
def big(transactional_db):
    """40 MB in 200 records, more than the buffers of a connection."""
    subject = Subject.objects.create(subject_id="007")
    for n in range(200):
        Session.objects.create(id=n + 1, name=f"s{n}", subject=subject, document={"text": "x" * 200_000})


@pytest.fixture
def server(child_environment, django_user_model, tmp_path):
    """Start gunicorn with 3 threads and 2 connections, which allow one stream, and return its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = child_environment | {"WEB_THREADS": "3", "DATABASE_POOL_MAX_SIZE": "2", "DATABASE_POOL_TIMEOUT": "5"}
    command = f"-m gunicorn config.wsgi --bind 127.0.0.1:{port} --no-control-socket --worker-class gthread --threads 3"
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command.split()], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def ask(server, django_user_model):
    """Request the export of all sessions, or a page, as a superuser; return the unread response."""
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("root"))
    cookies = f"sessionid={client.cookies['sessionid'].value}; csrftoken={TOKEN}"
    opened = []

    def ask(page: str | None = None, cookie: str = "") -> http.client.HTTPResponse:
        http_client = http.client.HTTPConnection("127.0.0.1", server)
        opened.append(http_client)
        headers = {"Cookie": f"{cookies}; {cookie}", "Content-Type": "application/x-www-form-urlencoded"}
        form = {"action": "export_as_csv", "select_across": "1", "_selected_action": "1", "csrfmiddlewaretoken": TOKEN}
        http_client.request("GET" if page else "POST", page or SESSIONS, None if page else urlencode(form), headers)
        answer = http_client.getresponse()
        answer.leave = http_client.close
        return answer

    yield ask
    for opened_client in opened:
        opened_client.close()


def is_stream(answer: http.client.HTTPResponse) -> bool:
    return answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv")


def test_a_second_stream_is_refused_while_pages_are_served(big, ask):
    first = ask()
    assert is_stream(first) and first.read(1000)
    for _ in range(3):
        refused = ask()
        assert refused.status == 302 and not refused.read()  # redirect to the list with the message
        page = ask(SESSIONS, refused.headers["Set-Cookie"])
        assert page.status == 200 and b"1 export is running" in page.read()
    assert len(first.read()) > 40_000_000


def test_a_disconnected_client_releases_its_stream_and_connection(big, ask):
    for _ in range(4):  # the pool has two connections
        answer = ask()
        while not is_stream(answer):  # until the server notices
            time.sleep(0.05)
            answer = ask()
        answer.read(1000)
        answer.close()
        answer.leave()
    assert ask("/admin/").status == 200
    if connection.vendor == "postgresql":
        busy = 1
        while busy:  # a COPY without a reader is cancelled
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                    "pid <> pg_backend_pid() AND (query ILIKE 'copy%' AND state = 'active' OR state LIKE 'idle in%')"
                )
                busy = cursor.fetchone()[0]


def test_a_failed_stream_is_recognizably_incomplete(big, ask):
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = on")
            cursor.execute("UPDATE sessions SET document = '{' WHERE id = 190")
            cursor.execute("PRAGMA ignore_check_constraints = off")
    answer = ask()
    assert is_stream(answer) and answer.read(1000)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND query ILIKE 'copy%' AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchall() == [(True,)]
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    again = ask(SESSIONS)
    assert again.status == 200
