"""Admin pages of users, compounds and experiments."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import matviews
from experiments.models import Compound, User, UserExperiment
from imports.models import ImportRun, RejectedRow, SourceFile
from tests.confirming import confirm

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alice():
    return User.objects.create(user_id=1, name="Alice", email="alice@example.com", signup_date=date(2023, 1, 1))


@pytest.fixture
def curator_client(client, django_user_model):
    """A curator with all permissions for experiments except the one to see email addresses."""
    curator = django_user_model.objects.create_user("cora", is_staff=True)
    allowed = Permission.objects.filter(content_type__app_label__in=["experiments", "imports"])
    curator.user_permissions.set(allowed.exclude(codename="view_email"))
    client.force_login(curator)
    return client


def add_experiments(ids):
    compounds = [Compound.objects.get_or_create(compound_id=n, compound_name=f"C{n}")[0] for n in (1, 2)]
    for experiment_id in ids:
        made = UserExperiment.objects.create(experiment_id=experiment_id, user_id=1, experiment_run_time=5)
        made.compounds.set(compounds)


@pytest.mark.only_on("sqlite")
def test_the_list_takes_as_many_queries_for_200_experiments_as_for_10(admin_client):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get("/admin/experiments/userexperiment/?all=").status_code == 200
        return len(captured)

    add_experiments(range(10))
    of_ten = queries()
    add_experiments(range(10, 200))
    assert queries() == of_ten


def test_experiments_are_found_by_user_and_compound(admin_client):
    add_experiments([1, 2])
    UserExperiment.objects.create(experiment_id=3, user_id=1, experiment_run_time=5)
    page = admin_client.get("/admin/experiments/userexperiment/", {"q": "Alice", "compounds": 1})
    assert [row.pk for row in page.context["cl"].result_list] == [1, 2]
    assert "C1, C2" in page.text


@pytest.mark.only_on("sqlite")
def test_addresses_are_shown_with_the_permission(admin_client):
    assert "alice@example.com" in admin_client.get("/admin/experiments/user/").text
    assert "alice@example.com" in admin_client.get("/admin/experiments/user/1/change/").text


@pytest.mark.only_on("sqlite")
def test_addresses_are_masked_for_users_without_the_permission(curator_client):
    for address in ["/admin/experiments/user/", "/admin/experiments/user/1/change/"]:
        page = curator_client.get(address).text
        assert "a****@example.com" in page
        assert "alice@example.com" not in page


@pytest.mark.only_on("sqlite")
def test_users_without_the_permission_cannot_change_addresses(curator_client):
    form = {"user_id": 1, "name": "Alicia", "email": "new@example.com", "signup_date": "2023-01-01"}
    assert curator_client.post("/admin/experiments/user/1/change/", form).status_code == 302
    alice = User.objects.get()
    assert (alice.name, alice.email) == ("Alicia", "alice@example.com")


def test_users_without_the_permission_cannot_infer_addresses(curator_client, admin_client):
    def matches(client, **query):
        return len(client.get("/admin/experiments/user/", query).context["cl"].result_list)

    assert matches(admin_client, q="alice@") == 1
    assert matches(admin_client, email__istartswith="al") == 1
    assert matches(curator_client, q="alice@") == 0
    for address in [
        "/admin/experiments/user/?email__istartswith=al",
        "/admin/experiments/userexperiment/?user__email__startswith=al",
        "/admin/experiments/userfeatures/?user__email__startswith=al",
    ]:
        assert curator_client.get(address).status_code == 400, address
    assert "?o=3" not in curator_client.get("/admin/experiments/user/").text


@pytest.mark.only_on("sqlite")
def test_rejected_users_are_hidden_without_the_permission_to_see_addresses(admin_client, curator_client):
    run = ImportRun.objects.create(dataset="experiments", status=ImportRun.Status.APPLIED)
    file = SourceFile.objects.create(run=run, source="users", name="users.csv", original_name="u", sha256="0", size=1)
    problem = {"column": "signup_date", "value": "soon", "message": "Expected a date, found soon."}
    values = {"email": "bob@example.com", "signup_date": "soon"}
    row = RejectedRow.objects.create(file=file, line=3, values=values, problems=[problem])
    for address in ["/admin/imports/rejectedrow/", f"/admin/imports/rejectedrow/{row.pk}/change/"]:
        assert "bob@example.com" in admin_client.get(address).text
        page = curator_client.get(address).text
        assert "bob@example.com" not in page
        assert "signup_date" in page


def test_features_are_shown(admin_client):
    matviews.refresh("experiments")
    page = admin_client.get("/admin/experiments/userfeatures/").text
    assert "Alice" in page and "If several tie, all of them, in ascending order" in page
    assert "<dt>Mean experiments per user:</dt> <dd>0</dd>" in page
    assert "If several tie, all of them" in admin_client.get("/admin/experiments/userfeatures/1/change/").text


def test_the_list_of_features_shows_the_average_of_all_users(admin_client):
    User.objects.create(user_id=2, name="Bob", email="bob@example.com", signup_date=date(2023, 1, 2))
    add_experiments([1, 2, 3])
    matviews.refresh("experiments")
    page = admin_client.get("/admin/experiments/userfeatures/?q=Alice").text
    assert "<dt>Mean experiments per user:</dt> <dd>1.5</dd>" in page


def test_a_user_in_an_outdated_view_can_be_deleted(admin_client):
    matviews.refresh("experiments")
    assert confirm(admin_client, "/admin/experiments/user/1/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.exists()
    assert admin_client.get("/admin/experiments/userfeatures/").status_code == 200


def test_an_experiment_is_edited_with_its_compounds(admin_client):
    add_experiments([1])
    form = {"user": 1, "experiment_run_time": "7.5", "compounds": [1]}
    assert admin_client.post("/admin/experiments/userexperiment/1/change/", form).status_code == 302
    changed = UserExperiment.objects.get()
    assert changed.experiment_run_time == 7.5
    assert list(changed.compounds.values_list("pk", flat=True)) == [1]
