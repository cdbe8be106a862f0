"""Background imports: the worker, the progress, cancellation, and interrupted runs."""

import signal
import sqlite3
import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from imports import tasks
from imports.engine.heartbeat import Heartbeat
from imports.engine.interrupted import find_interrupted
from imports.engine.locks import import_lock
from imports.models import ImportRun
from people.models import Person, Place

pytestmark = pytest.mark.both_engines  # workers wait for locks of the engine

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"


def people(count: int) -> str:
    return HEADER + "".join(f"G{n},F{n % 97},{1850 + n % 100}-01-{1 + n % 28:02},Kelso\n" for n in range(count))


def soon(question, seconds: float = 30.0):
    """Call a function until it returns a true value; return the value."""
    until = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)
    return answer


@pytest.fixture
def uploaded(client, transactional_db):
    """Upload files for a preview by a worker; return the run."""
    client.force_login(get_user_model().objects.create_superuser("root"))

    def uploaded(dataset="people", **files):
        sent = [SimpleUploadedFile(f"{name}.csv", text.encode()) for name, text in files.items()]
        answer = client.post(
            "/admin/imports/importrun/import/", {"dataset": dataset, "files": sent, "encoding": "utf-8"}
        )
        assert answer.status_code == 302, answer.content.decode()
        return ImportRun.objects.latest("pk")

    return uploaded


@pytest.fixture
def slowly(monkeypatch):
    """Delay each batch; return the list of batches read."""
    add, result = Heartbeat.add, []

    def slow(self, read, rows):
        result.append(rows)
        add(self, read, rows)
        time.sleep(0.02)

    monkeypatch.setattr(Heartbeat, "add", slow)
    return result


def again(run: ImportRun) -> ImportRun:
    run.refresh_from_db()
    return run


def test_a_run_waits_for_a_worker_and_is_then_previewed(uploaded):
    run = uploaded(places=PLACES)
    assert run.status == "waiting"
    call_command("worker", batch=True)
    assert again(run).status == "previewed" and not Place.objects.exists()
    assert (run.bytes_read, run.bytes_total, run.rows_read) == (len(PLACES), len(PLACES), 1)
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"


def test_a_cancelled_waiting_run_does_not_start(uploaded, client):
    run = uploaded(places=PLACES)
    client.post(f"/admin/imports/importrun/{run.pk}/cancel/")
    assert again(run).status == "cancelled"
    call_command("worker", batch=True)
    assert again(run).status == "cancelled" and not run.files.exists()


def test_a_worker_removes_expired_sessions_and_old_tasks(uploaded):
    run = uploaded(places=PLACES)
    call_command("worker", batch=True)
    old, new = timezone.now() - timedelta(days=15), timezone.now() + timedelta(hours=1)
    DBTaskResult.objects.update(finished_at=old)
    for key, expires in (("expired", old), ("good", new)):
        Session.objects.create(session_key=key, session_data="", expire_date=expires)
    call_command("worker", batch=True)
    assert not DBTaskResult.objects.exists() and again(run).status == "previewed"
    keys = set(Session.objects.values_list("session_key", flat=True))
    assert "good" in keys and "expired" not in keys


def test_an_old_task_does_not_apply_a_new_preview(uploaded):
    run = uploaded(places=PLACES)
    call_command("worker", batch=True)
    tasks.apply(again(run))
    tasks.cancel(run)
    tasks.preview(again(run))
    call_command("worker", batch=True)
    assert again(run).status == "previewed" and not Place.objects.exists()


def test_a_run_can_be_cancelled_only_while_it_reads(uploaded, client, manage, execute):
    run = uploaded(places=PLACES, people=people(600_000))
    worker = manage("worker")
    soon(lambda: again(run).status == "running" and run.rows_read)
    assert 0 < run.bytes_read <= run.bytes_total and run.heartbeat > run.begun_at
    client.post(f"/admin/imports/importrun/{run.pk}/cancel/")
    soon(lambda: again(run).status != "running")
    assert run.status == "cancelled" and run.rows_read < 600_000
    assert not Person.objects.exists() and "cancelled" in run.error
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


