"""Undo these first: an undo or redo is applied with all changes that block it, after one preview, or not at all."""

import pytest
from django.core.management import CommandError, call_command

from curation.history import edits
from curation.history.undo import redo_edit, redo_run, undo_edit, undo_run
from curation.history.undo_first import reverse_with_blockers, seal_of_steps
from curation.history.undo_result import UndoRefusedError
from experiments.models import User, UserExperiment
from imports.models import Edit, ImportRun
from people.models import Person, Place
from tests.confirming import confirm, fields_of
from tests.curation.undo_steps import PEOPLE, PLACES, cancelling_edits, last_run, run_that_changes


@pytest.fixture
def people(bring):
    return bring("people", places=PLACES, people=PEOPLE)


@pytest.fixture
def whole(rows):
    """Return all rows of the tables."""
    return lambda: [sorted(rows(f"SELECT * FROM {table}"), key=repr) for table in ("places", "people")]


@pytest.fixture
def blocked(importing, write):
    """Import places, change one by a run and an edit, and import people who were born there."""
    importing("people", write("places.csv", PLACES))
    places = last_run()
    run_that_changes(importing, write)
    edits.correct(Place.objects.filter(city="Derry"), {"county": "Derry City"}, None)
    importing("people", write("people.csv", PEOPLE))
    edits.delete(Person.objects.filter(given_name="Ann"), None)
    return places


def test_blocking_changes_are_undone_first_recursively(blocked, whole):
    before, edits_before = whole(), Edit.objects.count()
    planned = reverse_with_blockers(blocked, redo=False, dry_run=True)
    assert whole() == before and Edit.objects.count() == edits_before
    steps = reverse_with_blockers(blocked, redo=False, expecting=seal_of_steps(planned))
    assert [str(step) for step in steps] == [str(step) for step in planned]
    assert steps[-1].action == blocked and len(steps) == 5
    assert not Place.objects.exists() and not Person.objects.exists()
    assert not ImportRun.objects.filter(status="applied").exists()
    assert Edit.objects.count() == edits_before + 5
    for step in reversed(steps):
        (redo_run if isinstance(step.action, ImportRun) else redo_edit)(step.action)
    assert whole() == before


def test_changes_without_an_effect_are_not_undone_first(importing, write):
    importing("people", write("places.csv", PLACES))
    run = run_that_changes(importing, write)
    cancelling_edits(Place.objects.filter(city="Derry"), "country", "Ireland")
    last = edits.correct(Place.objects.filter(city="Derry"), {"country": "Ireland"}, None)
    assert [step.action for step in reverse_with_blockers(run, redo=False)] == [last, run]


def test_a_blocking_undo_is_redone_first(people, importing, write, whole):
    run = run_that_changes(importing, write)
    deletion = edits.delete(Person.objects.filter(given_name="Bo"), None)
    place = edits.delete(Place.objects.filter(city="Derry"), None)
    restoration = edits.restore(place.changes.all(), Place, None)
    undo_run(run)
    steps = reverse_with_blockers(restoration, redo=False)
    assert [str(step) for step in steps] == [f"redo run {run.pk}", f"undo edit {restoration.pk}"]
    with pytest.raises(UndoRefusedError):
        undo_edit(deletion)
    steps = reverse_with_blockers(deletion, redo=False)
    assert [str(step) for step in steps] == [f"undo edit {place.pk}", f"undo edit {deletion.pk}"]


def test_a_redo_first_undoes_the_blocking_changes(people, importing, whole):
    run, before = last_run(), whole()
    undo_run(run)
    importing("people", people)
    edits.correct(Person.objects.filter(given_name="Ann"), {"given_name": "Anne"}, None)
    steps = reverse_with_blockers(run, redo=True)
    assert [step.redo for step in steps] == [False, False, True] and whole() == before


USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bo,bo@example.org,2023-01-01\n"


def test_a_redo_first_undoes_the_import_that_created_a_deleted_record_again(importing, write):
    importing("experiments", write("users.csv", USERS))
    run = last_run()
    undo_run(run)
    importing("experiments", write("users.csv", USERS))
    newer = last_run()
    with pytest.raises(UndoRefusedError) as refusal:
        redo_run(run)
    assert [blocker.action for blocker in refusal.value.conflicts[0].blockers] == [newer]
    steps = reverse_with_blockers(run, redo=True)
    assert [str(step) for step in steps] == [f"undo run {newer.pk}", f"redo run {run.pk}"]
    assert {user.created_in.run for user in User.objects.all()} == {run}


def test_an_import_that_was_undone_blocks_nothing_although_it_created_a_record_again(importing, write):
    importing("experiments", write("users.csv", USERS))
    correction = edits.correct(User.objects.filter(name="Ann"), {"name": "Anna"}, None)
    without = USERS.replace("1,Ann,ann@example.org,2023-01-01\n", "")
    importing("experiments", write("users.csv", without), "--delete-missing")
    deleting = last_run()
    importing("experiments", write("users.csv", USERS))
    undo_run(last_run())
    steps = reverse_with_blockers(correction, redo=False)
    assert [step.action for step in steps] == [deleting, correction]
    assert User.objects.get(user_id=1).name == "Ann"


