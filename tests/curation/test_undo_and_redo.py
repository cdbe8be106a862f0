"""Undo and redo: what an undo deletes stays in the history, and only changes that differ in effect block one."""

import pytest
from django.core.management import CommandError, call_command

from census.models import Workclass
from curation.history import edits
from curation.history.undo import redo_edit, redo_run, undo_edit, undo_run
from curation.history.undo_result import RedoRefusedError, UndoRefusedError
from experiments.models import User, UserExperiment
from imports.models import Change, Edit, ImportRun
from people.models import Person, Place
from tests.confirming import confirm
from tests.curation.undo_steps import PEOPLE, PLACES, cancelling_edits, last_run, run_that_changes

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,Aspirin,C\n2,Borax,H\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n7,1,1;2,5\n"
LINE = "39, Privte, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"


@pytest.fixture
def people(bring):
    return bring("people", places=PLACES, people=PEOPLE)


@pytest.fixture
def whole(rows):
    """Return all rows of the tables of people and of experiments, with their members."""

    def whole():
        tables = ("places", "people", "users", "compounds", "user_experiments")
        members = "SELECT experiment_id, compound_id FROM user_experiment_compounds"
        return [sorted(rows(f"SELECT * FROM {table}"), key=repr) for table in tables] + [sorted(rows(members))]

    return whole


def unchanged(report):
    return not any(source["created"] or source["updated"] or source["rejected"] for source in report["sources"])


# An undo lists every record.


def test_undo_of_a_run_lists_every_record_that_it_deletes(people):
    rows = {(p._meta.db_table, str(p.pk)) for p in (*Person.objects.all(), *Place.objects.all())}
    undo_run(last_run())
    changes = Edit.objects.get().changes.all()
    assert {(c.table, c.record) for c in changes} == rows
    assert all(c.kind == "deleted" and c.before["created_line"] and c.after is None for c in changes)


def test_undo_of_a_run_lists_the_terms_that_it_deletes(write, importing):
    importing("census", write("adult.data", LINE))
    term = Workclass.objects.get()
    undo_run(last_run())
    change = Change.objects.get(table="workclasses")
    assert (change.record, change.kind, change.before["name"]) == (str(term.pk), "deleted", "Privte")
    redo_run(last_run())
    assert Workclass.objects.get() == term


def test_a_record_deleted_by_an_undo_can_be_found_and_restored(people, importing, admin_client):
    before = Person.objects.filter(given_name="Ann").values().get()
    undo_run(last_run())
    listed = admin_client.get("/admin/people/person/deleted/", {"q": "mac"})
    assert [(row["key"], row["restorable"]) for row in listed.context["rows"]] == [(str(before["id"]), True)]
    assert f', undoing <a href="/admin/imports/importrun/{last_run().pk}/change/">' in listed.text
    history = admin_client.get(f"/admin/people/person/{before['id']}/history/")
    assert [entry.kind for entry in history.context["entries"]] == ["Created", "Deleted"]
    assert f"undoing run {last_run().pk}" in history.text and history.context["restorable"]
    place = Change.objects.get(record=str(before["place_of_birth_id"]), table="places", kind="deleted")
    confirm(admin_client, f"/admin/people/place/{place.record}/restore/")
    confirm(admin_client, f"/admin/people/person/{before['id']}/restore/")
    assert Person.objects.values().get() == before
    report = importing("people", people)
    assert {s["source"]: (s["created"], s["unchanged"]) for s in report["sources"]} == {
        "places": (1, 1),
        "people": (1, 1),
    }
    assert Person.objects.filter(given_name="Ann").values().get() == before


def test_undo_of_such_a_restoration_leaves_no_tombstone(people, admin_client):
    person = Person.objects.get(given_name="Ann")
    edits.delete(Person.objects.filter(pk=person.pk), None)
    edits.restore(Change.objects.filter(is_tombstone=True), Person, None)
    undo_run(last_run())
    confirm(admin_client, f"/admin/people/place/{person.place_of_birth_id}/restore/")
    for _ in range(2):
        confirm(admin_client, f"/admin/people/person/{person.pk}/restore/")
        assert Person.objects.get() == person
        undo_edit(Edit.objects.first())
        assert not Person.objects.exists() and not Change.objects.filter(is_tombstone=True)


# Redo.


def test_repeated_undo_and_redo_alternate_between_two_states(bring, importing, write, whole):
    folder = bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)
    edits.correct(User.objects.filter(pk=1), {"name": "Anne"}, None)
    before = whole()
    write("all/users.csv", USERS.replace("1,Ann,ann@", "1,Hanna,hanna@") + "3,Cy,cy@example.org,2023-01-03\n")
    write("all/compounds.csv", COMPOUNDS + "3,Chalk,O\n")
    write("all/user_experiments.csv", EXPERIMENTS.replace("7,1,1;2", "8,3,2;3"))
    importing("experiments", folder, "--delete-missing")
    run, after = last_run(), whole()
    assert after != before
    for _ in range(3):
        assert undo_run(run).done() and run.status == "undone" and whole() == before
        assert redo_run(run, dry_run=True).planned() and whole() == before
        assert redo_run(run).done() and run.status == "applied" and whole() == after
        assert unchanged(importing("experiments", folder))
    assert list(Edit.objects.values_list("action", flat=True))[:-1] == ["redone", "undone"] * 3
    assert {edit.undone_run for edit in Edit.objects.exclude(action="corrected")} == {run}