def test_a_run_without_a_process_is_marked_as_interrupted_and_not_retried(uploaded, client, manage):
    run = uploaded(places=PLACES, people=people(600_000))
    worker = manage("worker")
    soon(lambda: again(run).status == "running")
    worker.kill()
    worker.wait()
    ImportRun.objects.filter(pk=run.pk).update(heartbeat=timezone.now() - timedelta(minutes=1))
    text = soon(
        lambda: (
            (p := client.get(f"/admin/imports/importrun/{run.pk}/change/").content.decode())
            and "The process of the run ended unexpectedly" in p
            and p
        )
    )
    assert "Repeat preview" in text
    assert again(run).status == "interrupted" and DBTaskResult.objects.get().status == "FAILED"
    call_command("worker", batch=True)
    assert again(run).status == "interrupted"


def test_a_running_run_is_not_marked_as_interrupted(uploaded, slowly):
    run = uploaded(places=PLACES)
    ImportRun.objects.filter(pk=run.pk).update(status="running", heartbeat=timezone.now() - timedelta(minutes=1))
    if connection.vendor == "sqlite":  # on PostgreSQL, the session that queries the lock would hold it
        with import_lock("census"):
            pass
    assert [run_.pk for run_ in find_interrupted()] == [run.pk]


def test_progress_never_waits_for_a_writer(uploaded, slowly, settings):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has many writers")

    run = uploaded(places=PLACES)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    with Heartbeat(run) as heartbeat:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        heartbeat.add(10, 1)
        time.sleep(1.2)
    assert time.monotonic() - started < settings.DATABASES["default"]["OPTIONS"]["timeout"]
    other.execute("ROLLBACK")
    other.close()


def test_the_worker_waits_out_a_locked_database(uploaded, manage):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has many writers")
    run = uploaded(places=PLACES)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    worker = manage("worker")
    time.sleep(3)
    assert worker.poll() is None
    other.execute("ROLLBACK")
    other.close()
    soon(lambda: again(run).status == "previewed")


def test_a_long_import_does_not_delay_another_dataset(uploaded, client, manage):
    """One worker runs a blocked import and two imports of another dataset."""
    with import_lock("people"):
        long = uploaded(places=PLACES)
        worker = manage("worker")
        soon(lambda: DBTaskResult.objects.filter(status="RUNNING").count() == 1)
        for number in (1, 2):
            table = f"compound_id,compound_name,compound_structure\n{number},Water,H2O\n"
            short = uploaded(dataset="experiments", compounds=table)
            soon(lambda run=short: again(run).status == "previewed")
            assert again(long).status == "waiting"
    soon(lambda: again(long).status == "previewed")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


def test_a_worker_finishes_the_current_task_of_each_dataset_on_sigterm(uploaded, manage):
    run = uploaded(places=PLACES, people=people(60_000))
    worker = manage("worker")
    soon(lambda: again(run).status == "running")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(120) == 0 and again(run).status == "previewed"


def test_a_second_signal_ends_a_worker_at_once(uploaded, manage):
    run = uploaded(places=PLACES, people=people(600_000))
    worker = manage("worker")
    soon(lambda: again(run).status == "running")
    deadline = time.monotonic() + 25
    while worker.poll() is None and time.monotonic() < deadline:  # two pending signals count as one
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    assert worker.wait(0) == 1 and again(run).status == "running"
    ImportRun.objects.update(heartbeat=timezone.now() - timedelta(minutes=1))
    call_command("worker", batch=True)
    assert again(run).status == "interrupted"


def test_tasks_in_the_queue_of_an_earlier_version_are_processed(uploaded, manage):
    run = uploaded(places=PLACES)
    DBTaskResult.objects.update(queue_name="default")
    worker = manage("worker")
    soon(lambda: again(run).status == "previewed")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
