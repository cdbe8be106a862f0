"""Bulk edit: preview, apply as one Edit, and undo."""

import pytest

from census.models import EducationLevel
from curation.history import edits
from curation.history.undo import undo_edit
from curation.history.undo_result import UndoRefusedError
from experiments.models import Compound, User, UserExperiment
from imports.models import Change, Edit
from people.models import Person, Place
from tests.confirming import confirm

pytestmark = pytest.mark.only_on("sqlite")

HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
LIST, BULK = "/admin/people/person/", "/admin/people/person/bulk/"
COUNT = 15
ALL = {"select_across": "1"}


@pytest.fixture
def people(bring):
    rows = "".join(f"G{n},{'Mac' if n % 3 else 'Oak'},1901-02-03,Kelso\n" for n in range(COUNT))
    bring("people", places=PLACES, people=HEADER + rows)
    return list(Person.objects.order_by("pk"))


@pytest.mark.both_engines
def test_selected_rows_are_changed_after_a_preview(admin_client, admin_user, people):
    keys = [person.pk for person in people[:4]]
    page = admin_client.post(LIST, {"action": "change_field", "_selected_action": keys})
    assert "Applies to 4 selected people." in page.text and "New value of given name" in page.text
    page = admin_client.post(BULK, {"_selected_action": keys, "field": "family_name", "_next": "Next"})
    assert "New value of family name" in page.text and "This field is required" not in page.text
    data = {"_selected_action": keys, "field": "family_name", "value": "Mac"}
    page = admin_client.post(BULK, data | {"_preview": "Preview"})
    assert "2 records will change" in page.text
    assert sorted((key, d.before, d.after) for key, (d,) in page.context["sample"]) == sorted(
        (str(person), "Oak", "Mac") for person in (people[0], people[3])
    )
    assert not Edit.objects.exists() and Person.objects.filter(family_name="Oak").count() == 5
    page = confirm(admin_client, BULK, data | {"_apply": "x", "expected": "2"}, follow=True)
    edit = Edit.objects.get()
    assert "2 people changed" in page.text and f'href="/admin/imports/edit/{edit.pk}/change/"' in page.text
    assert (edit.action, edit.user, edit.changes.count()) == ("corrected", admin_user, 2)
    people[3].refresh_from_db()
    assert (people[3].family_name, people[3].corrections) == ("Mac", {"family_name": "Oak"})


@pytest.mark.both_engines
def test_all_matching_records_are_changed(admin_client, people):
    page = admin_client.get(LIST, {"q": "Oak"})
    assert f'href="{BULK}?q=Oak"' in page.text
    data = ALL | {"field": "place_of_birth", "value": Place.objects.get(city="Derry").pk}
    page = admin_client.post(f"{BULK}?q=Oak", data | {"_preview": "x"})
    assert page.context["count"] == 5 and page.context["sample"][0][1][0].after == "Derry"
    page = confirm(admin_client, f"{BULK}?q=Oak", data | {"_apply": "x", "expected": "5"})
    assert page.status_code == 302 and page["Location"] == f"{LIST}?q=Oak"
    assert set(Person.objects.filter(place_of_birth__city="Derry").values_list("family_name", flat=True)) == {"Oak"}


def test_one_form_has_the_field_its_value_and_the_reason(admin_client, people):
    page = admin_client.get(f"{BULK}?q=Oak")
    assert "Applies to all people that match the filters: 5." in page.text
    for name in ("field", "value", "_reason", "_preview", "_next"):
        assert f'name="{name}"' in page.text
    page = admin_client.post(BULK, ALL | {"field": "date_of_birth", "_next": "x", "_reason": "letter of 1 May"})
    assert "New value of date of birth" in page.text and "This field is required" not in page.text
    assert 'value="letter of 1 May"' in page.text and "autofocus" in page.text


def test_a_filter_without_matches_is_reported_and_changes_nothing(admin_client, people):
    data = ALL | {"field": "county", "value": "Elsewhere", "_preview": "x"}
    page = admin_client.post("/admin/people/place/bulk/?country=Nowhere", data)
    assert (
        page.status_code == 200
        and "No changes: the records were deleted or already have this value." in page.text
        and not Edit.objects.exists()
    )


def test_the_list_selects_all_matching_records(admin_client, people):
    chosen = {"action": "change_field", "_selected_action": [people[0].pk], "select_across": "1", "index": "0"}
    page = admin_client.post(f"{LIST}?q=Oak", chosen)
    assert page.context["keys"] == [] and page.context["address"] == f"{BULK}?q=Oak"
    assert "Of 1 selected" not in page.text


def test_the_preview_counts_all_records_and_shows_a_sample(admin_client, people):
    page = admin_client.post(BULK, ALL | {"field": "given_name", "value": "Same", "_preview": "x"})
    assert f"{COUNT} records will change (first 10 shown)" in page.text
    assert f"Applies to <strong>all people</strong>: no filter is set ({COUNT})." in page.text


