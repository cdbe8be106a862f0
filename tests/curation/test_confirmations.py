"""A confirmation is bound to the state of the records on its page; after a change the page asks again."""

import pytest
from django.urls import reverse

from curation.history import edits
from experiments.models import User
from imports.models import Edit, ImportRun
from people.models import Person, Place
from tests.confirming import confirm, fields_of

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
LIST, BULK = "/admin/people/person/", "/admin/people/person/bulk/"
MOVED = "The records have changed since you opened the confirmation page"
UNCONFIRMED = "This action must be confirmed on its confirmation page"


@pytest.fixture
def people(bring):
    rows = "".join(f"G{n},{'Oak' if n < 2 else 'Mac'},1901-02-03,Kelso\n" for n in range(5))
    bring("people", places=PLACES, people=HEADER + rows)
    return list(Person.objects.order_by("pk"))


# Changes between the preview and its confirmation, which do not change the number of records.


def one_leaves_and_another_enters(people):
    edits.correct(Person.objects.filter(pk=people[0].pk), {"family_name": "Elm"}, None)
    edits.correct(Person.objects.filter(pk=people[2].pk), {"family_name": "Oak"}, None)


def one_is_changed_otherwise(people):
    edits.correct(Person.objects.filter(pk=people[1].pk), {"date_of_birth": "1950-01-01"}, None)


def one_is_changed_by_a_program(people):
    Person.objects.filter(pk=people[1].pk).update(date_of_birth="1950-01-01")


def one_is_deleted_and_another_made(people):
    edits.delete(Person.objects.filter(pk=people[0].pk), None)
    made = Person(given_name="New", family_name="Oak", date_of_birth="1950-01-01", place_of_birth=Place.objects.first())
    made.save()


# Each with and without the hidden fields of the form.
MEANWHILE = [
    (one_leaves_and_another_enters, True),
    (one_leaves_and_another_enters, False),
    (one_is_changed_otherwise, True),
    (one_is_changed_by_a_program, True),
    (one_is_deleted_and_another_made, True),
]


def stored():
    return list(Person.objects.order_by("pk").values())


@pytest.mark.parametrize(("happens", "sends_fields"), MEANWHILE)
def test_a_bulk_change_applies_to_the_previewed_records_or_to_none(admin_client, people, happens, sends_fields):
    data = {"field": "given_name", "value": "Same", "select_across": "1"}
    page = admin_client.post(f"{BULK}?q=Oak", data | {"_preview": "x"})
    assert page.context["count"] == 2
    sent = fields_of(page.text, "_apply") if sends_fields else {"expected": "2"}
    happens(people)
    before, edited = stored(), Edit.objects.count()
    page = admin_client.post(f"{BULK}?q=Oak", data | {"_apply": "x"} | sent)
    assert (MOVED if sends_fields else UNCONFIRMED) in page.text and page.context["count"] == 2
    assert stored() == before and Edit.objects.count() == edited
    # The effect that the page now shows can be confirmed.
    sent = fields_of(page.text, "_apply")
    assert admin_client.post(f"{BULK}?q=Oak", data | {"_apply": "x"} | sent).status_code == 302
    assert Person.objects.filter(family_name="Oak").exclude(given_name="Same").count() == 0


def test_a_confirmation_is_bound_to_the_versions_of_selected_records(admin_client, people):
    data = {"field": "given_name", "value": "Same", "_selected_action": [people[0].pk, people[1].pk]}
    page = admin_client.post(BULK, data | {"_preview": "x"})
    one_is_changed_otherwise(people)
    page = admin_client.post(BULK, data | {"_apply": "x"} | fields_of(page.text, "_apply"))
    assert MOVED in page.text and not Person.objects.filter(given_name="Same").exists()


def test_a_change_of_other_records_does_not_invalidate_a_confirmation(admin_client, people):
    data = {"field": "given_name", "value": "Same", "select_across": "1"}
    page = admin_client.post(f"{BULK}?q=Oak", data | {"_preview": "x"})
    edits.correct(Person.objects.filter(pk=people[4].pk), {"given_name": "Other"}, None)
    answer = admin_client.post(f"{BULK}?q=Oak", data | {"_apply": "x"} | fields_of(page.text, "_apply"))
    assert answer.status_code == 302 and Person.objects.filter(given_name="Same").count() == 2


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize(("happens", "sends_fields"), MEANWHILE)
def test_a_bulk_deletion_applies_to_the_listed_records_or_to_none(admin_client, people, happens, across, sends_fields):
    keys = [people[0].pk] if across else [people[0].pk, people[1].pk]
    data = {"action": "delete_selected", "_selected_action": keys} | ({"select_across": "1"} if across else {})
    page = admin_client.post(f"{LIST}?q=Oak", data | {"index": "0"})
    sent = fields_of(page.text, 'value="Delete ') if sends_fields else data | {"post": "yes"}
    happens(people)
    before = stored()
    page = admin_client.post(f"{LIST}?q=Oak", sent)
    assert page.status_code == 200 and (MOVED if sends_fields else UNCONFIRMED) in page.text and stored() == before
    page = admin_client.post(f"{LIST}?q=Oak", fields_of(page.text, 'value="Delete '))
    gone = {row["id"] for row in before} - {row["id"] for row in stored()}
    shown = {row["id"] for row in before if row["family_name"] == "Oak"}
    assert page.status_code == 302 and gone == (shown if across else shown & set(keys))


