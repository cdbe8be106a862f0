"""An action with a confirmation page needs its seal, and an action on all records must be explicit."""

import pytest
from django.db import transaction
from django.urls import reverse

from curation.history import edits
from experiments.models import User
from imports.models import Change, Edit, ImportRun
from people.models import Person, Place
from tests.confirming import confirm, fields_of

pytestmark = pytest.mark.only_on("sqlite")

OVERTAKEN = "The records have changed since you opened the confirmation page. Nothing was changed."
UNCONFIRMED = "This action must be confirmed on its confirmation page. Nothing was changed."
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
LIST, BULK = "/admin/people/person/", "/admin/people/person/bulk/"
SAME = {"field": "given_name", "value": "Same", "select_across": "1"}
# These confirm one action of several sets of records.
ALIKE = [{"delete", "delete_many", "delete_all"}, {"bulk", "bulk_all"}]


@pytest.fixture
def actions(admin_client, bring) -> dict[str, tuple]:
    """Return each confirmed action: its URL, its other form data, and a function that reads the seal from its page."""
    rows = "".join(f"G{n},Oak,1901-02-03,Kelso\n" for n in range(5))
    bring("people", places=PLACES, people=HEADER + rows)
    bring("experiments", users="user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n")
    people = list(Person.objects.order_by("pk"))
    bring("people", places=PLACES + "Ayr,Ayrshire,Scotland\n")
    run = ImportRun.objects.filter(dataset="people").latest("pk")
    edit = edits.correct(User.objects.all(), {"name": "Anna"}, None)
    edits.delete(Person.objects.filter(pk=people[4].pk), None)
    keys = [people[0].pk, people[1].pk]
    chosen = {"action": "delete_selected", "_selected_action": keys}
    some = {"field": "given_name", "value": "Same", "_selected_action": keys}
    applied = {"_apply": "x", "previewed": "field=given_name&value=Same"}

    def got(address, button):
        return lambda: fields_of(admin_client.get(address).text, button)

    def posted(address, data, button):
        return lambda: fields_of(admin_client.post(address, data).text, button)

    undo, delete = reverse("admin:imports_importrun_undo", args=[run.pk]), f"{LIST}{people[2].pk}/delete/"
    gone, user = f"{LIST}{people[4].pk}/", "/admin/experiments/user/1/"
    shown = f"/admin/imports/edit/{edit.pk}/"
    return {
        "undo_run": (undo, {}, got(undo, "Undo run")),
        "delete": (delete, {"post": "yes"}, got(delete, 'value="Delete ')),
        "delete_many": (LIST, chosen | {"post": "yes"}, posted(LIST, chosen, 'value="Delete ')),
        "delete_all": (
            LIST,
            chosen | {"post": "yes", "select_across": "1"},
            posted(LIST, chosen | {"select_across": "1"}, 'value="Delete '),
        ),
        "restore": (f"{gone}restore/", {}, got(f"{gone}history/", "Restore ")),
        "revert": (f"{user}revert/name/", {}, got(f"{user}change/", 'id="revert-name"')),
        "undo_edit": (f"{shown}undo/", {}, got(f"{shown}change/", "Undo edit")),
        "bulk": (BULK, some | applied | {"expected": "2"}, posted(BULK, some | {"_preview": "x"}, "_apply")),
        "bulk_all": (BULK, SAME | applied | {"expected": "4"}, posted(BULK, SAME | {"_preview": "x"}, "_apply")),
    }


def everything():
    models = (Person, Place, User, Edit, Change, ImportRun)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_only_the_seal_of_its_own_page_confirms_an_action(admin_client, actions):
    seals = {name: read()["confirmed"][0] for name, (_, _, read) in actions.items()}
    before = everything()
    for name, (address, data, read) in actions.items():
        own, alike = seals[name], {other for names in ALIKE if name in names for other in names}
        others = [seal for other, seal in seals.items() if other not in {name, *alike}]
        odd = [None, "", "junk", " ", "\x00", own[:-1], own.partition(":")[0], own + "x", *others[:2]]
        overtaken = [seals[other] for other in alike - {name}]
        for seal in odd + overtaken:
            answer = admin_client.post(address, data | ({} if seal is None else {"confirmed": seal}), follow=True)
            assert answer.status_code in (200, 409), (name, seal)
            assert everything() == before, (name, seal)
            assert (OVERTAKEN if seal in overtaken else UNCONFIRMED) in answer.text, (name, seal)
        # The page that is shown then confirms it.
        with transaction.atomic():
            answer = admin_client.post(address, data | {"confirmed": read()["confirmed"]})
            assert answer.status_code == 302 and everything() != before, name
            transaction.set_rollback(True)


def test_an_unconfirmed_action_shows_its_current_effect(admin_client, actions):
    for name, button in {"undo_run": "Undo run", "bulk": "_apply", "delete": "", "delete_many": ""}.items():
        address, data, _ = actions[name]
        answer = admin_client.post(address, data)
        sent = fields_of(answer.text, button or 'value="Delete ')
        with transaction.atomic():
            assert admin_client.post(address, data | sent).status_code == 302, name
            transaction.set_rollback(True)


def test_opening_a_confirmation_page_confirms_nothing(admin_client, actions):
    for address, data, read in actions.values():
        read()
        before = everything()
        admin_client.post(address, data)
        assert everything() == before


def test_a_confirmation_is_bound_to_its_curator(admin_client, staff, actions):
    address, data, read = actions["delete"]
    other = staff("view_person", "delete_person")
    assert other.post(address, data | read()).status_code == 409 and Person.objects.count() == 4


def test_an_empty_selection_does_not_mean_all_records(admin_client, actions):
    before = everything()
    for parameters in ({}, {"select_across": ""}, {"select_across": "0"}):
        for step in ("_next", "_preview", "_apply"):
            data = {"field": "given_name", "value": "Same", step: "x", "expected": "4"} | parameters
            answer = admin_client.post(BULK, data)
            assert answer.status_code == 400 and "No records are selected" in answer.text, (parameters, step)
            assert everything() == before


def test_an_action_on_all_records_is_explicit_in_its_form(admin_client, actions):
    page = admin_client.get(f"{BULK}?q=Oak")
    assert fields_of(page.text, "_next")["select_across"] == ["1"]
    assert confirm(admin_client, f"{BULK}?q=Oak", SAME | {"_apply": "x"}).status_code == 302
    assert Person.objects.filter(given_name="Same").count() == 4
