"""Rows that refer to a record that a curator deleted are withheld, and imported once it is restored."""

import json

import pytest
from django.core.management import call_command
from django.db.models import Model

from curation.history import edits
from experiments.models import Compound, User, UserExperiment
from imports.models import Change, ImportRun
from people.models import Person, Place
from subjects.models import Session, Subject

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.com,2023-05-01\n2,Bo,bo@example.org,2023-05-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,A,C\n2,B,C\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n7,1,1,5\n8,2,1;2,6\n"
MORE = "9,1,1,7\n10,2,2;1,8\n"


@pytest.fixture
def folder(bring):
    return bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)


def delete(record: Model):
    edits.delete(type(record)._base_manager.filter(pk=record.pk), None)


def restore(model, key):
    deletions = Change.objects.filter(table=model._meta.db_table, is_tombstone=True, record=key)
    edits.restore(Change.objects.filter(pk=deletions.get().pk), model, None)


@pytest.fixture
def without_ann(folder):
    """Ann is deleted after her experiment; the folder has one more experiment of hers and one more of Bo's."""
    delete(UserExperiment.objects.get(pk=7))
    delete(User.objects.get(pk=1))
    (folder / "user_experiments.csv").write_text(EXPERIMENTS + MORE)
    return folder


def experiments():
    return sorted(UserExperiment.objects.values_list("pk", flat=True))


def test_children_of_a_deleted_record_are_withheld_and_not_rejected(importing, without_ann):
    report = importing("experiments", without_ann)
    assert report.counts["user_experiments"] == {"read": 4, "created": 1, "unchanged": 3, "kept": 2}
    assert report.counts["users"]["kept"] == 1 and report.problems == []
    assert experiments() == [8, 10]
    assert report["notes"][0] == (
        "1 row not imported into user_experiments, because a curator deleted the user that the row refers to. "
        "Restore the user and import the file again to include it."
    )


def test_a_strict_import_succeeds_and_the_same_files_again_change_nothing(importing, without_ann, whole):
    importing("experiments", without_ann, "--strict")
    before = whole("user_experiments")
    report = importing("experiments", without_ann, "--strict", "--delete-missing")
    assert report.counts["user_experiments"] == {"read": 4, "unchanged": 4, "kept": 2}
    assert whole("user_experiments") == before


def test_withheld_rows_are_imported_after_the_record_is_restored(importing, without_ann):
    importing("experiments", without_ann)
    restore(User, "1")
    assert experiments() == [8, 10]
    report = importing("experiments", without_ann, "--strict")
    assert report.counts["user_experiments"] == {"read": 4, "created": 1, "unchanged": 3, "kept": 1}
    assert experiments() == [8, 9, 10]  # experiment 7 was deleted separately
    restore(UserExperiment, "7")
    assert importing("experiments", without_ann).counts["user_experiments"] == {"read": 4, "unchanged": 4}


def test_a_row_with_a_deleted_member_is_withheld(importing, folder):
    delete(UserExperiment.objects.get(pk=8))
    delete(Compound.objects.get(pk=2))
    (folder / "user_experiments.csv").write_text(EXPERIMENTS + MORE)
    report = importing("experiments", folder, "--strict")
    assert report.counts["user_experiments"] == {"read": 4, "created": 1, "unchanged": 3, "kept": 2}
    assert experiments() == [7, 9]
    restore(Compound, "2")
    importing("experiments", folder)
    assert experiments() == [7, 9, 10]
    assert sorted(UserExperiment.objects.get(pk=10).compounds.values_list("pk", flat=True)) == [1, 2]


def test_a_row_with_an_unknown_reference_is_rejected_for_that_only(importing, without_ann):
    (without_ann / "user_experiments.csv").write_text(f"{EXPERIMENTS}9,1,99,7\n11,77,1,7\n12,1,1,never\n")
    report = importing("experiments", without_ann)
    assert report.counts["user_experiments"] == {"read": 5, "unchanged": 2, "rejected": 3, "kept": 1}
    assert sorted(report.problems) == [
        ("user_experiments", 4, ("experiment_compound_ids", "99")),
        ("user_experiments", 5, ("user_id", "77")),
        ("user_experiments", 6, ("experiment_run_time", "never")),
    ]


