"""Interrupted imports, and two imports of one dataset at the same time."""

import os
import signal
import sqlite3
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from imports.engine.run import import_files
from imports.models import ImportRun, SourceFile

pytestmark = pytest.mark.both_engines  # transactions and locks are the engine's

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
ANN = "Ann,Mac,1901-02-03,Kelso\n"

# Hold an import while it writes the row of a person called Slow. On PostgreSQL, the trigger waits for
# a lock of the test, even with session_replication_role; on SQLite, it counts for longer than any test runs.
SLOW = {
    "postgresql": [
        "CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END'",
        "CREATE TRIGGER slow AFTER INSERT ON people FOR EACH ROW WHEN (NEW.given_name = 'Slow')"
        " EXECUTE FUNCTION wait_for_the_test()",
        "ALTER TABLE people ENABLE ALWAYS TRIGGER slow",
    ],
    "sqlite": [
        "CREATE TRIGGER slow AFTER INSERT ON people WHEN NEW.given_name = 'Slow' BEGIN SELECT count(*) FROM ("
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT i FROM n); END",
    ],
}
QUICK = {
    "postgresql": ["DROP TRIGGER slow ON people", "DROP FUNCTION wait_for_the_test"],
    "sqlite": ["DROP TRIGGER slow"],
}


def soon(question, seconds: float = 300.0):
    """Call a function until it returns a true value; return the value."""
    until = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)
    return answer