@pytest.mark.parametrize("action", ["corrected", "reverted", "deleted", "restored", "created"])
def test_an_edit_can_be_undone_and_redone_repeatedly(people, whole, action):
    record = Person.objects.filter(given_name="Ann")
    states = [whole()]
    edit = edits.correct(record, {"given_name": "Anne"}, None)
    states.append(whole())
    if action == "reverted":
        states = [whole()]
        edit = edits.revert(Person.objects.filter(given_name="Anne"), "given_name", None)
    elif action in ("deleted", "restored"):
        states = [whole()]
        edit = edits.delete(Person.objects.filter(given_name="Bo"), None)
        if action == "restored":
            states, edit = [whole()], edits.restore(edit.changes.all(), Person, None)
    elif action == "created":
        states = [whole()]
        place = Place.objects.create(city="Ayr", county="Ayrshire", country="Scotland")
        edit = edits.created(place, None)
    before, after = states[0], whole()
    stands = Change.objects.filter(is_tombstone=True).count()
    for _ in range(3):
        undo_edit(edit)
        assert whole() == before and edit.is_undone
        assert Change.objects.filter(is_tombstone=True).count() == (action == "restored")
        redo_edit(edit)
        assert whole() == after and not edit.is_undone
        assert Change.objects.filter(is_tombstone=True).count() == stands == (action == "deleted")


def test_redo_is_refused_with_its_conflicts(people, importing, capsys):
    run = last_run()
    with pytest.raises(RedoRefusedError, match=r"cannot be redone.*Only an undone run can be redone"):
        redo_run(run)
    undo_run(run)
    importing("people", people)
    with pytest.raises(CommandError, match=f"Run {run.pk} of people cannot be redone. Nothing was changed."):
        call_command("redo_import", run.pk)
    assert "Deleted and since re-created: 2 people" in capsys.readouterr().err
    undo_run(last_run())
    call_command("redo_import", run.pk)
    assert f"Run {run.pk} of people redone." in capsys.readouterr().out
    assert Person.objects.count() == 2 and ImportRun.objects.get(pk=run.pk).status == "applied"


def test_redo_is_refused_if_a_curator_has_deleted_such_a_record_since(people, importing):
    run = last_run()
    undo_run(run)
    importing("people", people)
    edits.delete(Person.objects.filter(given_name="Ann"), None)
    again = last_run()
    with pytest.raises(RedoRefusedError, match="A curator has deleted records with the same key"):
        redo_run(run)
    undo_edit(Edit.objects.get(action="deleted"))
    undo_run(again)
    redo_run(run)
    assert Person.objects.count() == 2


def test_the_redo_command_reports_its_effect(people, capsys):
    run = last_run()
    undo_run(run)
    call_command("redo_import", run.pk, dry_run=True)
    output = capsys.readouterr().out
    assert f"Preview: redoing run {run.pk} of people will:" in output and "re-create 2 people" in output
    assert not Person.objects.exists()
    with pytest.raises(CommandError, match=r"There is no run 4711\. The last undone runs: \d+\."):
        call_command("redo_import", 4711)


# What blocks an undo.


def test_edits_that_cancel_each_other_do_not_block(people, importing, write, whole):
    before = whole()
    run = run_that_changes(importing, write)
    edits.delete(Person.objects.all(), None)
    cancelling_edits(Place.objects.filter(city="Derry"), "country", "Ireland")
    undo_edit(Edit.objects.filter(action="deleted", changes__table="people").distinct().get())
    undo_run(run)
    assert whole() == before


def test_edits_of_created_records_that_cancel_each_other_do_not_block(bring, whole):
    bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)
    before = whole()
    cancelling_edits(UserExperiment.objects.all(), "experiment_run_time", 6.5)
    assert whole() == before
    undo_run(last_run())
    assert not User.objects.exists()
    redo_run(last_run())
    assert whole() == before


def test_runs_that_cancel_each_other_do_not_block(people, importing, write, whole):
    run = run_that_changes(importing, write)
    importing("people", write("places.csv", PLACES))
    importing("people", write("places.csv", PLACES.replace("Derry,Derry", "Derry,Doire")))
    undo_run(run)
    assert Place.objects.get(city="Derry").county == "Derry"


def test_a_refused_undo_names_the_blocking_runs_and_edits(people, importing, write):
    created = last_run()
    changing = run_that_changes(importing, write)
    first = edits.correct(Place.objects.filter(city="Derry"), {"county": "Derry City"}, None)
    with pytest.raises(UndoRefusedError) as refusal:
        undo_run(changing)
    (conflict,) = refusal.value.conflicts
    derry = Place.objects.get(city="Derry")
    assert conflict.sentence == f"Changed later: 1 place ({derry.pk})."
    assert (conflict.model, conflict.keys) == (Place, (str(derry.pk),))
    assert [(blocker.action, blocker.records) for blocker in conflict.blockers] == [(first, 1)]
    with pytest.raises(UndoRefusedError) as refusal:
        undo_run(created)
    (conflict,) = refusal.value.conflicts
    assert [blocker.action for blocker in conflict.blockers] == [first]
    undo_edit(first)
    with pytest.raises(UndoRefusedError) as refusal:
        undo_run(created)
    assert [b.action for b in refusal.value.conflicts[0].blockers] == [changing]


def test_a_reference_is_blocked_by_the_change_that_created_it(importing, write):
    importing("people", write("places.csv", PLACES))
    places = last_run()
    importing("people", write("people.csv", PEOPLE))
    with pytest.raises(UndoRefusedError) as refusal:
        undo_run(places)
    (conflict,) = refusal.value.conflicts
    assert conflict.model is Person and [(b.action, b.records) for b in conflict.blockers] == [(last_run(), 2)]
    deletion = edits.delete(Person.objects.all(), None)
    place = edits.delete(Place.objects.filter(city="Kelso"), None)
    with pytest.raises(UndoRefusedError) as refusal:
        undo_edit(deletion)
    (conflict,) = refusal.value.conflicts
    assert conflict.model is Place and [b.action for b in conflict.blockers] == [place]
