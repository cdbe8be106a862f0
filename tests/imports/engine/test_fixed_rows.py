"""Fixed rows stay fixed: an import of the original file does not reject the row again."""

import json

import pytest
from django.core.management import CommandError

from curation.history import edits
from curation.history.undo import redo_run, undo_edit, undo_run
from imports.models import ImportRun, RejectedRow, ResolvedRow
from people.models import Person, Place
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
ANN, BOB, GUS = "Ann,Mac,1901-02-03,Kelso\n", "Bob,Oak,1950-02-30,Derry\n", "Gus,Elm,1950-12-31,Atlantis\n"
MESSY = HEADER + ANN + BOB + GUS
BOB_FIXED = "3,,Bob,Oak,1950-02-28,Derry\n"
GUS_FIXED = "4,,Gus,Elm,1950-12-31,Bath\n"
PLACES = "city,county,country\nBath,Somerset,England\nDerry,Londonderry,Northern Ireland\nKelso,Roxburgh,Scotland\n"


@pytest.fixture
def people(write, importing):
    """Import a file of people with two rejected rows; a function that imports it again with other rows."""
    importing("people", write("places.csv", PLACES))

    def people(text=MESSY, *options):
        return importing("people", write("people.csv", text), *options)

    return people


@pytest.fixture
def fix(write, importing):
    """Import fixed rows of a run, and return the report."""

    def fix(run, rows, name="people.csv", header=f"line,problems,{HEADER}", dataset="people"):
        return importing(dataset, write(f"{name}.rejected-{run}.csv", header + rows))

    return fix


def test_a_fixed_row_is_not_rejected_again(people, fix, whole):
    first = people()
    assert first.counts["people"] == {"read": 3, "created": 1, "rejected": 2}
    assert fix(first["run"], BOB_FIXED + GUS_FIXED).counts["people"] == {"read": 2, "created": 2}
    stored = whole("people")
    again = people(MESSY, "--strict", "--delete-missing")
    assert again.counts["people"] == {"read": 3, "unchanged": 1, "fixed_before": 2}
    assert (again["rejections"], again["missing"]) == ([], [])
    assert whole("people") == stored


def test_a_fixed_row_stays_fixed_on_another_line(people, fix):
    fix(people()["run"], BOB_FIXED + GUS_FIXED)
    moved = HEADER + GUS + "Eve,Ash,1999-01-01,Kelso\n" + BOB + ANN
    assert people(moved, "--delete-missing").counts["people"] == {
        **{"read": 4, "created": 1, "unchanged": 1, "fixed_before": 2}
    }
    turned = "Place of birth,FAMILY_NAME,given-name,note,date of birth\nAtlantis,Elm,Gus,again,1950-12-31\n"
    assert people(turned).counts["people"] == {"read": 1, "fixed_before": 1, "missing": 3}


def test_a_fixed_row_that_its_file_no_longer_contains_is_missing(people, fix):
    fix(people()["run"], BOB_FIXED + GUS_FIXED)
    report = people(HEADER + ANN + BOB, "--delete-missing")
    assert report.counts["people"] == {"read": 2, "unchanged": 1, "fixed_before": 1, "missing": 1, "deleted": 1}
    # The record does not exist any more: its row is rejected again if a file contains it.
    assert people().counts["people"] == {"read": 3, "unchanged": 1, "rejected": 1, "fixed_before": 1}


def test_a_row_with_the_same_fix_in_its_file_is_unchanged(people, fix):
    fix(people()["run"], GUS_FIXED)
    corrected = people(MESSY.replace("Atlantis", "Bath"), "--delete-missing")
    assert corrected.counts["people"] == {"read": 3, "unchanged": 2, "rejected": 1}


def test_a_row_with_another_fix_in_its_file_replaces_the_fixed_one(people, fix, rows):
    fix(people()["run"], GUS_FIXED)
    born = "SELECT p.id, city FROM people p JOIN places ON places.id = place_of_birth_id WHERE given_name = 'Gus'"
    [(pk, _)] = rows(born)
    counts = people(MESSY.replace("Atlantis", "Derry")).counts["people"]
    assert counts == {"read": 3, "unchanged": 1, "updated": 1, "paired": 1, "rejected": 1}
    assert rows(born) == [(pk, "Derry")]


def test_equal_rejected_rows_are_fixed_one_by_one(people, fix):
    first = people(HEADER + GUS + GUS + GUS)
    assert fix(first["run"], GUS_FIXED.replace("4,", "3,", 1)).counts["people"]["created"] == 1
    again = people(HEADER + GUS + GUS + GUS)
    assert again.counts["people"] == {"read": 3, "rejected": 2, "fixed_before": 1}
    assert [row["line"] for row in again["rejections"]] == [2, 4]


def test_a_row_can_be_fixed_in_two_steps(people, fix):
    first = people()
    second = fix(first["run"], GUS_FIXED.replace("Bath", "Lyonesse"))
    assert second.counts["people"] == {"read": 1, "rejected": 1}
    fix(second["run"], GUS_FIXED)
    assert people().counts["people"] == {"read": 3, "unchanged": 1, "rejected": 1, "fixed_before": 1}


