"""The metrics of a real gunicorn with two processes: exact counts, bounded labels, no access for strangers."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from ipaddress import ip_network

import pytest
from django.core.management import call_command
from django.db import OperationalError
from prometheus_client import CollectorRegistry, generate_latest

from datasets.matviews import datasets_with_views
from datasets.versions import raise_version
from imports import metrics, tasks
from imports.metrics import ImportsCollector
from imports.models import ImportRun
from people.models import Place
from tests.conftest import ROOT
from tests.import_helpers import imported
from tests.monitoring.conftest import samples_of, value

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nHawick,Roxburghshire,Scotland\nnowhere\n"
LIST = "/api/people/places/"


def pids(server) -> list[str]:
    collected = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True)
    return collected.stdout.split()


@pytest.fixture
def kelso(transactional_db):
    return Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")


def test_two_processes_count_requests_together(serve, kelso, tmp_path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_7.db").write_bytes(b"")
    server = serve(API_ANONYMOUS_READ="on", PROMETHEUS_MULTIPROC_DIR=str(folder))
    while len(pids(server)) < 2:
        time.sleep(0.05)
    before, count = server.samples(), 24

    def ask() -> None:
        for _ in range(count // 4):
            assert server.get(LIST)[0] == 200

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [server.get(f"{LIST}{n}/")[0] for n in (kelso.pk, 999)] == [200, 404]
    after = server.samples()

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    seconds = "http_request_seconds_count"
    assert more(seconds, route="people-places-list", method="GET", status="200") == count
    assert more(seconds, route="people-places-detail", method="GET", status="200") == 1
    assert more(seconds, route="people-places-detail", method="GET", status="404") == 1
    assert more("table_queries_total", table="places", verb="select", server="primary") == count + 2
    buckets = {"route": "people-places-list", "method": "GET", "status": "200"}
    assert more("http_request_seconds_bucket", le="+Inf", **buckets) == count
    # No process has handled all requests, and the metrics of earlier processes are removed.
    counting = {name for name in os.listdir(folder) if name.startswith("histogram_")}
    assert counting >= {f"histogram_{pid}.db" for pid in pids(server)} and "counter_7.db" not in os.listdir(folder)


def test_unknown_urls_create_no_labels_and_the_folder_is_removed_with_the_server(serve, tmp_path):
    (tmp_path / "tmp").mkdir()
    server = serve(TMPDIR=str(tmp_path / "tmp"))
    assert any(name.startswith("tabularium-metrics-") for name in os.listdir(tmp_path / "tmp"))
    server.get("/readyz")
    for path in ("/wp-login.php", "/api/people/nothing/", "/admin/x@example.org/", "/static/none.css"):
        server.get(path)
    server.get("/api/", method="BREW")
    samples = server.samples()
    routes = {dict(labels)["route"] for name, labels in samples if name == "tabularium_http_request_seconds_count"}
    assert "none" in routes and "static" in routes
    assert not any("wp-login" in route or "@" in route or "nothing" in route for route in routes)
    methods = {dict(labels)["method"] for name, labels in samples if name == "tabularium_http_request_seconds_count"}
    assert methods <= {"GET", "other"}
    assert value(samples, "http_request_seconds_count", route="readyz", method="GET", status="200") == 1
    server.stop()
    assert os.listdir(tmp_path / "tmp") == []


def test_metrics_are_served_to_the_local_machine_and_not_through_a_proxy(client, settings, transactional_db):
    assert client.get("/metrics").status_code == 200
    for headers in ({"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=127.0.0.1"}, {"via": "1.1 caddy"}):
        assert client.get("/metrics", headers=headers).status_code == 403
    refused = client.get("/metrics", REMOTE_ADDR="192.0.2.7")
    assert refused.status_code == 403 and "METRICS_ALLOWED" in refused.text

    settings.METRICS_ALLOWED = [ip_network("192.0.2.0/24")]
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7", headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403


def collected() -> dict:
    only = CollectorRegistry()
    only.register(ImportsCollector())
    return samples_of(generate_latest(only).decode())


@pytest.mark.django_db(transaction=True)
def test_metrics_of_imports_come_from_the_database(tmp_path):
    (tmp_path / "places.csv").write_text(PLACES)
    imported("import_people", tmp_path / "places.csv")
    samples = collected()
    assert value(samples, "import_runs", dataset="people", outcome="applied") == 1
    rows = {
        name: value(samples, "import_rows", dataset="people", outcome=name) for name in ("read", "created", "rejected")
    }
    assert rows == {"read": 3, "created": 2, "rejected": 1}
    run = ImportRun.objects.get()
    speed = 3 / (run.finished_at - run.begun_at).total_seconds()
    assert value(samples, "import_rows_per_second", dataset="people") == pytest.approx(speed)
    assert value(samples, "import_last_failed", dataset="people") == 0
    (tmp_path / "places.csv").write_text("city,county\nPerth,Perthshire\n")
    with contextlib.suppress(Exception):
        imported("import_people", tmp_path / "places.csv", strict=True)
    samples = collected()
    assert value(samples, "import_runs", dataset="people", outcome="failed") == 1
    assert value(samples, "import_last_failed", dataset="people") == 1
    assert value(samples, "import_rows", dataset="people", outcome="read") == 3


@pytest.mark.django_db(transaction=True)
def test_the_queue_and_the_age_of_views(tmp_path):
    tasks.apply_directly(ImportRun(dataset="people"))
    samples = collected()
    assert value(samples, "queue_length") == 1 and value(samples, "queue_oldest_seconds") > 0
    call_command("refresh_views", verbosity=0)
    samples = collected()
    ages = {dict(labels)["view"]: n for (name, labels), n in samples.items() if name == "tabularium_view_age_seconds"}
    assert ages and all(0 <= age < 600 for age in ages.values())
    view = next(iter(ages))
    assert value(samples, "view_behind_seconds", view=view) == 0

    time.sleep(0.01)
    raise_version(*datasets_with_views())
    assert value(collected(), "view_behind_seconds", view=view) > 0


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_reported(monkeypatch):
    assert value(collected(), "database_up") == 1

    def away():
        raise OperationalError("no")

    monkeypatch.setattr(metrics, "_runs", away)
    assert collected() == {("tabularium_database_up", frozenset()): 0}


def test_a_worker_serves_its_own_metrics(child_environment, transactional_db, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = child_environment | {"METRICS_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment)
    try:
        while True:
            assert process.poll() is None
            with (
                contextlib.suppress(OSError),
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as client,
            ):
                client.request("GET", "/metrics")
                samples = samples_of(client.getresponse().read().decode())
                break
            time.sleep(0.1)
        assert value(samples, "database_up") == 1 and value(
            samples, "table_queries_total", table="import_runs", verb="select", server="primary"
        )
        again = subprocess.run(
            [sys.executable, "manage.py", "worker", "--batch"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert again.returncode == 1 and f"METRICS_PORT {port}: Address already in use." in again.stderr
    finally:
        process.terminate()
        process.wait()
