"""A record changed while a user edited it: the form keeps the typed values, to choose from field by field."""

import re

import pytest

from curation.history import edits
from experiments.models import Compound, User, UserExperiment
from imports.models import Edit

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,Aspirin,C\n2,Borax,H\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n7,1,1;2,5.25\n"
USER, EXPERIMENT = "/admin/experiments/user/1/change/", "/admin/experiments/userexperiment/7/change/"
FORM = {"name": "Ann", "email": "ann@example.org", "signup_date": "2023-01-01"}


@pytest.fixture
def opened(bring, admin_client):
    """Return the data of a form that was opened before the record changes."""
    bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)
    return lambda address: {"_seen": admin_client.get(address).context["seen"]}


def conflicts_of(page) -> list[tuple]:
    assert page.status_code == 409
    return [(str(c.label), c.opened, c.typed, c.stored, c.is_untouched) for c in page.context["conflicts"]]


def test_typed_and_stored_values_are_shown_side_by_side(opened, admin_client):
    form = FORM | opened(USER)
    edits.correct(User.objects.filter(pk=1), {"name": "Hanna", "email": "hanna@example.org"}, None)
    page = admin_client.post(USER, form | {"name": "Anne", "signup_date": "2024-05-06"})
    assert conflicts_of(page) == [
        ("name", "Ann", "Anne", "Hanna", False),
        ("e-mail", "ann@example.org", "ann@example.org", "hanna@example.org", True),
    ]
    shown = page.context["adminform"].form
    assert (shown["name"].value(), shown["signup_date"].value()) == ("Anne", "2024-05-06")
    assert "<style" not in page.text and " style=" not in page.text and "Nothing was saved" in page.text
    assert re.search(r'name="_choose_email" value="stored" required checked', page.text)
    assert not re.search(r'name="_choose_name" value="\w+" required checked', page.text)
    assert User.objects.get(pk=1).name == "Hanna"


@pytest.mark.parametrize(("choice", "name"), [("typed", "Anne"), ("stored", "Hanna")])
def test_the_choice_is_saved_field_by_field(opened, admin_client, choice, name):
    form = FORM | opened(USER) | {"name": "Anne", "signup_date": "2024-05-06"}
    edits.correct(User.objects.filter(pk=1), {"name": "Hanna", "email": "hanna@example.org"}, None)
    seen = admin_client.post(USER, form).context["seen"]
    choices = {"_choose_name": choice, "_choose_email": "stored", "_seen": seen}
    assert admin_client.post(USER, form | choices).status_code == 302
    user = User.objects.get(pk=1)
    assert (user.name, user.email, str(user.signup_date)) == (name, "hanna@example.org", "2024-05-06")


def test_a_choice_survives_an_error_in_another_field(opened, admin_client):
    form = FORM | opened(USER) | {"name": "Anne"}
    edits.correct(User.objects.filter(pk=1), {"name": "Hanna"}, None)
    seen = admin_client.post(USER, form).context["seen"]
    choices = {"_choose_name": "stored", "_seen": seen}
    page = admin_client.post(USER, form | choices | {"signup_date": "never"})
    assert page.status_code == 200 and '<input type="hidden" name="_choose_name" value="stored">' in page.text
    without = {name: value for name, value in form.items() if name != "name"}  # browsers do not send disabled fields
    assert admin_client.post(USER, without | choices | {"signup_date": "2024-05-06"}).status_code == 302
    assert User.objects.get(pk=1).name == "Hanna" and str(User.objects.get(pk=1).signup_date) == "2024-05-06"


def test_a_record_that_changed_again_is_a_new_conflict(opened, admin_client):
    form = FORM | opened(USER) | {"name": "Anne"}
    edits.correct(User.objects.filter(pk=1), {"name": "Hanna"}, None)
    seen = admin_client.post(USER, form).context["seen"]
    edits.correct(User.objects.filter(pk=1), {"name": "Johanna"}, None)
    page = admin_client.post(USER, form | {"_choose_name": "typed", "_seen": seen})
    assert [c[1:] for c in conflicts_of(page)] == [("Hanna", "Anne", "Johanna", False)]


def test_changes_of_fields_outside_the_form_are_not_a_conflict(opened, admin_client):
    form = FORM | opened(USER) | {"name": "Anne"}
    deletion = edits.delete(UserExperiment.objects.all(), None)
    deletion = edits.delete(User.objects.filter(pk=1), None)
    edits.restore(deletion.changes.all(), User, None)
    assert admin_client.post(USER, form).status_code == 302
    assert User.objects.get(pk=1).name == "Anne" and Edit.objects.first().action == "corrected"


def test_references_and_members_are_shown_by_their_labels(opened, admin_client):
    form = {"user": 1, "experiment_run_time": "5.25", "compounds": [1, 2]} | opened(EXPERIMENT)
    changed = {"user": User.objects.get(pk=2), "compounds": [Compound.objects.get(pk=2)], "experiment_run_time": 6.5}
    edits.correct(UserExperiment.objects.all(), changed, None)
    page = admin_client.post(EXPERIMENT, form | {"compounds": [1], "experiment_run_time": "7.5"})
    assert {c[1:] for c in conflicts_of(page)} == {
        ("Ann", "Ann", "Bob", True),
        ("5.25", "7.5", "6.5", False),
        ("Aspirin, Borax", "Aspirin", "Borax", False),
    }
    choices = {"_choose_user": "stored", "_choose_compounds": "typed", "_choose_experiment_run_time": "stored"}
    saved = {"compounds": [1], "experiment_run_time": "7.5", "_seen": page.context["seen"]}
    assert admin_client.post(EXPERIMENT, form | saved | choices).status_code == 302
    experiment = UserExperiment.objects.get()
    assert (experiment.user_id, experiment.experiment_run_time) == (2, 6.5)
    assert list(experiment.compounds.values_list("pk", flat=True)) == [1]


def test_a_masked_value_is_not_shown(opened, admin_client, staff):
    client = staff("view_user", "change_user")
    form = {"name": "Anne", "signup_date": "2023-01-01", "_seen": client.get(USER).context["seen"]}
    edits.correct(User.objects.filter(pk=1), {"name": "Hanna", "email": "secret@example.net"}, None)
    page = client.post(USER, form)
    assert [c[2:4] for c in conflicts_of(page)] == [("Anne", "Hanna")] and "secret@" not in page.text


def test_a_change_of_only_a_masked_value_is_not_a_conflict(opened, staff):
    client = staff("view_user", "change_user")
    form = {"name": "Anne", "signup_date": "2023-01-01", "_seen": client.get(USER).context["seen"]}
    edits.correct(User.objects.filter(pk=1), {"email": "secret@example.net"}, None)
    assert client.post(USER, form).status_code == 302
    assert User.objects.values_list("name", "email").get(pk=1) == ("Anne", "secret@example.net")