def test_a_record_whose_row_refers_to_a_deleted_one_is_not_missing(importing, without_ann):
    (without_ann / "user_experiments.csv").write_text(EXPERIMENTS.replace("8,2,", "8,1,"))
    report = importing("experiments", without_ann, "--delete-missing")
    assert report.counts["user_experiments"] == {"read": 2, "unchanged": 2, "kept": 2}
    assert UserExperiment.objects.get(pk=8).user_id == 2
    restore(User, "1")
    assert importing("experiments", without_ann).counts["user_experiments"]["updated"] == 1
    assert UserExperiment.objects.get(pk=8).user_id == 1


def test_people_of_a_deleted_place_are_withheld(importing, bring):
    places = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
    people = "given_name,family_name,date_of_birth,place_of_birth\nBob,Oak,1950-12-31,Derry\n"
    folder = bring("people", places=places, people=people)
    delete(Place.objects.get(city="Kelso"))
    (folder / "people.csv").write_text(f"{people}Ann,Mac,1901-02-03,Kelso\nAnn,Mac,1901-02-03,Kelso\n")
    for _ in range(2):
        report = importing("people", folder, "--strict", "--delete-missing")
        assert report.counts["people"] == {"read": 3, "unchanged": 3, "kept": 2}
    # A stored person whose row now refers to the deleted place is not missing.
    (folder / "people.csv").write_text(people.replace("Derry", "Kelso"))
    report = importing("people", folder, "--strict", "--delete-missing")
    assert report.counts["people"] == {"read": 1, "unchanged": 1, "kept": 1} and Person.objects.count() == 1
    restore(Place, str(Change.objects.get(table="places", is_tombstone=True).record))
    (folder / "people.csv").write_text(f"{people}Ann,Mac,1901-02-03,Kelso\nAnn,Mac,1901-02-03,Kelso\n")
    assert importing("people", folder).counts["people"] == {"read": 3, "created": 2, "unchanged": 1}


def test_sessions_of_a_deleted_subject_are_withheld(importing, write, tmp_path):
    document = json.dumps({"subject_id": "700661", "date_of_birth": "2024-01-02"})
    write("all/ecephys_700661_2025-01-20_15-09-49/subject.json", document)
    importing("subjects", tmp_path / "all")
    delete(Session.objects.get())
    delete(Subject.objects.get())
    write("all/ecephys_700661_2025-02-20_15-09-49/subject.json", document)
    report = importing("subjects", tmp_path / "all", "--strict")
    assert report.counts["sessions"]["kept"] == 2 and not Session.objects.exists() and report.problems == []
    restore(Subject, Change.objects.get(table="subjects", is_tombstone=True).record)
    importing("subjects", tmp_path / "all", "--strict")
    assert [session.name for session in Session.objects.all()] == ["ecephys_700661_2025-02-20_15-09-49"]


def test_a_deleted_record_that_a_curator_created_withholds_its_rows_too(importing, folder):
    made = User.objects.create(user_id=3, name="Cy", email="cy@example.com", signup_date="2023-05-03")
    edits.created(made, None)
    delete(made)
    (folder / "user_experiments.csv").write_text(f"{EXPERIMENTS}9,3,1,7\n")
    assert importing("experiments", folder, "--strict").counts["user_experiments"]["kept"] == 1


@pytest.mark.only_on("sqlite")
def test_the_run_page_and_the_api_show_withheld_rows(admin_client, importing, without_ann):
    run = ImportRun.objects.get(pk=importing("experiments", without_ann, "--dry-run")["run"])
    page = admin_client.get(f"/admin/imports/importrun/{run.pk}/change/?tab=kept").text
    assert "user_experiments 9" in page and "user_experiments.csv, line 4" in page
    assert (
        "withheld: refers to a record deleted by a curator" in page
        and "<dt>experiment_run_time</dt><dd>7.0</dd>" in page
    )
    assert "1 row not imported into user_experiments" in page
    data = admin_client.get(f"/api/imports/{run.pk}/").json()
    assert {source["source"]: source["kept"] for source in data["sources"]}["user_experiments"] == 2
    assert any("not imported into user_experiments" in note for note in data["notes"])


@pytest.mark.only_on("sqlite")
def test_the_command_shows_withheld_rows(without_ann, capsys):
    call_command("import_experiments", str(without_ann))
    out = capsys.readouterr().out
    assert "2 kept" in out and "1 row not imported into user_experiments" in out and "rejected (" not in out.lower()
