"""Corrections in the admin: edit a record, see the file value, revert to it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experiments.models import User, UserExperiment
from imports.models import Edit
from people.models import Person, Place
from tests.confirming import confirm

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\nBob,Oak,1950-12-31,Derry\n"
USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n"
FORM = {"given_name": "Anne", "family_name": "Mac", "date_of_birth": "1901-02-03"}


@pytest.fixture
def ann(bring):
    bring("people", places=PLACES, people=PEOPLE)
    return Person.objects.get(given_name="Ann")


@pytest.fixture
def user(bring):
    bring("experiments", users=USERS)
    return User.objects.get()


def page_of(record):
    return f"/admin/{record._meta.app_label}/{record._meta.model_name}/{record.pk}/change/"


def test_a_saved_form_is_one_edit_of_all_changed_fields(admin_client, admin_user, ann):
    derry = Place.objects.get(city="Derry").pk
    assert admin_client.post(page_of(ann), FORM | {"place_of_birth": derry}).status_code == 302
    edit = Edit.objects.get()
    assert (edit.action, edit.user) == ("corrected", admin_user)
    ann.refresh_from_db()
    assert set(ann.corrections) == {"given_name", "place_of_birth_id"}
    admin_client.post(page_of(ann), FORM | {"place_of_birth": derry})
    assert Edit.objects.count() == 1


@pytest.mark.only_on("sqlite")
def test_corrected_fields_are_marked_on_form_and_list_and_filtered(admin_client, ann):
    admin_client.post(page_of(ann), FORM | {"place_of_birth": ann.place_of_birth_id})
    page = admin_client.get(page_of(ann)).text
    assert 'Given name:</label> <span class="badge corrected">corrected</span>' in page
    assert "Family name:</label> <span" not in page and "File says <b>Ann</b>" in page
    listed = admin_client.get("/admin/people/person/", {"corrected": "true"})
    assert [person.pk for person in listed.context["cl"].result_list] == [ann.pk]
    assert '<span class="badge corrected">given name</span>' in listed.text
    assert "<style" not in page and " style=" not in page and " onclick=" not in page


def test_a_field_is_reverted_with_one_click(admin_client, ann):
    admin_client.post(page_of(ann), FORM | {"place_of_birth": ann.place_of_birth_id})
    address = f"/admin/people/person/{ann.pk}/revert/given_name/"
    assert f'<form method="post" action="{address}" id="revert-given_name">' in admin_client.get(page_of(ann)).text
    assert admin_client.get(address).status_code == 405
    page = confirm(admin_client, address, follow=True).text
    assert "Given name reverted to the file value." in page
    ann.refresh_from_db()
    assert (ann.given_name, ann.corrections) == ("Ann", None)
    assert (
        "No changes: the records were deleted or already have this value."
        in confirm(admin_client, address, follow=True).text
    )
    assert admin_client.post(f"/admin/people/person/{ann.pk}/revert/id/").status_code == 404


@pytest.mark.only_on("sqlite")
def test_key_columns_are_not_editable_if_the_source_has_a_key(admin_client, ann):
    kelso = Place.objects.get(city="Kelso")
    form = admin_client.get(page_of(kelso)).context["adminform"].form
    assert "city" not in form.fields and "county" in form.fields
    admin_client.post(page_of(kelso), {"city": "Elsewhere", "county": "Rox", "country": "Scotland"})
    kelso.refresh_from_db()
    assert (kelso.city, kelso.county, kelso.corrections) == ("Kelso", "Rox", {"county": "Roxburghshire"})
    assert set(admin_client.get(page_of(ann)).context["adminform"].form.fields) == {*FORM, "place_of_birth"}


def test_a_form_that_is_older_than_an_import_is_not_saved(admin_client, write, importing, ann):
    kelso = Place.objects.get(city="Kelso")
    seen = admin_client.get(page_of(kelso)).context["seen"]
    importing("people", write("places.csv", PLACES.replace("Scotland", "Alba")))
    stale = {"county": "Rox", "country": "Scotland", "_seen": seen}
    page = admin_client.post(page_of(kelso), stale, follow=True)
    assert page.status_code == 409 and "Someone else changed this record while you were editing." in page.text
    kelso.refresh_from_db()
    assert (kelso.county, kelso.country, kelso.corrections) == ("Roxburghshire", "Alba", None)


def test_compounds_are_corrected_as_one_field(admin_client, write, importing, user):
    write("x/users.csv", USERS)
    write("x/compounds.csv", "compound_id,compound_name,compound_structure\n1,A,C\n2,B,H\n")
    rows = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1,5\n"
    importing("experiments", write("x/user_experiments.csv", rows).parent)
    experiment = UserExperiment.objects.get()
    form = {"user": 1, "experiment_run_time": "5.0", "compounds": [1, 2]}
    assert admin_client.post(page_of(experiment), form).status_code == 302
    experiment.refresh_from_db()
    assert experiment.corrections == {"compounds": [1]}
    page = admin_client.get(page_of(experiment)).text
    assert "File says <b>A</b>" in page


def test_the_creation_of_a_record_is_stored_with_its_compounds(admin_client, write, importing, user):
    compounds = "compound_id,compound_name,compound_structure\n1,A,C\n"
    importing("experiments", write("compounds.csv", compounds))
    form = {"experiment_id": 5, "user": 1, "experiment_run_time": "5", "compounds": [1]}
    assert admin_client.post("/admin/experiments/userexperiment/add/", form).status_code == 302
    change = Edit.objects.get().changes.get()
    assert (change.kind, change.before, change.after["compounds"]) == ("created", None, [1])
    assert "Created by admin" in admin_client.get("/admin/experiments/userexperiment/5/change/").text


@pytest.mark.only_on("sqlite")
def test_a_revert_needs_the_change_permission(staff, admin_client, ann):
    admin_client.post(page_of(ann), FORM | {"place_of_birth": ann.place_of_birth_id})
    client = staff("view_person")
    page = client.get(page_of(ann)).text
    assert "File says <b>Ann</b>" in page and ">Revert<" not in page
    assert '<label>Given name:</label> <span class="badge corrected">corrected</span>' in page
    assert "<label>Family name:</label></div>" in page
    assert '<span class="badge corrected">given name</span>' in client.get("/admin/people/person/").text
    assert client.post(f"/admin/people/person/{ann.pk}/revert/given_name/").status_code == 403
    assert client.post(page_of(ann), FORM | {"_seen": "0"}).status_code == 403
    assert Person.objects.get(pk=ann.pk).given_name == "Anne"


@pytest.mark.only_on("sqlite")
def test_a_hidden_address_is_masked_and_cannot_be_reverted(staff, admin_client, user):
    form = {"name": "Ann", "email": "new@example.net", "signup_date": "2023-01-01"}
    admin_client.post(page_of(user), form)
    assert "File says <b>ann@example.org</b>" in admin_client.get(page_of(user)).text
    client = staff("view_user", "change_user")
    page = client.get(page_of(user)).text
    assert "File says <b>a****@example.org</b>" in page and "n****@example.net" in page
    assert '<label>E-mail:</label> <span class="badge corrected">corrected</span>' in page
    assert "ann@" not in page and "new@" not in page and ">Revert<" not in page
    assert client.post("/admin/experiments/user/1/revert/email/").status_code == 403


@pytest.mark.only_on("sqlite")
def test_the_page_of_a_record_takes_a_fixed_number_of_queries(admin_client, ann):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(page_of(ann)).status_code == 200
        return len(captured)

    queries()
    # Session, user, last change, record, its files, last edit, the place's name for the widget, the changes that set
    # the values and their files, the comments, and the previous and the next record.
    assert queries() == 12
    for name in ("Anne", "Annie", "Anna"):
        admin_client.post(page_of(ann), FORM | {"given_name": name, "place_of_birth": ann.place_of_birth_id})
    # In addition: the stored row with the file values, and the changes and edits of the origins.
    assert queries() == 15
