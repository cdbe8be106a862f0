"""A change makes a summary table due. A command or the worker refreshes it, and a request never does."""

import os
import signal
import time
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import matviews
from datasets.models import Version
from imports.models import Edit, ImportRun
from people.models import BirthsByCountry, Person, Place
from tests.confirming import confirm

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's refreshes wait for no lock")


PAGES = (
    "/admin/",
    "/admin/people/birthsbycountry/",
    "/explore/people/births-by-country/",
    "/explore/people/births-by-country/chart/",
    "/explore/people/births-by-country/export/",
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


def kill_when_it_waits_for_a_refresh(process, number: int = signal.SIGKILL) -> str:
    """Kill a process that has committed and waits for the refresh, and wait until the server notices.

    Return what the process wrote to standard error.
    """
    written = ""
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
                os.kill(process.pid, number)
                _, written = process.communicate(timeout=30)
                # The server notices the closed connection when the statement ends.
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
                )
    return written


@pytest.fixture
def broken_view(rows, execute):
    """A context in which the summary table births_by_country cannot be refreshed."""

    @contextmanager
    def broken():
        if connection.vendor == "postgresql":  # a concurrent refresh needs the unique index
            index = "FROM pg_indexes WHERE tablename = 'births_by_country' AND indexdef LIKE 'CREATE UNIQUE%%'"
            ((name, definition),) = rows(f"SELECT indexname, indexdef {index}")
            drop = f"DROP INDEX {name}"
        else:
            ((definition,),) = rows("SELECT sql FROM sqlite_master WHERE name = 'births_by_country_live'")
            drop = "DROP VIEW births_by_country_live"
        execute(drop)
        try:
            yield
        finally:
            execute(definition)

    return broken()


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
def test_a_command_that_is_interrupted_during_the_refresh_has_saved_its_changes(write, manage, transactional_db):
    folder = write("all/people.csv", PEOPLE).parent
    write("all/places.csv", PLACES)
    with refreshes_held_up():
        process = manage("import_people", folder)
        written = kill_when_it_waits_for_a_refresh(process, signal.SIGINT)
    assert process.returncode == 0 and "The refresh was interrupted. The changes are saved." in written
    assert ImportRun.objects.get().status == "applied" and births() == {}


@on_postgresql
def test_the_worker_refreshes_the_views_of_an_undo_that_was_killed_after_its_commit(bring, manage, rows):
    bring("people", places=PLACES, people=PEOPLE)
    with refreshes_held_up():
        kill_when_it_waits_for_a_refresh(manage("undo_import", ImportRun.objects.get().pk))
    assert ImportRun.objects.get().status == "undone" and not Person.objects.exists() and births() == {"Scotland": 1}
    call_command("worker", batch=True)
    assert births() == {} and matviews.behind() == []


def test_a_running_worker_refreshes_views_after_changes_in_a_shell(transactional_db, manage):
    worker = manage("worker")
    place = Place.objects.create(city="Kelso", county="-", country="Scotland")
    Person.objects.create(given_name="Ann", family_name="Mac", date_of_birth="1901-02-03", place_of_birth=place)
    until = time.monotonic() + 60
    while births() != {"Scotland": 1}:
        assert time.monotonic() < until and worker.poll() is None
        time.sleep(0.05)
    worker.terminate()
    assert worker.wait(20) == 0


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
        assert matviews.refresh_due(wait=False) == []
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
    other.close()
    assert [done.view for done in matviews.refresh_due()] == [BirthsByCountry] and births() == {}


def test_a_failed_refresh_is_shown_and_tried_again_and_does_not_delay_other_views(
    bring, broken_view, caplog, admin_client, capsys
):
    bring("people", places=PLACES, people=PEOPLE)
    Version.objects.create(pk="subjects", number=1)  # its view was never refreshed
    with broken_view:
        call_command("undo_import", ImportRun.objects.get().pk)
        out, err = capsys.readouterr()
        assert "undone." in out and "births_by_country could not be refreshed: " in err
        assert "manage.py refresh_views people" in err
        call_command("worker", batch=True)
        assert [view._meta.db_table for view in matviews.behind()] == ["births_by_country"]
        assert "births_by_country could not be refreshed" in caplog.text
        for address in PAGES[:2]:
            assert "The last refresh failed: " in admin_client.get(address).text
        with pytest.raises(CommandError, match="births_by_country could not be refreshed: "):
            call_command("export_people_summary", "--output", "-")
    call_command("worker", batch=True)
    assert births() == {} and matviews.behind() == []
    assert not any("refresh failed" in admin_client.get(address).text for address in PAGES)


def test_a_request_never_refreshes_a_view(bring, admin_client):
    bring("people", places=PLACES, people=PEOPLE)
    run, kelso = ImportRun.objects.get(), Place.objects.get()
    with CaptureQueriesContext(connection) as queries:
        place = {"city": "Kelso", "county": "Roxburghshire", "country": "Alba"}
        assert admin_client.post(f"/admin/people/place/{kelso.pk}/change/", place).status_code == 302
        edit = Edit.objects.get()
        confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/")
        confirm(admin_client, f"/admin/people/person/{Person.objects.get().pk}/delete/")
        confirm(admin_client, f"/admin/imports/edit/{Edit.objects.latest('pk').pk}/undo/")
        confirm(admin_client, f"/admin/imports/importrun/{run.pk}/undo/")
        pages = [admin_client.get(address).text for address in PAGES]
    assert ImportRun.objects.get().status == "undone" and births() == {"Scotland": 1}
    assert all("As of <time" in page and "The dataset has changed since then." in page for page in pages)
    assert not [query for query in queries if "REFRESH" in query["sql"] or "_live" in query["sql"]]
    call_command("worker", batch=True)
    assert births() == {} and matviews.behind() == []
    assert not any("has changed since then" in admin_client.get(address).text for address in PAGES)


def test_a_command_refreshes_what_is_due_unless_it_is_told_not_to(bring, write, capsys):
    folder = write("all/people.csv", PEOPLE).parent
    write("all/places.csv", PLACES)
    call_command("import_people", folder, no_refresh=True)
    assert births() == {} and "refreshed" not in capsys.readouterr().out
    run = ImportRun.objects.get().pk
    call_command("undo_import", run, no_refresh=True)
    call_command("redo_import", run)
    assert births() == {"Scotland": 1} and "births_by_country: refreshed in" in capsys.readouterr().out
    call_command("undo_import", run)
    assert births() == {}


@pytest.mark.parametrize("command", ["export_people_summary", "export people/births-by-country --format ndjson"])
def test_a_command_that_reads_a_view_refreshes_it_first_if_it_is_behind(bring, command, tmp_path):
    bring("people", places=PLACES, people=PEOPLE)
    refreshed = Version.objects.get(pk="births_by_country").number
    name, *options = command.split()
    call_command(name, *options, "--output", str(tmp_path / "births"))
    assert Version.objects.get(pk="births_by_country").number == refreshed
    place = Place.objects.get()
    place.country = "Alba"
    place.save()
    call_command(name, *options, "--output", str(tmp_path / "births"))
    assert "Alba" in (tmp_path / "births").read_text() and births() == {"Alba": 1}


def test_a_refresh_replaces_only_the_rows_that_differ(bring, whole):
    bring("people", places=PLACES + "Derry,Derry,Ulster\n", people=PEOPLE + "Bob,Oak,1950-12-31,Derry\n")
    scotland = whole("births_by_country")[0]
    Person.objects.get(given_name="Bob").delete()
    matviews.refresh("people")
    assert whole("births_by_country") == [scotland]
