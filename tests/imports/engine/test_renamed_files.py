"""The same rows under another file name are refused unless the request names the file that they continue."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"


def people(*names: str) -> str:
    return HEADER + "".join(f"{name},Mac,1901-02-03,Kelso\n" for name in names)


FIVE = people("Ann", "Bob", "Cy", "Dee", "Eve")


@pytest.fixture
def imported(write, importing):
    write("all/people.csv", FIVE)
    importing("people", write("all/places.csv", PLACES).parent)


@pytest.fixture
def names(rows):
    return lambda: [row[0] for row in rows("SELECT given_name FROM people ORDER BY created_in_id, created_line")]


def test_the_same_file_under_another_name_is_refused(imported, write, refused, rows):
    assert refused("people", write("people_new.csv", FIVE)) == (
        "people_new.csv has the same content as people.csv, which was imported into people. Importing it would "
        "duplicate every record. If it is a new version of people.csv, set “new version of” to people.csv; if it is a "
        "different file, set it to people_new.csv. On the command line: --as NAME."
    )
    assert rows("SELECT count(*) FROM people") == [(5,)]
    assert rows("SELECT status FROM import_runs ORDER BY id DESC LIMIT 1") == [("failed",)]


def test_more_than_half_of_the_rows_under_another_name_are_refused(imported, write, refused, rows, whole):
    before = whole("people")
    sentence = refused("people", write("people_new.csv", people("Cy", "Bob", "Ann", "Fay", "Gus")))
    assert sentence.startswith("people_new.csv mostly contains the rows of people.csv, which was imported into people")
    assert "set “new version of” to people.csv; if it is a different file, set it to people_new.csv." in sentence
    assert whole("people") == before


def test_up_to_half_of_the_rows_may_equal_those_of_another_file(imported, write, importing, names):
    report = importing("people", write("people_new.csv", people("Ann", "Bob", "Fay", "Gus")))
    assert report.counts == {"people": {"read": 4, "created": 4}}
    assert names() == ["Ann", "Bob", "Cy", "Dee", "Eve", "Ann", "Bob", "Fay", "Gus"]


def test_as_the_name_of_a_file_continues_it(imported, write, importing, names, whole, rows):
    before = whole("people")
    report = importing(
        "people", write("people_new.csv", people("Ann", "Bob", "Cy", "Dee", "Fay")), "--as", "people.csv"
    )
    assert report.counts == {"people": {"read": 5, "created": 1, "unchanged": 4, "missing": 1}}
    assert names() == ["Ann", "Bob", "Cy", "Dee", "Eve", "Fay"]
    assert set(before) < set(whole("people"))
    assert rows("SELECT name, original_name FROM source_files ORDER BY id DESC LIMIT 1") == [
        ("people.csv", "people_new.csv")
    ]


def test_as_a_new_name_imports_other_people(imported, write, importing, names):
    path = write("people_new.csv", FIVE)
    report = importing("people", path, "--as", "people_new.csv")
    assert report.counts == {"people": {"read": 5, "created": 5}}
    assert names() == ["Ann", "Bob", "Cy", "Dee", "Eve"] * 2
    assert importing("people", path).counts == {"people": {"read": 5, "unchanged": 5}}


def test_a_continued_file_can_be_imported_again_under_its_own_name(imported, write, importing):
    importing("people", write("people_new.csv", people("Ann", "Bob", "Cy", "Dee", "Fay")), "--as", "people.csv")
    report = importing("people", write("people.csv", people("Ann", "Bob", "Cy", "Dee", "Fay")))
    assert report.counts == {"people": {"read": 5, "unchanged": 5, "missing": 1}}


def test_a_renamed_file_is_refused_although_a_row_was_added(imported, write, refused):
    assert "mostly contains the rows of people.csv" in refused(
        "people", write("people_2.csv", FIVE + "Fay,Mac,1901-02-03,Kelso\n")
    )


def test_the_number_of_earlier_files_does_not_affect_the_queries_of_an_import(imported, write, importing):
    def queries(name: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            importing("people", write(f"people_{name}.csv", people(name)), "--no-refresh")
        return len(captured)

    assert [queries(name) for name in ("Fay", "Gus", "Hal")] == [queries("Ian")] * 3


def test_two_names_of_one_file_in_one_run_are_refused(write, importing, refused, rows):
    importing("people", write("places.csv", PLACES))
    sentence = refused("people", write("people_1.csv", FIVE), write("people_2.csv", FIVE))
    assert sentence.startswith("people_2.csv has the same content as people_1.csv")
    mostly = write("people_2.csv", people("Bob", "Ann", "Cy"))
    assert "people_2.csv mostly contains the rows of people_1.csv" in refused(
        "people", write("people_1.csv", FIVE), mostly
    )
    assert rows("SELECT count(*) FROM people") == [(0,)]


def test_a_file_that_was_only_previewed_does_not_cause_a_refusal(write, importing):
    importing("people", write("places.csv", PLACES))
    importing("people", write("people.csv", FIVE), "--dry-run")
    assert importing("people", write("people_new.csv", FIVE)).counts == {"people": {"read": 5, "created": 5}}


def test_a_preview_refuses_a_renamed_file_too(imported, write, refused):
    assert "has the same content as people.csv" in refused("people", write("people_new.csv", FIVE), "--dry-run")


def test_a_source_with_a_key_matches_its_records_under_any_file_name(imported, write, importing):
    assert importing("people", write("places_new.csv", PLACES)).counts == {"places": {"read": 1, "unchanged": 1}}


def test_files_with_one_name_in_two_folders_are_distinct(write, importing, refused, rows):
    importing("people", write("places.csv", PLACES))
    first, second = write("a/people.csv", people("Ann")), write("b/people.csv", people("Ann", "Bob"))
    sentence = refused("people", first, second)
    assert (
        "have the name people.csv" in sentence and ": a/people.csv, b/people.csv. " in sentence and "--as" in sentence
    )
    assert rows("SELECT count(*) FROM people") == [(0,)]