def test_all_matching_records_are_deleted_without_listing_each(admin_client, people):
    data = {"action": "delete_selected", "_selected_action": [people[0].pk], "select_across": "1", "index": "0"}
    page = admin_client.post(LIST, data)
    sent = fields_of(page.text, 'value="Delete ')
    assert sent["_selected_action"] == [str(people[0].pk)]
    admin_client.post(LIST, sent)
    assert not Person.objects.exists() and Edit.objects.get().changes.count() == 5


def test_a_deletion_applies_to_the_shown_state_of_a_record(admin_client, people):
    address = f"{LIST}{people[1].pk}/delete/"
    sent = fields_of(admin_client.get(address).text, 'value="Delete ')
    one_is_changed_otherwise(people)
    page = admin_client.post(address, sent, follow=True)
    assert MOVED in page.text and Person.objects.count() == 5
    admin_client.post(address, fields_of(page.text, 'value="Delete '))
    assert Person.objects.count() == 4


@pytest.mark.parametrize("city", ["Kelso", "Ayr"])
def test_an_undo_of_a_run_has_the_previewed_effect_or_none(admin_client, write, importing, people, city):
    changed = (
        PLACES.replace("Roxburghshire", "Borders").replace("Derry,Derry", "Derry,Foyle") + "Ayr,Ayrshire,Scotland\n"
    )
    run = ImportRun.objects.get(pk=importing("people", write("all/places.csv", changed))["run"])
    address = reverse("admin:imports_importrun_undo", args=[run.pk])
    sent = fields_of(admin_client.get(address).text, "Undo run")
    assert sent["confirmed"]
    Place.objects.filter(city=city).update(country="Elsewhere")
    page = admin_client.post(address, sent)
    run.refresh_from_db()
    assert page.status_code == 409 and MOVED in page.text and run.status == "applied"
    assert admin_client.post(address, fields_of(page.text, "Undo run")).status_code == 302
    run.refresh_from_db()
    assert run.status == "undone" and Place.objects.count() == 2


def test_an_undo_of_an_edit_applies_to_the_shown_state_or_changes_nothing(admin_client, people):
    edit = edits.correct(Person.objects.filter(family_name="Oak"), {"given_name": "Same"}, None)
    address = f"/admin/imports/edit/{edit.pk}/change/"
    sent = fields_of(admin_client.get(address).text, "Undo edit")
    one_is_changed_by_a_program(people)
    before = stored()
    page = admin_client.post(f"/admin/imports/edit/{edit.pk}/undo/", sent, follow=True)
    assert MOVED in page.text and stored() == before
    page = admin_client.post(f"/admin/imports/edit/{edit.pk}/undo/", fields_of(page.text, "Undo edit"), follow=True)
    assert "Edit undone: 2 people restored." in page.text


def test_a_restore_applies_to_the_shown_deletion(admin_client, people):
    key = people[0].pk
    edits.delete(Person.objects.filter(pk=key), None)
    pages = [admin_client.get(f"{LIST}deleted/"), admin_client.get(f"{LIST}{key}/history/")]
    confirm(admin_client, f"{LIST}{key}/restore/")
    edits.correct(Person.objects.filter(pk=key), {"family_name": "Elm"}, None)
    edits.delete(Person.objects.filter(pk=key), None)
    for page in pages:
        answer = admin_client.post(f"{LIST}{key}/restore/", fields_of(page.text, "Restore "), follow=True)
        assert MOVED in answer.text and not Person.objects.filter(pk=key).exists()
    sent = fields_of(answer.text, "Restore ")
    admin_client.post(f"{LIST}{key}/restore/", sent)
    assert Person.objects.get(pk=key).family_name == "Elm"


def test_a_revert_applies_to_the_shown_state(admin_client, bring):
    bring("experiments", users="user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n")
    edits.correct(User.objects.all(), {"name": "Anna"}, None)
    page = admin_client.get("/admin/experiments/user/1/change/")
    sent = fields_of(page.text, 'id="revert-name"')
    edits.correct(User.objects.all(), {"name": "Hanna"}, None)
    answer = admin_client.post("/admin/experiments/user/1/revert/name/", sent, follow=True)
    assert MOVED in answer.text and User.objects.get().name == "Hanna"
    admin_client.post("/admin/experiments/user/1/revert/name/", fields_of(answer.text, 'id="revert-name"'))
    assert User.objects.get().name == "Ann"
