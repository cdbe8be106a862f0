"""Imports with concurrent changes to the same tables."""

import threading
import time

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from census.models import Country, Respondent
from curation.history.edits import correct
from imports.engine.run import ImportRefusedError, import_files

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
PEOPLE = HEADER + "Ann,Mac,1901-02-03,Kelso\nBob,Oak,1950-12-31,Derry\n"
RESPONDENT = "39, {work}, 77516, {education}, {years}, Divorced, Sales, Wife, White, Male, 0, 0, 40, {country}, <=50K\n"

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer and no row locks")


def respondent(work="Private", education="Bachelors", years=13, country="Peru"):
    return RESPONDENT.format(work=work, education=education, years=years, country=country)


@pytest.fixture
def meanwhile(write, importing):
    """Import files; while the last of them is read, run a function on another connection."""

    def meanwhile(dataset: str, paths, *statements: str):
        done, result = [], []

        def elsewhere():
            try:
                with connection.cursor() as cursor:
                    for statement in statements:
                        cursor.execute(statement)
                done.append(True)
            finally:
                connections.close_all()

        def progress(files):
            def report(read, rows):
                result.append(rows)
                if len(result) == len(paths) and not done:
                    thread = threading.Thread(target=elsewhere)
                    thread.start()
                    thread.join(30)
                    assert done

            return report

        return import_files(dataset, paths, progress=progress)

    return meanwhile


WHO_SAYS_WHAT = """
    SELECT changed_line, w.name, c.name FROM respondents JOIN workclasses w ON w.id = workclass_id
    JOIN countries c ON c.id = native_country_id ORDER BY changed_line
"""


def test_a_term_that_another_user_creates_meanwhile_is_used_once(write, meanwhile, rows):
    run = meanwhile(
        "census",
        [write("adult.data", respondent(country="Peru") + respondent(country="Cuba"))],
        "INSERT INTO countries (name) VALUES ('Cuba')",
    ).run
    assert rows(WHO_SAYS_WHAT) == [(1, "Private", "Peru"), (2, "Private", "Cuba")]
    assert sorted(rows("SELECT name FROM countries")) == [("Cuba",), ("Peru",)]
    assert run.status == "applied"


def test_each_row_keeps_its_terms_if_others_take_their_keys_meanwhile(write, meanwhile, rows):
    names = ["Peru", "Cuba", "Laos", "Chad"]
    # The keys of the first file's terms are reserved before the second file is read.
    meanwhile(
        "census",
        [
            write("adult_1.data", "".join(respondent(country=name) for name in names)),
            write("adult_2.data", "\n\n\n\n" + respondent(country="Togo")),
        ],
        "INSERT INTO countries (name) VALUES ('Mali')",
        "INSERT INTO countries (name) VALUES ('Laos')",
        "INSERT INTO countries (name) VALUES ('Peru')",
    )
    assert [row[2] for row in rows(WHO_SAYS_WHAT)] == [*names, "Togo"]
    assert [row[0] for row in rows("SELECT name FROM countries ORDER BY name")] == sorted([*names, "Mali", "Togo"])


def test_each_level_keeps_its_years_if_another_user_creates_a_level_meanwhile(write, meanwhile, rows):
    path = write("adult.data", respondent() + respondent(education="Masters", years=14))
    meanwhile("census", [path], "INSERT INTO education_levels (name, years) VALUES ('Masters', 14)")
    assert sorted(rows("SELECT name, years FROM education_levels")) == [("Bachelors", 13), ("Masters", 14)]
    assert rows(
        "SELECT changed_line, years FROM respondents JOIN education_levels e ON e.id = education_id ORDER BY 1"
    ) == [
        (1, 13),
        (2, 14),
    ]


def test_a_place_that_is_deleted_during_the_import_is_unknown(write, importing, meanwhile, rows):
    importing("people", write("places.csv", PLACES))
    run = meanwhile("people", [write("people.csv", PEOPLE)], "DELETE FROM places WHERE city = 'Derry'").run
    assert (run.files.get().created, run.files.get().rejected) == (1, 1)
    assert rows("SELECT given_name FROM people") == [("Ann",)]


def test_a_term_that_is_deleted_during_the_import_stops_it_with_a_message(write, importing, meanwhile, rows):
    importing("census", write("adult.data", respondent() + respondent(country="Cuba")))
    path = write("adult.test", respondent(country="Laos") + respondent(country="Cuba", work="State-gov"))
    with pytest.raises(ImportRefusedError, match="records that were deleted"):
        meanwhile(
            "census",
            [path],
            "DELETE FROM respondents WHERE changed_line = 2",
            "DELETE FROM countries WHERE name = 'Cuba'",
        )
    assert rows("SELECT count(*) FROM respondents") == [(1,)]
    assert sorted(rows("SELECT name FROM countries")) == [("Peru",)]


