"""Provenance: the run, file and line that created and last changed a record, and the file's bytes."""

import hashlib
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n\nDerry,Derry,Northern Ireland\n"
CHANGED = "city,county,country\nDerry,Londonderry,Northern Ireland\nKelso,Roxburghshire,Scotland\n"

ORIGINS = """
    SELECT r.city, a.run_id, a.name, r.created_line, z.run_id, z.name, r.changed_line FROM places r
    JOIN source_files a ON a.id = r.created_in_id JOIN source_files z ON z.id = r.changed_in_id ORDER BY r.city
"""


@pytest.fixture
def kept(settings):
    """The names of the stored files, which are SHA-256s; hidden files are ignored."""
    folder = Path(settings.MEDIA_ROOT, "imports")
    return lambda: sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_record_has_the_run_file_and_line_of_its_creation_and_last_change(write, importing, rows):
    first = importing("people", write("places.csv", PLACES))["run"]
    two = importing("people", write("places.csv", CHANGED))["run"]
    assert rows(ORIGINS) == [
        ("Derry", first, "places.csv", 4, two, "places.csv", 2),
        ("Kelso", first, "places.csv", 2, first, "places.csv", 2),
    ]


def test_a_record_belongs_to_the_last_file_that_changed_it(write, importing, rows):
    first = importing("people", write("places.csv", PLACES))["run"]
    two = importing("people", write("places_2.csv", "city,county,country\nDerry,Londonderry,Ulster\n"))["run"]
    assert rows(ORIGINS) == [
        ("Derry", first, "places.csv", 4, two, "places_2.csv", 2),
        ("Kelso", first, "places.csv", 2, first, "places.csv", 2),
    ]


def test_line_numbers_are_those_of_an_editor(write, importing, rows):
    content = '\r\n city,county,country\r\n"Kel\r\nso","Rox\nburgh",Scotland\r\n\r\nDerry,Derry,Ulster\r\n'
    importing("people", write("places.csv", content))
    assert rows("SELECT city, county, created_line FROM places ORDER BY created_line") == [
        ("Kel\r\nso", "Rox\nburgh", 3),
        ("Derry", "Derry", 7),
    ]


def test_a_new_term_has_its_source_file(write, importing, rows):
    row = "39, Private, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"
    run = importing("census", write("adult.data", row))["run"]
    assert rows("SELECT f.run_id, f.name FROM countries c JOIN source_files f ON f.id = c.created_in_id") == [
        (run, "adult.data")
    ]


def test_the_bytes_of_a_file_are_stored_by_their_sha256(write, importing, rows, kept, settings):
    content = PLACES.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    report = importing("people", write("places.csv", content))
    assert [source["sha256"] for source in report["sources"]] == [sha256]
    assert rows("SELECT sha256, size, name, original_name, encoding FROM source_files") == [
        (sha256, len(content), "places.csv", "places.csv", "utf-8")
    ]
    assert kept() == [sha256]
    assert Path(settings.MEDIA_ROOT, "imports", sha256).read_bytes() == content


def test_equal_bytes_are_stored_once(write, importing, kept):
    importing("people", write("places.csv", PLACES))
    importing("people", write("places_2.csv", PLACES))
    importing("people", write("places.csv", CHANGED))
    assert kept() == sorted(hashlib.sha256(content.encode()).hexdigest() for content in (PLACES, CHANGED))


def test_a_file_that_is_changed_after_its_import_can_still_be_shown(write, importing, settings):
    report = importing("people", write("places.csv", PLACES))
    write("places.csv", "something else")
    kept_bytes = Path(settings.MEDIA_ROOT, "imports", report["sources"][0]["sha256"]).read_text()
    assert kept_bytes.splitlines()[3] == "Derry,Derry,Northern Ireland"


def test_a_refused_file_is_stored_with_the_reason(write, rows, kept, transactional_db):
    content = PLACES + "York,,England\n"
    with pytest.raises(CommandError):
        call_command("import_people", str(write("places.csv", content)), "--strict", verbosity=0)
    assert kept() == [hashlib.sha256(content.encode()).hexdigest()]
    ((status, error),) = rows("SELECT status, error FROM import_runs")
    assert status == "failed" and error.startswith("1 row was rejected")
    assert rows("SELECT f.name, r.line FROM rejected_rows r JOIN source_files f ON f.id = r.file_id") == [
        ("places.csv", 5)
    ]


def test_a_run_shows_its_options(write, importing, rows):
    importing("people", write("places.csv", PLACES), "--dry-run", "--strict", "--delete-missing")
    assert rows("SELECT status FROM import_runs WHERE dry_run AND strict AND delete_missing") == [("previewed",)]
