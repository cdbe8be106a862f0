"""Tokens: created by the command and in the admin, shown once, limited by scope and expiry."""

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from datasets.tokens import ApiToken, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgresql")]
USERS = "/api/experiments/users/"
ADD = "/admin/datasets/apitoken/add/"


@pytest.fixture
def user():
    return get_user_model().objects.create_user("etl", is_staff=True)


def using(secret, scheme="Bearer", **options):
    return Client(headers={"authorization": f"{scheme} {secret}"}, **options)


@pytest.fixture
def private(settings):
    settings.API_ANONYMOUS_READ = False


def allow(user, *codenames):
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))


def command(capsys, *arguments) -> str:
    call_command("api_token", *arguments)
    return capsys.readouterr().out


def test_the_command_prints_only_the_token(user, capsys, private):
    allow(user, "view_user")
    secret = command(capsys, "etl", "--name", "nightly", "--scope", "read", "--scope", "import").strip()
    token = ApiToken.objects.get()
    assert re.fullmatch(r"tabularium_[\w-]{43}", secret) and secret not in map(str, vars(token).values())
    assert (token.scopes, token.state) == (["read", "import"], "good")
    assert timedelta(days=89) < token.expires - timezone.now() <= timedelta(days=90)
    assert using(secret).get(USERS).status_code == 200
    listed = command(capsys, "--list")
    assert f"{token.pk}  nightly of etl  read, import  good" in listed and secret not in listed
    with pytest.raises(CommandError, match=f"Token {token.pk} of this account is valid and has this name."):
        call_command("api_token", "etl", "--name", "nightly")
    assert "Revoked token" in command(capsys, "--revoke", str(token.pk))
    assert using(secret).get(USERS).status_code == 401
    assert command(capsys, "etl", "--name", "nightly").startswith("tabularium_")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody", "--name", "x"], "There is no account nobody."),
        (["etl"], "Enter an account and a name: manage.py api_token"),
        (["etl", "--name", "x", "--days", "366"], "--days 366: expected a whole number between 1 and 365."),
        (["etl", "--name", "x", "--days", "0"], "--days 0"),
        (["etl", "--name", "x" * 101], "at most 100 characters"),
        (["--revoke", "7"], "There is no token 7."),
        (["etl", "--name", "x", "--scope", "write"], "invalid choice: 'write'"),
    ],
)
def test_the_command_refuses_invalid_arguments_with_a_message(user, arguments, sentence):
    with pytest.raises(CommandError, match=re.escape(sentence)):
        call_command("api_token", *arguments)
    assert not ApiToken.objects.exists()


def test_a_token_has_the_permissions_of_its_account(user, private):
    secret = make_token(user, "reader", ["read"])[1]
    assert using(secret).get(USERS).status_code == 403
    allow(user, "view_user")
    assert using(secret).get(USERS).status_code == using(secret, "bearer").get(USERS).status_code == 200


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"revoked": timezone.now()}, "was revoked"),
        ({"created": timezone.now() - timedelta(2), "expires": timezone.now() - timedelta(1)}, "expired on"),
        ({"digest": "other"}, "Unknown token."),
    ],
)
def test_an_invalid_token_is_reported(user, change, sentence):
    token, secret = make_token(user, "reader", ["read"])
    ApiToken.objects.filter(pk=token.pk).update(**change)
    answer = using(secret).get(USERS)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer["Content-Type"] == "application/problem+json" and sentence in answer.json()["detail"]


def test_the_tokens_of_an_inactive_account_are_invalid(user):
    secret = make_token(user, "reader", ["read"])[1]
    get_user_model().objects.update(is_active=False)
    answer = using(secret).get(USERS)
    assert answer.status_code == 401 and "not active" in answer.json()["detail"]


def test_another_scheme_is_refused_except_that_of_a_proxy():
    assert using("abc", "Token").get(USERS).status_code == 401
    assert using("", "Bearer").get(USERS).status_code == using("ä", "Bearer").get(USERS).status_code == 401
    assert using("dTpw", "Basic").get(USERS).status_code == 200


