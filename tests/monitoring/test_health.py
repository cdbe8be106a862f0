"""Health checks: liveness without the database, readiness, and shutdown."""

import http.client
import json
import os
import signal
import socket
import threading
import time

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from monitoring import health
from tests.monitoring.conftest import value


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.delenv(health.DRAINING, raising=False)


@pytest.mark.django_db
def test_a_working_site_is_ready(client, django_assert_num_queries):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"process": "alive", "database": "answers", "migrations": "applied"}
    assert answer["Cache-Control"] == "no-store"
    queries = 1 if connection.vendor == "sqlite" else 0  # on PostgreSQL, the check uses the pool
    with django_assert_num_queries(queries):  # the result for migrations is cached
        client.get("/readyz")
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"process": "alive"}


@pytest.mark.django_db
def test_health_checks_need_no_host_name_https_or_session(client, settings):
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["data.example.org"], True
    for path in ("/healthz", "/readyz", "/metrics"):
        answer = client.get(path, headers={"host": "172.18.0.5:8000"})
        assert answer.status_code == 200 and not answer.cookies
    assert client.get("/api/", headers={"host": "172.18.0.5:8000"}).status_code == 400


@pytest.mark.django_db
def test_a_site_with_a_pending_migration_is_not_ready(client):
    latest = MigrationRecorder.Migration.objects.filter(app="people").latest("pk")
    latest.delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "not applied")
    MigrationRecorder.Migration.objects.create(app="people", name=latest.name)
    assert client.get("/readyz").status_code == 200


def test_an_unavailable_database_is_reported_and_the_process_is_alive(serve):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        server = serve(DATABASE_URL=f"postgresql://u:p@127.0.0.1:{unused.getsockname()[1]}/records", DEBUG="off")
        status, _, body = server.get("/readyz")
        assert (status, json.loads(body)["database"]) == (503, "does not respond")
        assert server.get("/healthz")[0] == 200
        samples = server.samples()
        assert value(samples, "database_up") == 0
        assert value(samples, "http_request_seconds_count", route="readyz", method="GET", status="503") == 1
    server.stop()
    assert "/readyz" not in server.log.read_text()  # the access log has it; no error every few seconds
    assert '"route":"readyz","status":503' in server.access.read_text()


@pytest.mark.parametrize("reloads", [False, True])
def test_on_sigterm_it_reports_not_ready_and_finishes_open_requests(serve, transactional_db, reloads):
    server = serve(DRAIN_SECONDS="5", API_ANONYMOUS_READ="on")
    assert server.get("/readyz")[0] == 200
    if reloads:
        before = server.workers()
        os.kill(server.process.pid, signal.SIGHUP)
        while before & server.workers() or len(server.workers()) < 2:
            time.sleep(0.02)
    kept = http.client.HTTPConnection("127.0.0.1", server.port)
    kept.request("GET", "/api/")
    assert (answer := kept.getresponse()).read() and not answer.will_close
    os.kill(server.process.pid, signal.SIGTERM)
    while server.get("/readyz")[0] != 503:
        time.sleep(0.02)
    assert server.get("/healthz")[0] == 200 and server.get("/api/")[0] == 200  # new connections are served
    kept.request("GET", "/api/")  # so is a kept connection, once more
    answer = kept.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (200, "close")
    assert server.process.wait() == 0


def test_no_accepted_request_is_lost_on_shutdown(serve, transactional_db):
    server = serve(DRAIN_SECONDS="0", API_ANONYMOUS_READ="on")
    statuses, broken = [], []

    def ask() -> None:
        while True:
            try:
                statuses.append(server.get("/api/people/places/")[0])
            except ConnectionRefusedError:
                return
            except OSError as error:  # taken and then dropped
                broken.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(statuses) < 20:
        time.sleep(0.01)
    os.kill(server.process.pid, signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert all(isinstance(error, ConnectionResetError) for error in broken)  # in the queue of the socket, not accepted
    assert server.process.wait() == 0


def test_a_process_with_busy_threads_leaves_connections_to_the_other(serve, transactional_db):
    server = serve(WEB_THREADS="1", API_ANONYMOUS_READ="on")
    with socket.create_connection(("127.0.0.1", server.port)) as slow:  # the rest of the form is never sent
        slow.sendall(
            b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: csrftoken=" + 32 * b"a" + b"\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\nusername"
        )
        while value(server.samples(), "http_request_seconds_count", route="metrics", method="GET", status="200") < 20:
            assert server.get("/api/")[0] == 200
