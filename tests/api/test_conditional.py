"""ETags change if, and only if, the response may have changed."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.history import edits, undo
from datasets import matviews
from datasets.models import Version
from imports.models import ImportRun
from people.models import Person, Place

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\nBob,Oak,1950-12-31,Derry\n"
LIST = "/api/people/people/"


@pytest.fixture
def folder(write, importing):
    folder = write("all/people.csv", PEOPLE).parent
    write("all/places.csv", PLACES)
    importing("people", folder)
    return folder


def tag(client, address=LIST, **headers):
    answer = client.get(address, headers=headers)
    answer.close()  # an unread stream would count towards the limit of concurrent streams
    assert answer.status_code == 200
    return answer["ETag"]


def test_a_current_etag_gets_304_without_reading_rows(client, folder, django_assert_num_queries):
    for address in [LIST, f"{LIST}{Person.objects.first().pk}/"]:
        known = tag(client, address)
        with django_assert_num_queries(1):
            answer = client.get(address, headers={"if-none-match": known})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", known)
        assert client.get(address, headers={"if-none-match": f'"x", {known}'}).status_code == 304
        assert client.get(address, headers={"if-none-match": "*"}).status_code == 304
        assert client.get(address, headers={"if-none-match": '"another"'}).status_code == 200
        assert client.get(address, headers={"if-none-match": "not a tag"}).status_code == 200


@pytest.mark.only_on("sqlite")
def test_an_etag_is_valid_for_one_url_only(client, folder):
    wrong = {"nonsense": "1", "page_size": "0", "cursor": "abc", "date_of_birth": "soon", "format": "xml"}
    for known in [tag(client), "*"]:
        for name, value in wrong.items():
            answer = client.get(LIST, {name: value}, headers={"if-none-match": known})
            assert answer.status_code == 400 and name in answer.json()["errors"]
        assert client.get(f"{LIST}999999/", headers={"if-none-match": known}).status_code == 404
        assert client.get(f"{LIST}summary/?by=nonsense", headers={"if-none-match": known}).status_code == 400


@pytest.mark.only_on("sqlite")
def test_an_etag_cannot_be_forged_without_the_key(client, folder, settings):
    before = tag(client)
    settings.SECRET_KEY = "another-" * 8
    assert tag(client) != before


@pytest.mark.only_on("sqlite")
def test_users_without_access_are_refused_first(client, folder, settings):
    for address in [LIST, f"{LIST}{Person.objects.first().pk}/", f"{LIST}summary/?by=country_of_birth"]:
        known = tag(client, address)
        settings.API_ANONYMOUS_READ = False
        assert client.get(address, headers={"if-none-match": known}).status_code == 401
        settings.API_ANONYMOUS_READ = True
        assert client.get(address, headers={"if-none-match": known}).status_code == 304


def test_only_imports_corrections_and_undo_change_the_etag(client, folder, write, importing, admin_user):
    seen = [tag(client)]
    importing("people", folder)  # nothing is new
    assert tag(client) == seen[0]
    importing("people", folder, "--dry-run")
    assert tag(client) == seen[0]
    importing("experiments", write("users.csv", "user_id,name,email,signup_date\n1,Ann,a@example.org,2023-01-01\n"))
    assert tag(client) == seen[0]

    write("all/people.csv", PEOPLE.replace("Bob", "Rob"))
    importing("people", folder)
    seen.append(tag(client))
    edits.correct(Person.objects.filter(given_name="Ann"), {"given_name": "Anne"}, admin_user)
    seen.append(tag(client))
    edit = edits.delete(Person.objects.filter(given_name="Rob"), admin_user)
    seen.append(tag(client))
    edits.restore(edit.changes.all(), Person, admin_user)
    seen.append(tag(client))
    Place.objects.get(city="Kelso").save()
    seen.append(tag(client))
    assert len(set(seen)) == len(seen)


def test_a_bulk_deletion_in_a_shell_changes_the_etag_once(client, folder):
    everybody = Person.objects.all()
    seen = [tag(client)]
    with CaptureQueriesContext(connection) as queries:
        everybody.delete()
    assert len([query for query in queries if 'UPDATE "versions"' in query["sql"]]) == 1
    seen.append(tag(client))
    Person(given_name="Eve", family_name="Ash", date_of_birth="1960-01-01", place_of_birth=Place.objects.first()).save()
    seen.append(tag(client))
    everybody.delete()
    seen.append(tag(client))
    Place.objects.filter(city="Kelso").first().delete()
    seen.append(tag(client))
    assert len(set(seen)) == len(seen)


def test_undoing_a_run_changes_the_etag(client, folder):
    before = tag(client)
    undo.undo_run(ImportRun.objects.get(), dry_run=True)
    assert tag(client) == before
    undo.undo_run(ImportRun.objects.get())
    assert tag(client) != before


def test_renaming_a_related_record_changes_the_etag(client, folder, admin_user):
    assert client.get(LIST).json()["results"][0]["place_of_birth"] == "Kelso"
    before = tag(client)
    edits.correct(Place.objects.filter(city="Kelso"), {"county": "Borders"}, admin_user)
    assert tag(client) != before
    assert client.get(LIST).json()["results"][0]["county_of_birth"] == "Borders"


def test_refreshing_a_materialized_view_changes_its_etag(client, folder, admin_user):
    address = "/api/people/births-by-country/"
    before = tag(client, address)
    edits.correct(Place.objects.filter(city="Kelso"), {"country": "Alba"}, admin_user)
    assert tag(client, address) == before
    assert "Alba" not in client.get(address).text
    matviews.refresh("people")
    assert tag(client, address) != before
    assert "Alba" in client.get(address).text


def test_a_summary_table_that_is_behind_says_as_of_when(client, folder, admin_user):
    address = "/api/people/births-by-country/"
    current = client.get(address)
    assert "Data-As-Of" not in current
    changed = Version.objects.get(pk="people").number
    edits.correct(Place.objects.filter(city="Kelso"), {"country": "Alba"}, admin_user)
    as_of = datetime.fromtimestamp(changed // 1_000_000, UTC).isoformat()
    for suffix in ("", "Scotland/", "summary/?by=country", "?format=csv"):
        assert client.get(f"{address}{suffix}")["Data-As-Of"] == as_of
    again = client.get(address, headers={"If-None-Match": current["ETag"]})
    assert (again.status_code, again["Data-As-Of"]) == (304, as_of)
    assert "Data-As-Of" not in client.get(LIST)
    call_command("worker", batch=True)
    again = client.get(address, headers={"If-None-Match": current["ETag"]})
    assert again.status_code == 200 and "Data-As-Of" not in again


@pytest.mark.only_on("sqlite")
def test_each_url_and_format_has_its_own_etag(client, folder):
    addresses = [LIST, f"{LIST}?page_size=2", f"{LIST}?fields=id", "/api/people/places/", f"{LIST}?format=csv"]
    assert len({tag(client, address) for address in addresses}) == len(addresses)
    assert tag(client, LIST, accept="text/csv") != tag(client, LIST)


@pytest.mark.only_on("sqlite")
def test_users_with_more_permissions_have_another_etag_and_a_private_cache(client, write, importing, django_user_model):
    importing("experiments", write("users.csv", "user_id,name,email,signup_date\n1,Ann,a@example.org,2023-01-01\n"))
    address = "/api/experiments/users/"
    anonymous = client.get(address)
    assert anonymous["Cache-Control"] == "public, no-cache"
    assert {"Accept", "Authorization", "Cookie"} <= {name.strip() for name in anonymous["Vary"].split(",")}
    reader = django_user_model.objects.create_user("reader")
    client.force_login(reader)
    plain = client.get(address)
    assert plain["Cache-Control"] == "private, no-cache"
    reader.user_permissions.add(Permission.objects.get(codename="view_email"))
    assert client.get(address)["ETag"] != plain["ETag"] == anonymous["ETag"]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("suffix", ["", "1/", "?format=csv", "?format=ndjson", "?fields=email", "summary/?by=name"])
def test_nobody_keeps_personal_data(client, write, importing, django_user_model, suffix):
    importing("experiments", write("users.csv", "user_id,name,email,signup_date\n1,Ann,a@example.org,2023-01-01\n"))
    reader = django_user_model.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_email"))
    client.force_login(reader)
    first = client.get(f"/api/experiments/users/{suffix}")
    assert first.status_code == 200 and first["Cache-Control"] == "private, no-store"
    again = client.get(f"/api/experiments/users/{suffix}", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and again["Cache-Control"] == "private, no-store"


@pytest.mark.only_on("sqlite")
def test_charts_and_pages_with_personal_data_are_not_cached(admin_client, write, importing):
    importing("experiments", write("users.csv", "user_id,name,email,signup_date\n1,Ann,a@example.org,2023-01-01\n"))
    for suffix in ("", "chart/", "chart.json", "chart.csv", "chart.svg", "export/", "export/file/?format=csv"):
        answer = admin_client.get(f"/explore/experiments/users/{suffix}", follow=True)
        assert "no-store" in answer["Cache-Control"], (suffix, answer.status_code)
    assert "no-store" in admin_client.get("/admin/experiments/user/")["Cache-Control"]


@pytest.mark.only_on("sqlite")
def test_errors_are_not_cached(client, db):
    assert client.get(f"{LIST}?nonsense=1")["Cache-Control"] == "no-store"
