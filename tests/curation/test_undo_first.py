"""Undo these first: what blocks an undo or redo is undone with it, after one preview, as a whole or not at all."""

import pytest
from django.core.management import CommandError, call_command

from curation.history import edits
from curation.history.undo import redo_edit, redo_run, undo_edit, undo_run
from curation.history.undo_first import reverse_with_blockers, seal_of_steps
from curation.history.undo_result import UndoRefusedError
from experiments.models import User
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
    assert [str(step) for step in steps] == [f"redo edit {restoration.pk}", f"undo edit {deletion.pk}"]


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


def test_an_outdated_preview_of_undoing_first_is_refused(blocked, admin_client, whole):
    address = f"/admin/imports/importrun/{blocked.pk}/undo/first/"
    form = fields_of(admin_client.get(address).text, "what blocks it")
    edits.correct(Place.objects.filter(city="Kelso"), {"county": "Borders"}, None)
    before = whole()
    again = admin_client.post(address, form)
    assert again.status_code == 409 and "have changed" in again.text and whole() == before


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
    form = fields_of(admin_client.get(first).text, "what blocks it")
    assert "undone: 1 person restored" in admin_client.post(first, form, follow=True).text
    assert Person.objects.filter(given_name="Ann").exists()


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


def test_the_command_undoes_the_blocking_changes_first(blocked, capsys):
    with pytest.raises(CommandError, match="To undo what blocks it first, use --blockers-first"):
        call_command("undo_import", blocked.pk)
    correction = Edit.objects.get(action="corrected")
    assert f"  blocked by edit {correction.pk} (1 record)" in capsys.readouterr().err.splitlines()
    call_command("undo_import", blocked.pk, blockers_first=True, dry_run=True)
    assert Place.objects.exists() and f"undo edit {correction.pk}:" in capsys.readouterr().out
    call_command("undo_import", blocked.pk, blockers_first=True)
    assert not Place.objects.exists()
