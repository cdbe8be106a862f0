"""The frame of every page: its sections, menus and sidebar for each account, the sign-in page and the error pages."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.test import Client

from datasets import navigation
from imports.models import ImportRun
from people.models import Person, Place

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
PASSWORD = "nine lives of a cat"
OF_ADMIN = ["Datasets", "Explore", "Imports", "Changes", "API"]


@pytest.fixture
def account(django_user_model):
    """Return a client for an account: an analyst, a curator with access to the admin, or a member of no group."""

    def account(kind: str) -> Client:
        user = django_user_model.objects.create_user(kind, password=PASSWORD, is_staff=kind in ("curator", "clerk"))
        user.groups.set(Group.objects.filter(name=f"{kind.title()}s"))
        client = Client(raise_request_exception=False)
        client.force_login(user)
        return client

    return account


def header(page) -> str:
    return unescape(re.search(r"<header id=\"header\".*?</header>", page.text, re.S)[0])


def sections(page) -> list[str]:
    within = re.search(r'<nav class="sections".*?</nav>', header(page), re.S)
    return re.findall(r">(\w+)</a>", within[0]) if within else []


def current(page) -> list[str]:
    return re.findall(r'aria-current="\w+">(.*?)</a>', header(page))


def sign_in(client, name: str, address: str = "/sign-in/"):
    return client.post(address, {"username": name, "password": PASSWORD}, follow=True)


@pytest.mark.parametrize(
    ("kind", "shown", "start"),
    [
        ("curator", OF_ADMIN, "/admin/"),
        ("clerk", ["Datasets"], "/admin/"),
        ("analyst", ["Explore", "API"], "/explore/"),
        ("guest", ["API"], "/explore/"),
    ],
)
def test_an_account_sees_the_sections_that_it_may_open_and_starts_on_one(account, settings, kind, shown, start):
    settings.API_ANONYMOUS_READ = False
    client = account(kind)
    assert client.get("/")["Location"] == start
    page = client.get("/", follow=True)
    assert sections(page) == (shown if kind != "clerk" else ["Datasets", "API"])
    for address in re.findall(r'<a href="(/[^"]*)"', header(page)):
        assert client.get(address, follow=True).status_code == 200, address
    assert ('"/admin/' in page.text) == (kind in ("curator", "clerk"))


def test_each_page_marks_its_section(admin_client):
    pages = {
        "/admin/": ["Datasets"],
        "/admin/people/person/": ["Datasets"],
        "/explore/people/people/": ["Explore"],
        "/admin/imports/rejectedrow/": ["Imports"],
        "/admin/imports/edit/": ["Changes"],
        "/admin/curation/comment/": ["Changes"],
        "/api/docs/": ["API"],
        "/admin/auth/user/": ["Users"],
        "/admin/datasets/apitoken/add/": ["API tokens"],
        "/nothing/": [],
    }
    assert {address: current(admin_client.get(address, follow=True)) for address in pages} == pages


def test_an_anonymous_user_has_one_sign_in_page(client):
    for address in ("/", "/admin/people/person/1/", "/explore/people/people/", "/admin/login/?next=/admin/"):
        page = client.get(address, follow=True)
        assert page.redirect_chain[-1][0].startswith("/sign-in/") and "<h1>Sign in to Tabularium</h1>" in page.text
    assert "Sign in</a>" not in header(page) and "Sign in</a>" in header(client.get("/nothing/"))


def test_an_account_returns_to_its_page_after_the_sign_in_or_to_its_start_page(account, client):
    account("analyst")
    table = "/explore/people/places/"
    assert sign_in(client, "analyst", f"/sign-in/?next={table}").redirect_chain == [(table, 302)]
    for address in ("/admin/people/person/", "https://elsewhere.example.org/", ""):
        page = sign_in(Client(), "analyst", f"/sign-in/?next={address}")
        assert page.redirect_chain[:2] == [("/", 302), ("/explore/", 302)]


def test_the_sign_in_page_shows_an_account_that_the_admin_needs_another_one(account):
    client = account("analyst")
    page = client.get("/admin/people/person/", follow=True)
    assert "The account analyst does not have permission to open this page." in page.text
    assert 'name="password"' in page.text
    account("curator")
    assert sign_in(client, "curator", page.redirect_chain[-1][0]).request["PATH_INFO"] == "/admin/people/person/"
    assert client.get("/sign-in/?next=/admin/imports/importrun/")["Location"] == "/admin/imports/importrun/"


def test_every_account_signs_out_and_changes_its_password(account):
    client = account("analyst")
    assert "/change-password/" in header(client.get("/explore/", follow=True))
    changed = {"old_password": PASSWORD, "new_password1": "ten lives of a cat", "new_password2": "ten lives of a cat"}
    assert "Your password was changed." in client.post("/change-password/", changed, follow=True).text
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/change-password/")["Location"].startswith("/sign-in/")
    assert client.get("/admin/password_change/")["Location"] == "/change-password/"
    assert client.get("/sign-out/").status_code == client.get("/admin/logout/").status_code == 405


def test_the_side_bar_lists_the_tables_of_the_current_dataset(admin_client, account):
    bar = re.search(r'<nav id="side-bar".*?</nav>', admin_client.get("/admin/census/race/").text, re.S)[0]
    titles = re.findall(r'id="side-bar-\d">(.*?)<', bar)
    assert titles == ["Tables", "Vocabularies", "Summary tables"] and 'aria-current="page">Races' in bar
    assert bar.index("/admin/census/respondent/") < bar.index("Vocabularies") and "/admin/people/" not in bar
    run = ImportRun.objects.create(dataset="people", status=ImportRun.Status.FAILED)
    for address in (f"/admin/imports/importrun/{run.pk}/change/", "/admin/imports/rejectedrow/worklist/people/"):
        assert 'aria-label="Tables of People">' in admin_client.get(address).text
    dashboard = admin_client.get("/admin/")
    assert 'id="side-bar"' not in dashboard.text
    administration = header(dashboard).partition("Administration</h2>")[2]
    assert re.findall(r">([^<>]+)</a>", administration) == ["API tokens", "Groups", "Users", "Task Results"]
    assert 'id="side-bar"' not in admin_client.get("/admin/people/person/?_popup=1").text


def test_the_header_searches_the_list_of_the_page_in_the_admin_and_in_explore(admin_client):
    Place.objects.create(city="Kelso", county="Borders", country="Scotland")
    page = admin_client.get("/admin/people/place/?q=kelso&country=Scotland")
    assert 'value="kelso"' in header(page) and 'type="hidden" name="country" value="Scotland"' in header(page)
    assert "1 result." in page.text and page.text.count('id="searchbar"') == 1
    assert 'type="search"' not in header(admin_client.get("/admin/"))
    explored = admin_client.get("/explore/people/places/?search=kelso&country=Scotland")
    assert 'form="explore-form" name="search" value="kelso"' in header(explored)
    assert explored.text.count('id="searchbar"') == 1 and explored.text.count('name="search"') == 1
    chosen = admin_client.get("/admin/people/person/?_popup=1").text
    assert chosen.count('id="searchbar"') == 1


def raise_database_error(*args):
    raise DatabaseError("The connection is closed.")


def test_every_error_is_a_page_in_the_frame_with_a_link_to_continue(account, settings, monkeypatch):
    settings.API_ANONYMOUS_READ = False
    client = account("curator")
    strict = Client(enforce_csrf_checks=True)
    too_large = {"content_type": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(2**50)}
    errors = {
        400: client.get("/admin/", headers={"host": "elsewhere.example.org"}),
        403: account("clerk").get("/admin/people/person/"),
        404: client.get("/nothing/"),
        413: client.post("/sign-in/", b"", **too_large),
        414: client.get("/admin/?" + 8000 * "x"),
    }
    pages = [*errors.items(), (403, strict.post("/sign-in/", {}))]
    browser = {"accept": "text/html,*/*;q=0.8"}
    for address in ("/api/docs/", "/api/people/people/", "/api/imports/"):
        signed_out = Client().get(address, headers=browser)
        assert signed_out["WWW-Authenticate"] == "Bearer" and f"/sign-in/?next={address}" in signed_out.text
        pages.append((401, signed_out))
    assert Client().get("/api/imports/", headers={"accept": "*/*"})["Content-Type"] == "application/problem+json"
    with monkeypatch.context() as patch:
        patch.setattr(Person._default_manager.__class__, "get_queryset", lambda manager: 1 / 0)
        pages.append((500, client.get("/admin/people/person/")))
        assert sections(pages[-1][1]) == OF_ADMIN
        patch.setattr(navigation.Section, "paths", raise_database_error)
        pages.append((500, client.get("/admin/people/person/")))
    for status, page in pages:
        assert page.status_code == status and 'class="brand" href="/"' in header(page), status
        content = re.search(r'<div id="content-main".*?</div>', page.text, re.S)[0]
        assert re.search(r'<a class="button default" href="(/|/sign-in/[^"]*)">', content), status
