"""The dashboard: a card for each dataset, limited to the user's permissions."""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import matviews
from datasets.records import pagination
from datasets.registry import dataset_apps
from imports.models import ImportRun, RejectedRow, SourceFile
from people.models import Person, Place

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()


def card(page, label):
    return re.search(rf'<section class="card" aria-labelledby="card-{label}">.*?</section>', page, re.S)[0]


def add_people(country, count):
    place = Place.objects.create(city=f"a city of {country}", county="c", country=country)
    Person.objects.bulk_create(
        Person(given_name="Ann", family_name="Mac", date_of_birth="1900-01-01", place_of_birth=place)
        for _ in range(count)
    )


def test_every_dataset_has_a_card(admin_client):
    page = admin_client.get("/admin/").text
    for label, app in dataset_apps().items():
        shown = card(page, label)
        assert app.verbose_name in shown
        assert "Never imported." in shown


def test_a_card_shows_record_counts_the_last_import_and_open_tasks(admin_client, admin_user):
    add_people("Scotland", 3)
    run = ImportRun.objects.create(dataset="people", status=ImportRun.Status.APPLIED, started_by=admin_user)
    file = SourceFile.objects.create(
        run=run, source="people", name="p", original_name="p", sha256="0", size=1, rejected=2, kept=1
    )
    for identity in (b"1", b"2"):
        RejectedRow.objects.create(file=file, line=2, values={}, problems=[], identity=identity)
    previewed = ImportRun.objects.create(
        dataset="people", status=ImportRun.Status.PREVIEWED, started_by=admin_user, task_id=uuid4()
    )
    shown = card(admin_client.get("/admin/").text, "people")
    assert '<a href="/admin/people/person/">3</a>' in shown
    assert f"Run {previewed.pk}</a>" in shown and 'previewed">previewed' in shown
    assert f"by {admin_user}" in shown
    assert f"Run {previewed.pk} is ready to review" in shown
    assert '<a href="/admin/imports/rejectedrow/worklist/people/">2 open rejected rows</a>' in shown
    assert f"1 record kept although the file differs (run {run.pk})" in shown
    assert "is ready to review" not in card(admin_client.get("/admin/").text, "census")


def test_an_outdated_preview_is_not_an_open_task(admin_client):
    ImportRun.objects.create(dataset="people", status=ImportRun.Status.PREVIEWED)
    ImportRun.objects.create(dataset="people", status=ImportRun.Status.APPLIED)
    assert "is ready to review" not in card(admin_client.get("/admin/").text, "people")


def test_a_large_table_has_an_estimated_count(admin_client, monkeypatch):
    add_people("Scotland", 30)
    monkeypatch.setattr(pagination, "COUNTED", 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    result = "about 30" if connection.vendor == "postgresql" else "30"
    assert f'<a href="/admin/people/person/">{result}</a>' in card(admin_client.get("/admin/").text, "people")


def test_the_chart_shows_the_view_and_as_of_when(admin_client):
    add_people("Scotland", 4)
    add_people("Wales <b>", 1)
    matviews.refresh("people")
    shown = card(admin_client.get("/admin/").text, "people")
    assert "<title" in shown and "Scotland: 4; Wales &lt;b&gt;: 1" in shown
    assert re.findall(r'class="bar" width="([\d.]+)"', shown) == ["100.0", "25.0"]
    assert "As of <time" in shown and "has changed since then" not in shown


def test_the_chart_shows_each_refresh(admin_client):
    add_people("Scotland", 1)
    matviews.refresh("people")
    assert "Scotland: 1" in admin_client.get("/admin/").text
    add_people("Wales", 1)
    matviews.refresh("people")
    assert "Wales: 1" in admin_client.get("/admin/").text


def test_a_card_needs_a_view_permission(client, django_user_model):
    user = django_user_model.objects.create_user("una", is_staff=True)
    client.force_login(user)
    assert 'class="card"' not in client.get("/admin/").text
    user.user_permissions.set(Group.objects.get(name="Analysts").permissions.filter(codename="view_person"))
    page = client.get("/admin/").text
    assert page.count('class="card"') == 1
    assert "Never imported" not in page and "/admin/people/place/" not in page and "<svg class" not in page


def test_the_front_page_takes_as_many_queries_for_many_records_as_for_few(admin_client):
    def counted():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get("/admin/").status_code == 200
        return len(captured)

    add_people("Scotland", 1)
    matviews.refresh()
    counted()
    of_one = counted()
    add_people("Wales", 300)
    assert counted() == of_one <= 35