def test_a_redo_first_redoes_older_changes_that_were_undone_since(people, importing, write, whole):
    person = Person.objects.filter(given_name="Ann")
    deletion = edits.delete(person, None)
    restoration = edits.restore(deletion.changes.all(), Person, None)
    first, second = (edits.correct(person, {"family_name": name}, None) for name in ("Mack", "Mackie"))
    before = whole()
    for edit in (second, first, restoration, deletion):
        undo_edit(edit)
    steps = reverse_with_blockers(second, redo=True)
    assert [str(step) for step in steps] == [f"redo edit {edit.pk}" for edit in (deletion, restoration, first, second)]
    assert whole() == before


def test_older_changes_that_were_undone_later_are_redone_first(people, importing, write, whole):
    importing("people", write("places.csv", PLACES + "Ayr,Ayrshire,Scotland\n"))
    creation = last_run()
    person = Person.objects.filter(given_name="Ann")
    for older in ("corrected", "deleted", "paired"):
        if older == "corrected":
            change = edits.correct(person, {"place_of_birth": Place.objects.get(city="Ayr")}, None)
        elif older == "deleted":
            change = edits.delete(person, None)
        else:
            importing("people", write("people.csv", PEOPLE.replace("Kelso", "Ayr")), "--pairing")
            change = last_run()
        deletion = edits.delete(Place.objects.filter(city="Kelso"), None)
        after = whole()
        # Ann refers to Kelso again, because the older change was undone after Kelso was restored.
        undone = [deletion, change] if older == "deleted" else [deletion, change, creation]
        for action in undone:
            reverse_with_blockers(action, redo=False)
        steps = reverse_with_blockers(deletion, redo=True)
        assert [(step.action, step.redo) for step in steps] == [(action, True) for action in reversed(undone)], older
        assert whole() == after
        for action in (deletion, change):
            reverse_with_blockers(action, redo=False)


def test_an_older_edit_that_was_undone_later_blocks_the_undo_of_an_import(bring, importing, write):
    compounds, without = "compound_id,compound_name,compound_structure\n1,A,C\n", "2,B,CC\n"
    experiments = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1;2,5\n"
    bring("experiments", users=USERS, compounds=compounds + without, user_experiments=experiments)
    correction = edits.correct(UserExperiment.objects.all(), {"compounds": [1]}, None)
    importing("experiments", write("compounds.csv", compounds), "--delete-missing")
    importing("experiments", write("compounds.csv", compounds + without))
    run = last_run()
    undo_edit(correction)
    steps = reverse_with_blockers(run, redo=False)
    assert [str(step) for step in steps] == [f"redo edit {correction.pk}", f"undo run {run.pk}"]


def test_an_older_pair_that_was_undone_later_blocks_a_row_with_its_identity(people, importing, write):
    edited = PEOPLE.replace("Ann", "Anne")
    importing("people", write("people.csv", edited), "--pairing")
    pairing = last_run()
    importing("people", write("people.csv", f"{edited}Ann,Mac,1901-02-03,Kelso\n"), "--no-pairing")
    importing("people", write("people.csv", edited), "--delete-missing", "--no-pairing")
    deletion = last_run()
    undo_run(pairing)
    steps = reverse_with_blockers(deletion, redo=False)
    assert [str(step) for step in steps] == [f"redo run {pairing.pk}", f"undo run {deletion.pk}"]


def test_blocking_changes_are_reversed_from_the_newest_to_the_oldest(people, importing, write, whole):
    kelso, person = Place.objects.filter(city="Kelso"), Person.objects.filter(given_name="Ann")
    restoration = edits.restore(edits.delete(person, None).changes.all(), Person, None)
    write("all/places.csv", PLACES.replace("Roxburghshire", "Borders"))
    importing("people", write("all/people.csv", PEOPLE.replace("Mac", "Mack")).parent, "--pairing")
    run, last = last_run(), edits.delete(person, None)
    before = whole()
    for action in (last, run, restoration):
        reverse_with_blockers(action, redo=False)
    correction = edits.correct(kelso, {"country": "Ecosse"}, None)
    deletion = edits.delete(kelso, None)
    restored = edits.restore(deletion.changes.all(), Place, None)
    # If the restoration of Ann were redone first, Kelso could not be deleted.
    steps = [str(step) for step in reverse_with_blockers(last, redo=True)]
    assert steps == [
        *(f"undo edit {edit.pk}" for edit in (restored, deletion, correction)),
        *(f"redo edit {restoration.pk}", f"redo run {run.pk}", f"redo edit {last.pk}"),
    ]
    assert whole() == before