def test_a_preview_of_fixed_rows_fixes_nothing(people, fix, write):
    run = people()["run"]
    fixed = write(f"people.csv.rejected-{run}.csv", f"line,problems,{HEADER}{GUS_FIXED}")
    assert imported("import_people", fixed, dry_run=True).counts["people"] == {"read": 1, "created": 1}
    assert not ResolvedRow.objects.exists()
    assert people().counts["people"] == {"read": 3, "unchanged": 1, "rejected": 2}


def test_undoing_the_run_that_fixed_a_row_opens_it_again_and_redoing_fixes_it(people, fix):
    fixing = ImportRun.objects.get(pk=fix(people()["run"], GUS_FIXED)["run"])
    undo_run(fixing)
    assert people().counts["people"] == {"read": 3, "unchanged": 1, "rejected": 2}
    redo_run(fixing)
    assert people().counts["people"] == {"read": 3, "unchanged": 1, "rejected": 1, "fixed_before": 1}


def test_a_row_is_open_while_its_record_is_deleted(people, fix):
    fix(people()["run"], GUS_FIXED)
    deletion = edits.delete(Person.objects.filter(given_name="Gus"), None)
    assert people().counts["people"] == {"read": 3, "unchanged": 1, "rejected": 2}
    undo_edit(deletion)
    assert people().counts["people"] == {"read": 3, "unchanged": 1, "rejected": 1, "fixed_before": 1}


def test_a_correction_of_a_fixed_record_stays_and_does_not_count_as_kept(people, fix, rows):
    fix(people()["run"], GUS_FIXED)
    edits.correct(Person.objects.filter(given_name="Gus"), {"given_name": "Gustav"}, None)
    again = people(MESSY, "--delete-missing").counts["people"]
    assert again == {"read": 3, "unchanged": 1, "rejected": 1, "fixed_before": 1}
    assert rows("SELECT given_name FROM people WHERE family_name = 'Elm'") == [("Gustav",)]


def test_a_fixed_row_with_a_key_stays_fixed_under_its_new_key(write, importing, fix):
    text = PLACES + f"{'x' * 300},Devon,England\n"
    run = importing("people", write("places.csv", text))["run"]
    fix(run, "5,,Exeter,Devon,England\n", "places.csv", "line,problems,city,county,country\n")
    again = importing("people", write("places.csv", text), "--delete-missing", "--strict")
    assert again.counts["places"] == {"read": 4, "unchanged": 3, "fixed_before": 1}
    assert ResolvedRow.objects.get().record == str(Place.objects.get(city="Exeter").pk)


def test_resolved_rows_do_not_stop_an_import_as_mostly_rejected(people, fix, monkeypatch):
    run = people(HEADER + ANN + BOB + GUS + GUS + BOB)["run"]
    monkeypatch.setattr("imports.engine.rejections.FIRST", 1)
    with pytest.raises(CommandError, match="were rejected, more than"):
        people(HEADER + ANN + BOB + GUS + GUS + BOB)
    fix(run, BOB_FIXED + GUS_FIXED + GUS_FIXED.replace("4,", "5,"))
    assert people(HEADER + ANN + BOB + GUS + GUS + BOB).counts["people"] == {
        **{"read": 5, "unchanged": 1, "rejected": 1, "fixed_before": 3}
    }


def test_a_fixed_document_stays_fixed(write, importing, rows):
    good = {"subject_id": "1", "species": "mouse", "sex": "Male", "date_of_birth": "2024-01-02"}
    bad = good | {"date_of_birth": "never"}
    first = importing("subjects", write("all/a/subject.json", json.dumps(bad)).parent)
    assert first.counts["subjects"] == {"read": 1, "rejected": 1}
    again = json.dumps(good | {"line": 1, "problems": ""})
    importing("subjects", write(f"fixed/a.rejected-{first['run']}.json", again))
    report = importing("subjects", write("all/a/subject.json", json.dumps(bad)).parent, "--delete-missing")
    assert report.counts["subjects"] == {"read": 1, "fixed_before": 1}
    assert rows("SELECT count(*) FROM changes") == [(0,)]


def test_an_ignored_row_is_counted_as_ignored(people):
    people()
    row = RejectedRow.objects.get(line=4)
    ResolvedRow.objects.create(source="people", name="people.csv", identity=row.identity, state="ignored")
    again = people()
    assert again.counts["people"] == {"read": 3, "unchanged": 1, "rejected": 1, "ignored": 1}
    assert [(row.line, row.state) for row in RejectedRow.objects.filter(file__run=again["run"])] == [
        (3, "open"),
        (4, "ignored"),
    ]


def test_a_row_that_was_fixed_is_not_fixed_again_otherwise(people, fix):
    run = people()["run"]
    fix(run, GUS_FIXED)
    again = fix(run, GUS_FIXED.replace("Bath", "Kelso") + BOB_FIXED)
    assert again.counts["people"] == {"read": 2, "created": 1, "rejected": 1}
    gus = Person.objects.get(given_name="Gus")
    (problem,) = again["rejections"][0]["problems"]
    assert problem["message"] == f"was fixed by an earlier import, as people {gus.pk}: correct that record instead"
    assert fix(run, GUS_FIXED).counts["people"] == {"read": 1, "unchanged": 1}