def test_a_scope_limits_the_permissions_of_the_account(user):
    allow(user, "view_user", "add_importrun", "view_importrun")
    reader, importer = (using(make_token(user, scope, [scope])[1]) for scope in ("read", "import"))
    answer = reader.post("/api/imports/", {"dataset": "people"}, content_type="application/json")
    assert answer.status_code == 403 and "the scope import; yours has read" in answer.json()["detail"]
    assert importer.get(USERS).status_code == 403
    assert reader.get("/api/imports/").status_code == importer.get("/api/imports/").status_code == 200
    assert importer.post("/api/imports/", {}, content_type="application/json").status_code == 400


def test_the_last_use_of_a_token_is_stored_once_a_minute(user, django_assert_num_queries):
    token, secret = make_token(user, "reader", ["read"])
    client = using(secret)
    client.get("/api/")
    token.refresh_from_db()
    assert timezone.now() - token.last_used < timedelta(minutes=1)
    with django_assert_num_queries(1):
        client.get("/api/")
    with django_assert_num_queries(0):
        Client().get("/api/")
    used = token.last_used
    token.refresh_from_db()
    assert token.last_used == used
    ApiToken.objects.update(last_used=used - timedelta(minutes=2))
    client.get("/api/")
    token.refresh_from_db()
    assert token.last_used >= used


def test_no_log_contains_a_token(user, caplog):
    caplog.set_level(logging.DEBUG)
    _, secret = make_token(user, "reader", ["read"])
    using(secret).get(USERS)
    using(f"{secret}x").get(USERS)
    assert secret not in caplog.text


def test_the_admin_shows_a_new_token_once(admin_client, user):
    fields = {"account": user.pk, "name": "nightly", "may_read": "on", "expires_0": "", "expires_1": "00:00"}
    day = timezone.now() + timedelta(days=30)
    answer = admin_client.post(ADD, fields | {"expires_0": f"{day:%Y-%m-%d}"})
    secret = re.search(r'<pre id="secret">(\S+)</pre>', answer.text)[1]
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    assert using(secret).get("/api/").status_code == 200
    token = ApiToken.objects.get()
    for address in ("/admin/datasets/apitoken/", f"/admin/datasets/apitoken/{token.pk}/change/"):
        page = admin_client.get(address)
        assert page.status_code == 200 and secret not in page.text and token.digest not in page.text
    action = {"action": "revoke", "_selected_action": [token.pk]}
    assert "Revoked: nightly of etl" in admin_client.post("/admin/datasets/apitoken/", action, follow=True).text
    assert using(secret).get("/api/").status_code == 401


@pytest.mark.parametrize("days", [-1, 400])
def test_the_admin_refuses_expired_and_unlimited_tokens(admin_client, user, days):
    day = timezone.now() + timedelta(days=days)
    fields = {"account": user.pk, "name": "x", "may_read": "on", "expires_0": f"{day:%Y-%m-%d}", "expires_1": "00:00"}
    assert "within the next 365 days" in admin_client.post(ADD, fields).text
    fields |= {"may_read": "", "expires_0": f"{timezone.now() + timedelta(days=2):%Y-%m-%d}"}
    assert "Select a scope: read, import, or both." in admin_client.post(ADD, fields).text
    assert not ApiToken.objects.exists()


def test_only_superusers_create_tokens_for_others(client, user, admin_user):
    allow(user, "add_apitoken", "view_apitoken")
    client.force_login(user)
    day = timezone.now() + timedelta(days=2)
    fields = {"name": "x", "may_read": "on", "expires_0": f"{day:%Y-%m-%d}", "expires_1": "00:00"}
    assert "Select a valid choice" in client.post(ADD, fields | {"account": admin_user.pk}).text
    assert "It is not shown again." in client.post(ADD, fields | {"account": user.pk}).text
    make_token(admin_user, "a superuser's", ["read"])
    assert "a superuser" not in client.get("/admin/datasets/apitoken/").text


@pytest.mark.parametrize("group", ["Curators", "Analysts"])
def test_members_of_the_groups_cannot_see_tokens(client, user, group):
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    assert client.get("/admin/datasets/apitoken/").status_code == client.get(ADD).status_code == 403
    assert "apitoken" not in client.get("/admin/").text
