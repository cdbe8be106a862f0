"""The roles Curators and Analysts and their permissions."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection

from curation.history import edits
from datasets import roles
from datasets.registry import dataset_apps
from experiments.models import User
from imports.models import ImportRun

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]


@pytest.fixture
def member(django_user_model):
    """Return a factory of staff users in a group."""

    def member(name):
        user = django_user_model.objects.create_user(name.lower(), is_staff=True)
        user.groups.add(Group.objects.get(name=name))
        return user

    return member


def test_curators_have_all_permissions_for_datasets_and_none_for_users(member):
    curator = member("Curators")
    for label, app in dataset_apps().items():
        for model in app.get_models():
            for action in ("add", "change", "delete", "view"):
                assert curator.has_perm(f"{label}.{action}_{model._meta.model_name}")
    assert curator.has_perms(["experiments.view_email", "imports.view_importrun", "imports.add_importrun"])
    assert not curator.has_perm("imports.delete_importrun")
    others = {name.split(".")[0] for name in curator.get_all_permissions()}
    assert others == {*dataset_apps(), "curation", "datasets", "imports"}


ALL = ("add", "change", "delete", "view")
MODELS = {
    "census": "country educationlevel incomebyeducation maritalstatus occupation race relationship respondent"
    " workclass",
    "experiments": "compound user userexperiment userexperimentcompound userfeatures",
    "people": "birthsbycountry person place",
    "subjects": "session subject subjectsbybirthyear",
    "curation": "comment",
    "datasets": "version",
    "imports": "change edit importrun rejectedrow sourcefile",
}
# Runs, edits and comments can be added and viewed, but not changed or deleted.
CURATORS = {label: ("add", "view") if label in ("curation", "datasets", "imports") else ALL for label in MODELS}


@pytest.mark.parametrize(
    ("name", "actions", "more"),
    [
        ("Curators", CURATORS, {"experiments.view_email", "imports.undo_importrun"}),
        ("Analysts", dict.fromkeys(MODELS, ("view",)), set()),
    ],
)
def test_a_group_has_exactly_these_permissions(member, name, actions, more):
    expected = {
        f"{label}.{action}_{model}"
        for label, models in MODELS.items()
        for model in models.split()
        for action in actions[label]
    }
    assert member(name).get_all_permissions() == expected | more


def test_analysts_can_only_view_and_see_no_addresses(member):
    analyst = member("Analysts")
    granted = analyst.get_all_permissions()
    assert "experiments.view_user" in granted and "imports.view_importrun" in granted
    assert "experiments.view_email" not in granted
    assert {name.split(".")[1].split("_")[0] for name in granted} == {"view"}


@pytest.mark.parametrize(("group", "statuses"), [("Curators", (200, 200, 403)), ("Analysts", (200, 403, 403))])
def test_members_can_open_permitted_pages_only(client, member, group, statuses):
    client.force_login(member(group))
    addresses = ["/admin/people/person/", "/admin/people/person/add/", "/admin/auth/user/"]
    assert tuple(client.get(address).status_code for address in addresses) == statuses
    page = client.get("/admin/").text
    assert "/admin/people/person/" in page
    assert "/admin/auth/" not in page


def test_migrate_creates_the_groups_again():
    Group.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert set(Group.objects.values_list("name", flat=True)) == {"Curators", "Analysts"}
    assert Group.objects.get(name="Curators").permissions.filter(codename="view_person").exists()


def test_migrate_keeps_added_permissions_and_creates_missing_ones():
    extra = Permission.objects.get(codename="view_group")
    curators = Group.objects.get(name="Curators")
    curators.permissions.add(extra)
    Permission.objects.filter(content_type__app_label="people").delete()
    roles.grant(apps.get_app_config("people"), using=connection.alias)
    codenames = set(curators.permissions.values_list("codename", flat=True))
    assert {"view_group", "change_person"} <= codenames


def pages(patterns=None, prefix="/admin/"):
    """Return every admin page and action of datasets and imports, for existing and missing objects."""
    for pattern in patterns or admin.site.get_urls():
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from pages(pattern.url_patterns, route)
        elif route.split("/")[2] in ("datasets", "imports", *dataset_apps()) and pattern.name:
            for key in ("1", "4711"):
                yield re.sub(r"<(\w+:)?\w+>", key, route)


@pytest.mark.parametrize("method", ["get", "post"])
def test_users_without_permission_get_403_for_existing_and_missing_objects(client, django_user_model, method):
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    User.objects.create(user_id=1, name="Ann Lee", email="ann@example.com", signup_date="2024-01-05")
    edits.correct(User.objects.all(), {"name": "Ann Leeds"}, None)
    ImportRun.objects.create(pk=1, dataset="experiments", status="applied")
    addresses = list(pages())
    assert len(addresses) > 200 and "/admin/experiments/user/1/restore/" in addresses
    result = {address: getattr(client, method)(address) for address in addresses}
    odd = {address: answer.status_code for address, answer in result.items() if answer.status_code != 403}
    assert odd == {}
    assert not [address for address, answer in result.items() if "Ann Lee" in answer.text]
