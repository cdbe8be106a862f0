"""A cancelled run stops within two seconds at every step before it merges."""

import hashlib
import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, connections

from imports import source_files, tasks
from imports.engine import file_layouts, pipeline
from imports.engine.existing_rows import ExistingRows
from imports.engine.run import ImportRefusedError, import_files
from imports.engine.staging import Stage
from imports.models import ImportRun
from people.models import Person

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
MOST = 2.0  # seconds
over = threading.Event()  # the test
LONG = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000)"
    " SELECT count(*) FROM n",
}


def in_sql(*arguments, **options):
    with connection.cursor() as cursor:
        cursor.execute(LONG[connection.vendor])
        cursor.fetchall()


def in_python(*arguments, **options):
    for _ in range(10**9):
        hashlib.sha256(b"x")


def in_a_thread(*arguments, **options):
    """Make one item of the prefetching thread slow."""
    over.wait(60)
    yield from ()


PLACES_OF_A_RUN = {
    "while it keeps files": (source_files.InputFile, "keep", in_python),
    "while it looks at headings": (file_layouts, "find_layout", in_python),
    "while it reads the stored records": (ExistingRows, "__init__", in_sql),
    "while it reads files": (pipeline, "batches_of", in_a_thread),
    "while it finishes a stage": (Stage, "finish", in_sql),
}


@pytest.mark.parametrize("where", PLACES_OF_A_RUN)
def test_a_run_is_cancelled_within_two_seconds_before_the_merge(write, importing, monkeypatch, where):
    importing("people", write("places.csv", PLACES))
    path = write("people.csv", HEADER + "Ann,Mac,1901-02-03,Kelso\n")
    owner, name, does = PLACES_OF_A_RUN[where]
    begun, outcome = threading.Event(), {}
    over.clear()

    def takes_long(*arguments, **options):
        begun.set()
        return does(*arguments, **options)

    monkeypatch.setattr(owner, name, takes_long)

    def run():
        try:
            import_files("people", [path])
        except ImportRefusedError as refusal:
            outcome["refusal"] = str(refusal)
        finally:
            outcome["at"] = time.monotonic()
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert begun.wait(30)
    time.sleep(0.3)
    start = time.monotonic()
    tasks.cancel(ImportRun.objects.latest("pk"))
    thread.join(20)
    assert outcome["at"] - start < MOST
    assert outcome["refusal"] == "The import was cancelled. Nothing was imported."
    cancelled = ImportRun.objects.latest("pk")
    assert (cancelled.status, cancelled.error) == ("cancelled", outcome["refusal"])
    over.set()
    monkeypatch.undo()
    assert importing("people", path).counts == {"people": {"read": 1, "created": 1}}


def test_an_import_of_blank_lines_can_be_cancelled(write, importing):
    importing("people", write("places.csv", PLACES))
    path, outcome = write("people.csv", HEADER + "\n" * 20_000_000), {}

    def run():
        try:
            import_files("people", [path])
        except ImportRefusedError as refusal:
            outcome["refusal"], outcome["at"] = str(refusal), time.monotonic()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not ImportRun.objects.filter(status="running", bytes_total__gt=0).exists():
        time.sleep(0.05)
    start = time.monotonic()
    tasks.cancel(ImportRun.objects.latest("pk"))
    thread.join(20)
    assert outcome["at"] - start < MOST + 1 and "cancelled" in outcome["refusal"]


def test_a_run_that_is_cancelled_before_a_worker_starts_it_does_not_start(
    client, django_user_model, monkeypatch, transactional_db
):
    client.force_login(django_user_model.objects.create_superuser("root"))
    sent = SimpleUploadedFile("places.csv", PLACES.encode())
    client.post("/admin/imports/importrun/import/", {"dataset": "people", "files": [sent], "encoding": "utf-8"})
    run, find = ImportRun.objects.get(), source_files.find_uploads

    def cancelled_meanwhile(*arguments, **options):
        tasks.cancel(run)
        return find(*arguments, **options)

    monkeypatch.setattr(source_files, "find_uploads", cancelled_meanwhile)
    call_command("worker", batch=True)
    run.refresh_from_db()
    assert run.status == "cancelled" and not run.files.exists() and not Person.objects.exists()
