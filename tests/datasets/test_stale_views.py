"""After a kill between commit and refresh, the worker refreshes stale views."""

import os
import signal
import time
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection

from datasets import matviews
from datasets.models import Version
from imports.models import ImportRun
from people.models import BirthsByCountry, Person, Place

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has plain views, which are never out of date"
)


def births() -> dict[str, int]:
    return dict(BirthsByCountry.objects.values_list("country", "births"))


@contextmanager
def refreshes_held_up(view: str = "births_by_country"):
    """Hold the lock of a view's refresh, so that other processes wait."""
    key = f"tabularium refresh of {view}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def kill_when_it_waits_for_a_refresh(process) -> None:
    """Kill a process that has committed and waits for the refresh, and wait until the server notices."""
    waiting = (  # in this database: parallel tests use other databases of the server
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
    )
    until = time.monotonic() + 60
    with connection.cursor() as cursor:
        for wanted in (1, 0):
            while cursor.execute(waiting).fetchone()[0] != wanted:
                assert time.monotonic() < until and (not wanted or process.poll() is None)
                time.sleep(0.02)
            if wanted:
                os.kill(process.pid, signal.SIGKILL)
                process.communicate(timeout=30)
                # The server notices the closed connection when the statement ends.
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
                )


@on_postgresql
def test_the_worker_refreshes_the_views_of_an_import_that_was_killed_after_its_commit(write, manage, transactional_db):
    folder = write("all/people.csv", PEOPLE).parent
    write("all/places.csv", PLACES)
    with refreshes_held_up():
        kill_when_it_waits_for_a_refresh(manage("import_people", folder))
    assert ImportRun.objects.get().status == "applied" and Person.objects.count() == 1 and births() == {}
    assert matviews.behind("people") == [BirthsByCountry]
    call_command("worker", batch=True)
    assert births() == {"Scotland": 1} and matviews.behind() == []


@on_postgresql
def test_the_worker_refreshes_the_views_of_an_undo_that_was_killed_after_its_commit(bring, manage, rows):
    bring("people", places=PLACES, people=PEOPLE)
    with refreshes_held_up():
        kill_when_it_waits_for_a_refresh(manage("undo_import", ImportRun.objects.get().pk))
    assert ImportRun.objects.get().status == "undone" and not Person.objects.exists() and births() == {"Scotland": 1}
    call_command("worker", batch=True)
    assert births() == {} and matviews.behind() == []


@pytest.mark.django_db(transaction=True)
def test_the_worker_refreshes_views_after_changes_in_a_shell():
    call_command("worker", batch=True)
    place = Place.objects.create(city="Kelso", county="-", country="Scotland")
    Person.objects.create(given_name="Ann", family_name="Mac", date_of_birth="1901-02-03", place_of_birth=place)
    call_command("worker", batch=True)
    assert births() == {"Scotland": 1} and matviews.behind() == []


@on_postgresql
def test_the_version_of_the_last_refresh_of_each_view_is_stored(bring):
    bring("people", places=PLACES, people=PEOPLE)
    number = Version.objects.get(pk="people").number
    assert Version.objects.get(pk="births_by_country").shows == number
    assert matviews.behind("people") == []
    Person.objects.get().save()
    assert Version.objects.get(pk="births_by_country").shows == number < Version.objects.get(pk="people").number
    assert matviews.behind("people") == [BirthsByCountry]
    matviews.refresh("people")
    assert matviews.behind("people") == []


@on_postgresql
def test_the_worker_leaves_a_view_to_the_process_that_refreshes_it(bring):
    bring("people", places=PLACES, people=PEOPLE)
    Person.objects.get().delete()
    other = connection.copy()
    key = "tabularium refresh of births_by_country"
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        assert BirthsByCountry not in [done.view for done in matviews.catch_up()]
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
    other.close()
    assert BirthsByCountry in [done.view for done in matviews.catch_up()] and births() == {}


@on_postgresql
def test_a_view_that_cannot_be_refreshed_does_not_delay_other_views_or_imports(bring, execute, rows, caplog):
    bring("people", places=PLACES, people=PEOPLE)
    Person.objects.get().delete()
    Version.objects.create(pk="subjects", number=1)  # its view was never refreshed
    index = "FROM pg_indexes WHERE tablename = 'births_by_country'"
    ((name, definition),) = rows(f"SELECT indexname, indexdef {index} AND indexdef LIKE 'CREATE UNIQUE%%'")
    execute(f"DROP INDEX {name}")  # a concurrent refresh needs this index
    try:
        call_command("worker", batch=True)
        assert [view._meta.db_table for view in matviews.behind()] == ["births_by_country"]
        assert "A summary table is out of date and cannot be refreshed" in caplog.text
    finally:
        execute(definition)
    call_command("worker", batch=True)
    assert births() == {} and matviews.behind() == []