def test_a_changed_effect_is_previewed_again(admin_client, people):
    data = ALL | {"field": "family_name", "value": "Mac", "_apply": "x", "expected": "5"}
    Person.objects.filter(pk=people[0].pk).update(family_name="Mac")
    page = admin_client.post(BULK, data)
    assert "5 records then, 4 now" in page.text and not Edit.objects.exists()


@pytest.mark.parametrize("typed", [{"value": "Mak"}, {"field": "given_name"}])
def test_a_value_that_was_not_previewed_is_refused(admin_client, people, typed):
    data = ALL | {"field": "family_name", "value": "Mac"}
    shown = admin_client.post(BULK, data | {"_preview": "x"}).context
    hidden = {"_apply": "x", "expected": shown["count"], "previewed": shown["previewed"]}
    page = admin_client.post(BULK, data | typed | hidden)
    assert "The new value differs from the previewed value" in page.text and not Edit.objects.exists()
    hidden = {"_apply": "x", "expected": page.context["count"], "previewed": page.context["previewed"]}
    hidden["confirmed"] = page.context["confirmed"]
    assert admin_client.post(BULK, data | typed | hidden).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "expected_text"),
    [
        ("date_of_birth", "soon", "Enter a valid date"),
        ("given_name", "", "This field is required"),
        ("given_name", "x" * 201, "at most 200 characters"),
        ("place_of_birth", "9999", "Select a valid choice"),
    ],
)
def test_an_invalid_value_is_reported(admin_client, people, field, value, expected_text):
    page = admin_client.post(BULK, ALL | {"field": field, "value": value, "_apply": "x", "expected": "15"})
    assert page.status_code == 200 and expected_text in page.text
    assert not Change.objects.exists()


@pytest.mark.both_engines
def test_a_value_that_a_constraint_refuses_is_reported(admin_client, transactional_db):
    User.objects.create(user_id=1, name="Ann", email="a@example.org", signup_date="2020-01-01")
    UserExperiment.objects.create(experiment_id=1, user_id=1, experiment_run_time=1)
    data = ALL | {"field": "experiment_run_time", "value": "-1", "_preview": "x"}
    page = admin_client.post("/admin/experiments/userexperiment/bulk/", data)
    assert "greater than or equal to 0" in page.text or "A run time is 0 or more" in page.text


def test_an_edit_without_an_effect_is_reported(admin_client, people):
    page = admin_client.post(
        BULK, ALL | {"field": "place_of_birth", "value": people[0].place_of_birth_id, "_preview": "x"}
    )
    assert "No changes: the records were deleted or already have this value." in page.text


def test_keys_and_hidden_fields_are_not_offered(staff, transactional_db):
    client = staff("view_user", "change_user")
    User.objects.create(user_id=1, name="Ann", email="a@example.org", signup_date="2020-01-01")
    page = client.get("/admin/experiments/user/bulk/")
    assert [name for name, _ in page.context["form"].fields["field"].choices] == ["name", "signup_date"]
    client.post(
        "/admin/experiments/user/bulk/", ALL | {"field": "email", "value": "x@y.org", "_apply": "x", "expected": "1"}
    )
    assert User.objects.get().email == "a@example.org"


def test_bulk_edit_needs_the_change_permission(staff, people):
    client = staff("view_person", "view_place")
    page = client.get(LIST)
    assert "change_field" not in page.text and "bulk/" not in page.text
    data = ALL | {"field": "given_name", "value": "X", "_apply": "x", "expected": str(COUNT)}
    assert client.post(BULK, data).status_code == 403
    assert client.post(LIST, {"action": "change_field", "_selected_action": [people[0].pk]}).status_code in (302, 403)
    assert not Edit.objects.exists()


@pytest.fixture
def edit(admin_client, people):
    confirm(admin_client, BULK, ALL | {"field": "family_name", "value": "Mac", "_apply": "x", "expected": "5"})
    return Edit.objects.get()


def test_an_edit_is_shown_and_undone(admin_client, edit):
    address = f"/admin/imports/edit/{edit.pk}/"
    page = admin_client.get(f"{address}change/")
    assert "5 records" in page.text and page.text.count('<dd class="before">Oak</dd>') == 5
    page = confirm(admin_client, f"{address}undo/", follow=True)
    assert "Edit undone: 5 people restored." in page.text and "Undone by admin" in page.text
    assert "Undo edit" not in page.text
    assert Person.objects.filter(family_name="Oak", corrections__isnull=True).count() == 5
    assert (
        "The edit is an undo or has already been undone." in confirm(admin_client, f"{address}undo/", follow=True).text
    )
    assert admin_client.get("/admin/imports/edit/").status_code == 200