def test_a_term_of_an_export_that_is_deleted_during_its_import_stops_it(write, importing, meanwhile, rows, tmp_path):
    importing("census", write("adult.data", respondent() + respondent(country="Cuba", work="State-gov")))
    private, cuba = Respondent.objects.get(changed_line=1), Country.objects.get(name="Cuba")
    correct(Respondent.objects.filter(pk=private.pk), {"native_country": cuba}, None)
    export = tmp_path / "respondents.csv"
    call_command("export", "census/respondents", "-o", str(export), verbosity=0)
    export.write_text(export.read_text().replace("Divorced", "Widowed"))
    with pytest.raises(ImportRefusedError, match="records that were deleted"):
        meanwhile(
            "census",
            [export],
            "UPDATE respondents SET native_country_id = (SELECT id FROM countries WHERE name = 'Peru'),"
            " corrections = NULL, age = 40",
            f"DELETE FROM countries WHERE id = {cuba.pk}",
        )
    assert rows("SELECT name FROM countries") == [("Peru",)]


def test_a_file_is_read_while_another_writes_and_only_then_merged(write, importing, rows):
    """Before the write transaction, an import neither blocks others nor waits for them."""
    importing("people", write("places.csv", PLACES))
    seen, held, read = {}, threading.Event(), threading.Event()

    def writer():
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("UPDATE places SET county = 'Borders' WHERE city = 'Kelso'")
                held.set()
                read.wait(10)
        finally:
            connections.close_all()

    def progress_while_held(files):
        thread.start()
        assert held.wait(10)

        def report(count, rows):
            seen["rows"] = seen.get("rows", 0) + rows
            read.set()

        return report

    thread = threading.Thread(target=writer)
    try:
        run = import_files("people", [write("people.csv", PEOPLE)], progress=progress_while_held).run
    finally:
        read.set()
        thread.join(30)
    assert (seen["rows"], run.status) == (2, "applied")
    assert rows("SELECT county FROM places WHERE city = 'Kelso'") == [("Borders",)]


# At the end of its write transaction, after all checks, an import waits here for a lock of the test.
AT_COMMIT = [
    "CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN PERFORM pg_advisory_xact_lock(4712); RETURN NULL; END'",
    "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " WHEN (NEW.given_name = 'Ann') EXECUTE FUNCTION wait_for_the_test()",
    "ALTER TABLE people ENABLE ALWAYS TRIGGER slow",
]


@pytest.fixture
def about_to_commit(write, importing, execute):
    """An import of people just before its commit, and the function that ends it."""
    importing("people", write("places.csv", PLACES), write("people.csv", HEADER + "Eve,Elm,1977-07-07,Derry\n"))
    execute(*AT_COMMIT, "SELECT pg_advisory_lock(4712)")
    path = write("people_2.csv", PEOPLE)

    def run():
        try:
            import_files("people", [path])
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 30
    with connection.cursor() as cursor:
        waiting = False
        while not waiting and time.monotonic() < until:
            time.sleep(0.01)
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted")
            waiting = cursor.fetchone()[0]
    assert waiting

    def end():
        if thread.is_alive():
            execute("SELECT pg_advisory_unlock(4712)")
            thread.join(30)

    yield end
    end()
    execute("DROP TRIGGER slow ON people", "DROP FUNCTION wait_for_the_test")


@on_postgresql
def test_a_place_that_an_import_refers_to_cannot_be_deleted_before_its_commit(about_to_commit, execute, rows):
    execute("SET lock_timeout = '200ms'")
    try:
        with pytest.raises(OperationalError, match="lock timeout"):
            execute("DELETE FROM places WHERE city = 'Kelso'")
        # Its other fields can be corrected during the import.
        execute("UPDATE places SET county = 'Borders' WHERE city = 'Kelso'")
    finally:
        execute("RESET lock_timeout")
    about_to_commit()
    assert rows("SELECT given_name, county FROM people JOIN places ON places.id = place_of_birth_id ORDER BY 1") == [
        ("Ann", "Borders"),
        ("Bob", "Derry"),
        ("Eve", "Derry"),
    ]
    with pytest.raises(DatabaseError, match="foreign key"):
        execute("DELETE FROM places WHERE city = 'Kelso'")


@on_postgresql
def test_an_import_does_not_block_readers_of_a_table_with_rows(about_to_commit, execute, rows):
    execute("SET statement_timeout = '2s'")
    try:
        assert rows("SELECT given_name FROM people") == [("Eve",)]
        assert rows("SELECT city FROM places ORDER BY 1") == [("Derry",), ("Kelso",)]
        assert rows("SELECT births FROM births_by_country") == [(1,)]
    finally:
        execute("RESET statement_timeout")
    about_to_commit()
    assert len(rows("SELECT given_name FROM people")) == 3