def people(count: int, *, slow: bool = False) -> str:
    rows = [f"G{n},F{n % 97},{1850 + n % 100}-01-{1 + n % 28:02},Kelso\n" for n in range(count)]
    if slow:
        rows[count // 2 : count // 2] = ["Slow,Mac,1901-02-03,Kelso\n"]
    return HEADER + "".join(rows)


def is_writing() -> bool:
    """Return whether another process has been writing for a while."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted")
            return cursor.fetchone()[0] > 0
    for _ in range(20):
        driver = sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)
        try:
            driver.execute("BEGIN IMMEDIATE")
            return False
        except sqlite3.OperationalError:
            time.sleep(0.02)
        finally:
            driver.close()
    return True


def server_has_seen() -> bool:
    """Return whether the server has released the resources of a killed process."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return cursor.fetchone()[0] == 0


def kill(process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def slow(execute):
    """Slow down writing, so that an import can be interrupted."""
    execute(*SLOW[connection.vendor])
    if connection.vendor == "postgresql":
        execute("SELECT pg_advisory_lock(4711)")
    yield
    if connection.vendor == "postgresql":
        execute("SELECT pg_advisory_unlock_all()")
    execute(*QUICK[connection.vendor])


@pytest.mark.parametrize("before", [0, 3], ids=["into an empty table", "into a table with rows"])
def test_an_import_killed_while_it_writes_changes_nothing(write, importing, manage, whole, rows, slow, before):
    # More rows than the import inserts into an empty table without dropping its indexes.
    importing("people", write("places.csv", PLACES), write("people.csv", people(before)))
    stored = [whole(table) for table in ("places", "people")]
    views = rows("SELECT * FROM births_by_country")
    write("all/places.csv", PLACES + "Derry,Derry,Ulster\n")
    process = manage("import_people", write("all/people.csv", people(12_000, slow=True)).parent)
    soon(is_writing)
    kill(process)

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(4711)")
    soon(server_has_seen)
    assert [whole(table) for table in ("places", "people")] == stored
    assert rows("SELECT * FROM births_by_country") == views
    with connection.cursor() as cursor:
        assert connection.introspection.get_constraints(cursor, "people")["people_identity_unique"]["unique"]
    killed = ImportRun.objects.first()
    assert killed.status == "running"

    report = importing("people", write("all/people.csv", people(12_000)).parent)
    assert report.counts["people"] == {"read": 12_000, "created": 12_000 - before} | (
        {"unchanged": before} if before else {}
    )
    assert report["notes"] == [
        f"Run {killed.pk} of {killed.started_at:%Y-%m-%d %H:%M} was interrupted: "
        "The process of the run ended unexpectedly. Nothing was imported."
    ]
    killed.refresh_from_db()
    assert (killed.status, killed.finished_at is not None) == ("interrupted", True)


def test_an_import_killed_while_it_reads_changes_nothing(write, importing, manage, whole):
    importing("people", write("places.csv", PLACES), write("people.csv", HEADER + ANN))
    stored = [whole(table) for table in ("places", "people")]
    files = SourceFile.objects.count()
    process = manage("import_people", write("people.csv", people(400_000)))
    soon(lambda: SourceFile.objects.count() > files)  # its bytes are stored: the import now reads it
    kill(process)
    soon(server_has_seen)

    assert [whole(table) for table in ("places", "people")] == stored
    killed = ImportRun.objects.first()
    assert killed.status == "running"
    report = importing("people", write("people.csv", HEADER + ANN))
    assert report.counts == {"people": {"read": 1, "unchanged": 1}}
    assert report["notes"][0].startswith(f"Run {killed.pk} of ") and "was interrupted" in report["notes"][0]
    assert importing("people", write("people.csv", HEADER + ANN))["notes"] == []


def test_an_import_stopped_by_ctrl_c_exits_with_a_message(write, importing, manage, whole):
    importing("people", write("places.csv", PLACES), write("people.csv", HEADER + ANN))
    stored = [whole(table) for table in ("places", "people")]
    process = manage("import_people", write("people.csv", people(400_000)))
    soon(lambda: SourceFile.objects.filter(name="people.csv").count() > 1)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err == "CommandError: The import was interrupted by the user. Nothing was imported.\n"
    assert [whole(table) for table in ("places", "people")] == stored
    assert ImportRun.objects.first().status == "interrupted"
    assert importing("people", write("people.csv", HEADER + ANN))["notes"] == []


@pytest.fixture
def going_on(write, importing):
    """An import of people that runs until the test ends it; returns the function that ends it."""
    importing("people", write("places.csv", PLACES))
    path, begun, may_end, outcome = write("people.csv", HEADER + ANN), threading.Event(), threading.Event(), {}

    def progress(files):
        begun.set()
        assert may_end.wait(30)
        return lambda read, rows: None

    def run():
        try:
            outcome["run"] = import_files("people", [path], progress=progress).run
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(30)

    def end():
        may_end.set()
        thread.join(30)
        return outcome["run"]

    yield end
    end()


def test_a_second_import_of_a_dataset_is_refused_with_the_number_of_the_first(going_on, write, refused, rows):
    first = ImportRun.objects.first()
    assert refused("people", write("people_2.csv", HEADER + ANN)) == (
        f"Another import of people is running: run {first.pk}, since {first.started_at:%Y-%m-%d %H:%M:%S} UTC. "
        "Try again when it has finished."
    )
    assert ImportRun.objects.count() == 2
    assert going_on().status == "applied"
    assert rows("SELECT given_name FROM people") == [("Ann",)]


def test_a_second_process_is_refused_too(going_on, write, manage):
    process = manage("import_people", write("people_2.csv", HEADER + ANN))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("CommandError: Another import of people is running: run ") and "Traceback" not in err


def test_imports_of_two_datasets_can_run_at_the_same_time(going_on, write, importing):
    compounds = write("compounds.csv", "compound_id,compound_name,compound_structure\n1,Water,H2O\n")
    assert importing("experiments", compounds)["status"] == "applied"
    assert going_on().status == "applied"


def test_the_next_import_starts_after_the_first_has_ended(going_on, write, importing):
    going_on()
    assert importing("people", write("people.csv", HEADER + ANN)).counts == {"people": {"read": 1, "unchanged": 1}}


def test_a_failed_run_does_not_block_the_next(write, importing, refused):
    with pytest.raises(CommandError):
        call_command("import_people", str(write("places.csv", "city,land\n")), verbosity=0)
    assert importing("people", write("places.csv", PLACES))["notes"] == []


def test_a_failing_import_also_reports_an_interrupted_earlier_one(write, refused, capsys):
    run = ImportRun.objects.create(dataset="people")
    assert "1 row was rejected" in refused("people", write("places.csv", PLACES + "Derry\n"), "--strict")
    output = capsys.readouterr().err
    assert f"Run {run.pk} of " in output and "was interrupted: The process of the run ended unexpectedly" in output