@pytest.mark.only_on("sqlite")
def test_the_page_of_a_refused_undo_links_to_the_blocking_changes_and_undoes_them_first(blocked, admin_client):
    address = f"/admin/imports/importrun/{blocked.pk}/undo/"
    page = admin_client.get(address)
    correction = Edit.objects.get(action="corrected")
    derry, run = Place.objects.get(city="Derry"), last_run()
    assert page.status_code == 409 and "Nothing was changed" in page.text
    for link in (f"people/place/{derry.pk}/history", f"imports/edit/{correction.pk}/change"):
        assert f'href="/admin/{link}/"' in page.text, link
    assert 'name="confirmed"' not in page.text and f'href="{address}first/"' in page.text
    preview = admin_client.get(f"{address}first/")
    assert preview.status_code == 200
    shown = [str(item["step"]) for item in preview.context["steps"]]
    assert {f"undo run {run.pk}", f"undo edit {correction.pk}"} < {*shown} and shown[-1] == f"undo run {blocked.pk}"
    assert all(f"{step.capitalize()}</a>" in preview.text for step in shown)
    assert Place.objects.count() == 2
    assert admin_client.post(f"{address}first/").status_code == 409
    assert Place.objects.count() == 2
    done = confirm(admin_client, f"{address}first/", {"_reason": "wrong folder"}, follow=True)
    assert f"Run {blocked.pk} undone: 2 places deleted." in done.text and not Place.objects.exists()
    assert set(Edit.objects.filter(action="undone").values_list("reason", flat=True)) == {"wrong folder"}
    redo = f"/admin/imports/importrun/{blocked.pk}/redo/"
    assert f'href="{redo}"' in done.text
    assert "Re-create 2 places" in admin_client.get(redo).text.replace("re-create", "Re-create")
    redone = confirm(admin_client, redo, follow=True)
    assert f"Run {blocked.pk} redone: 2 places re-created." in redone.text and Place.objects.count() == 2
    assert admin_client.get(redo).status_code == 409


@pytest.mark.only_on("sqlite")
def test_an_outdated_preview_of_undoing_first_is_refused(blocked, admin_client, whole):
    address = f"/admin/imports/importrun/{blocked.pk}/undo/first/"
    form = fields_of(admin_client.get(address).text, "the changes that block it")
    edits.correct(Place.objects.filter(city="Kelso"), {"county": "Borders"}, None)
    before = whole()
    again = admin_client.post(address, form)
    assert again.status_code == 409 and "have changed" in again.text and whole() == before


@pytest.mark.only_on("sqlite")
def test_the_browser_redoes_an_edit_and_shows_why_an_undo_is_refused(people, admin_client):
    edit = edits.correct(Person.objects.filter(given_name="Ann"), {"given_name": "Anne"}, None)
    page, redo = f"/admin/imports/edit/{edit.pk}/change/", f"/admin/imports/edit/{edit.pk}/redo/"
    assert admin_client.get(redo).status_code == 409
    confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/")
    assert f'href="{redo}"' in admin_client.get(page).text
    form = fields_of(admin_client.get(redo).text, f"Redo edit {edit.pk}")
    assert Person.objects.filter(given_name="Ann").exists()
    done = admin_client.post(redo, form, follow=True)
    assert f"Edit {edit.pk} redone: 1 person updated." in done.text
    assert Person.objects.filter(given_name="Anne").exists()
    later = edits.correct(Person.objects.filter(given_name="Anne"), {"given_name": "Anna"}, None)
    refused = confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/", follow=True)
    assert f'href="/admin/imports/edit/{later.pk}/change/"' in refused.text and "Undo these first" in refused.text
    first = f"/admin/imports/edit/{edit.pk}/undo/first/"
    form = fields_of(admin_client.get(first).text, "the changes that block it")
    assert "undone: 1 person restored" in admin_client.post(first, form, follow=True).text
    assert Person.objects.filter(given_name="Ann").exists()


@pytest.mark.only_on("sqlite")
def test_undoing_first_needs_the_permission_for_each_change(blocked, staff):
    client = staff("view_importrun", "undo_importrun", "view_edit")
    page = client.get(f"/admin/imports/importrun/{blocked.pk}/undo/first/")
    assert page.status_code == 409 and "You do not have permission to undo edit" in page.text
    assert 'name="confirmed"' not in page.text
    client = staff("view_importrun", "view_edit")
    edit = Edit.objects.first()
    for kind, pk in (("importrun", blocked.pk), ("edit", edit.pk)):
        for verb in ("undo/", "undo/first/", "redo/", "redo/first/"):
            assert client.get(f"/admin/imports/{kind}/{pk}/{verb}").status_code == 403
            assert client.post(f"/admin/imports/{kind}/{pk}/{verb}").status_code == 403


@pytest.mark.only_on("sqlite")
def test_the_command_undoes_the_blocking_changes_first(blocked, capsys):
    with pytest.raises(CommandError, match="To undo the changes that block it first, use --blockers-first"):
        call_command("undo_import", blocked.pk)
    correction = Edit.objects.get(action="corrected")
    assert f"  blocked by edit {correction.pk} (1 record)" in capsys.readouterr().err.splitlines()
    call_command("undo_import", blocked.pk, blockers_first=True, dry_run=True)
    assert Place.objects.exists() and f"undo edit {correction.pk}:" in capsys.readouterr().out
    call_command("undo_import", blocked.pk, blockers_first=True)
    assert not Place.objects.exists()