@pytest.mark.both_engines
def test_an_edit_on_which_others_depend_is_not_undone(admin_client, people, edit):
    form = {"given_name": "G0", "family_name": "Elm", "date_of_birth": "1901-02-03", "place_of_birth": 1}
    form["place_of_birth"] = people[0].place_of_birth_id
    admin_client.post(f"/admin/people/person/{people[0].pk}/change/", form)
    page = confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/", follow=True)
    assert f"Changed later: 1 person ({people[0].pk})." in page.text
    assert Person.objects.filter(family_name="Mac").count() == COUNT - 1


def test_the_undo_of_an_edit_needs_the_change_permission(staff, edit):
    client = staff("view_edit", "view_person")
    assert "Undo edit" not in client.get(f"/admin/imports/edit/{edit.pk}/change/").text
    assert client.post(f"/admin/imports/edit/{edit.pk}/undo/").status_code == 403
    assert staff("view_edit").get(f"/admin/imports/edit/{edit.pk}/change/").status_code == 403
    assert staff("change_person").post(f"/admin/imports/edit/{edit.pk}/undo/").status_code == 403


@pytest.mark.both_engines
def test_a_deletion_and_a_creation_are_undone(admin_client, people):
    confirm(admin_client, f"/admin/people/person/{people[0].pk}/delete/", {"post": "yes"})
    admin_client.post("/admin/people/place/add/", {"city": "Ayr", "county": "Ayrshire", "country": "Scotland"})
    for edit in list(Edit.objects.all()):
        confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/")
    assert Person.objects.count() == COUNT
    assert not Place.objects.filter(city="Ayr").exists()


@pytest.mark.both_engines
def test_the_creation_of_a_referenced_record_is_not_undone(admin_client, people):
    admin_client.post("/admin/people/place/add/", {"city": "Ayr", "county": "Ayrshire", "country": "Scotland"})
    edit, ayr = Edit.objects.get(), Place.objects.get(city="Ayr")
    data = ALL | {"field": "place_of_birth", "value": ayr.pk, "_apply": "x", "expected": str(COUNT)}
    confirm(admin_client, BULK, data)
    page = confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/", follow=True)
    some = list(map(str, sorted(person.pk for person in people)[:10]))
    assert f"Created places are used by 15 people ({', '.join(some)}, …)." in page.text
    assert Place.objects.filter(pk=ayr.pk).exists()


@pytest.fixture
def undo(admin_client):
    """Undo an edit and return the message on its page."""

    def undo(edit):
        page = confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/", follow=True)
        return " ".join(str(message) for message in page.context["messages"])

    return undo


@pytest.mark.both_engines
def test_a_correction_is_not_undone_if_its_old_reference_was_deleted(admin_client, people, undo):
    kelso, derry = (Place.objects.get(city=city) for city in ("Kelso", "Derry"))
    correction = edits.correct(Person.objects.all(), {"place_of_birth": derry}, None)
    with pytest.raises(UndoRefusedError, match="Restore the deleted records first"):
        edits.delete(Place.objects.filter(pk=kelso.pk), None)
        undo_edit(correction, dry_run=True)
    assert undo(correction) == (
        "This cannot be undone. These records refer to deleted records. Restore the deleted records first: place "
        f"{kelso.pk}."
    )
    assert Person.objects.filter(place_of_birth=derry).count() == COUNT
    assert "2 places re-created" not in undo(Edit.objects.get(action="deleted"))
    assert f"{COUNT} people restored" in undo(correction)


@pytest.mark.both_engines
def test_the_creation_of_a_used_compound_is_not_undone(bring, undo):
    bring("experiments", users="user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n")
    made = Compound.objects.create(compound_id=1, compound_name="A", compound_structure="C")
    of_compound = edits.created(made, None)
    experiment = UserExperiment.objects.create(experiment_id=7, user_id=1, experiment_run_time=1)
    experiment.compounds.set([made])
    of_experiment = edits.created(experiment, None)
    assert "Created compounds are used by 1 experiment (7)." in undo(of_compound)
    assert undo(of_experiment) == "Edit undone: 1 experiment deleted."
    assert undo(of_compound) == "Edit undone: 1 compound deleted."


@pytest.mark.both_engines
def test_a_name_that_another_record_has_now_is_not_restored(transactional_db, undo):
    level = EducationLevel.objects.create(name="Masters", years=14)
    renamed = edits.correct(EducationLevel.objects.all(), {"name": "Master"}, None)
    other = EducationLevel.objects.create(name="Masters", years=15)
    assert undo(renamed) == f"This cannot be undone. The name is already used by 1 education level ({other.pk})."
    edits.delete(EducationLevel.objects.filter(pk=other.pk), None)
    assert undo(renamed) == "Edit undone: 1 education level restored."
    level.refresh_from_db()
    assert level.name == "Masters"
