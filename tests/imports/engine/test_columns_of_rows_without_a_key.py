"""A file that lacks a column and whose rows have no key: no row is imported a second time."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from census.models import Occupation, Respondent
from curation.history import edits
from imports.models import ImportRun
from tests.imports.engine.test_absent_columns import census

ROWS = "SELECT count(*), max(id) FROM respondents"
OWN_NAME = "if it is a different file, set “new version of” to another name."


@pytest.fixture
def stored(write, importing):
    """A stored file of one respondent, with values in all columns."""
    importing("census", write("census.csv", census()))


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("options", [[], ["--allow-missing-columns"], ["--dry-run"], ["--delete-missing"]])
@pytest.mark.parametrize(
    ("renamed", "expected"),
    [
        ({"occupation": "job"}, "lacks the column occupation (columns ignored: job), but"),
        ({"occupation": "ocupation"}, "lacks the column occupation (did you mean ocupation?) (columns ignored"),
        ({"occupation": None, "native_country": None}, "lacks the columns occupation, native_country, but"),
    ],
)
def test_a_file_without_a_column_is_refused_if_stored_records_have_values_there(
    stored, write, refused, rows, renamed, expected, options
):
    before = rows(ROWS)
    sentence = refused("census", write("census.csv", census(renamed)), *options)
    assert sentence.startswith(f"census.csv {expected}"), sentence
    assert "stored records of census.csv have values in " in sentence and "Nothing was imported" in sentence
    assert sentence.endswith(f"{OWN_NAME} On the command line: --as NAME.")
    assert rows(ROWS) == before


def test_the_api_and_the_browser_refuse_it_too(stored, admin_client, rows):
    before = rows(ROWS)

    def file():
        return SimpleUploadedFile("census.csv", census({"occupation": "job"}).encode(), "text/csv")

    data = {"dataset": "census", "mode": "apply", "allow_missing_columns": "true"}
    answer = admin_client.post("/api/imports/", data | {"files": file()})
    form = {"dataset": "census", "encoding": "utf-8", "allow_missing_columns": "on", "files": file()}
    page = admin_client.post("/admin/imports/importrun/import/", form)["Location"]
    call_command("worker", "--batch")
    run = admin_client.get(f"/api/imports/{answer.json()['id']}/").json()
    assert run["status"] == "failed" and "census.csv lacks the column occupation" in run["error"]
    assert ImportRun.objects.first().status == "failed"
    assert "census.csv lacks the column occupation" in admin_client.get(page).text and rows(ROWS) == before


def test_a_file_that_never_had_an_optional_column_is_imported_again(stored, write, importing):
    importing("census", write("adult.csv", census({"occupation": None}, age="40")))
    importing("census", write("adult.csv", census({"occupation": "job"}, age="40")))
    assert Respondent.objects.count() == 2
    empty = write("census-2.csv", census(workclass="?", age="50"))
    importing("census", empty)  # the column exists without values
    report = importing("census", write("census-2.csv", census({"workclass": None}, age="50")))
    assert report.counts == {"respondents": {"read": 1, "unchanged": 1}}


def test_a_file_without_the_column_is_imported_under_another_name(stored, write, importing, refused):
    path = write("census.csv", census({"occupation": None}))
    report = importing("census", path, "--as", "census-of-other-people.csv")
    assert report.counts == {"respondents": {"read": 1, "created": 1}}
    assert "lacks the column occupation" in refused("census", path, "--as", "census.csv")


def test_the_file_value_counts_instead_of_the_correction(stored, write, importing, refused):
    path = write("adult.csv", census({"occupation": None}, age="40"))
    importing("census", path)
    sales, records = Occupation.objects.get(), Respondent.objects
    edits.correct(records.filter(age=40), {"occupation": sales}, None)
    assert importing("census", path).counts == {"respondents": {"read": 1, "unchanged": 1, "kept": 1}}
    edits.delete(records.filter(age=40), None)
    assert importing("census", path).counts == {"respondents": {"read": 1, "unchanged": 1, "kept": 1}}
    path = write("census.csv", census({"occupation": None}))
    edits.correct(records.filter(age=39), {"occupation": None}, None)
    assert "lacks the column occupation" in refused("census", path)
    edits.delete(records.all(), None)  # otherwise an import would create the record again
    assert "lacks the column occupation" in refused("census", path)
    assert not records.exists()
