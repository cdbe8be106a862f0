"""The dashboard: a card for each dataset, limited to the user's permissions."""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.history import edits
from datasets import matviews
from datasets.records import pagination
from datasets.registry import dataset_apps
from imports.models import Edit, ImportRun, RejectedRow, SourceFile
from people.models import Person, Place
from subjects.models import Subject

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
Status = ImportRun.Status


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


@pytest.mark.both_engines
def test_every_dataset_has_a_card(admin_client):
    page = admin_client.get("/admin/").text
    for label, app in dataset_apps().items():
        shown = card(page, label)
        assert app.verbose_name in shown
        assert "No import has been applied yet." in shown
    assert "No open tasks." in page and "Recent activity" not in page


def tasks(page) -> list[str]:
    """Return the open tasks as text, each with its button and its address."""
    listed = re.search(r'<section class="tasks".*?</section>', page.text, re.S)
    rows = re.findall(r"<li.*?</li>", listed[0], re.S) if listed else []
    return [" ".join(re.sub(r'<a class="button" href="(.*?)".*?>|<.*?>', r" \1 ", row).split()) for row in rows]


def add_run(status, **fields):
    return ImportRun.objects.create(dataset="people", status=status, **fields)


def test_the_dashboard_lists_open_tasks_with_a_button_for_each(admin_client, admin_user):
    add_people("Scotland", 3)
    run = add_run(Status.APPLIED, started_by=admin_user)
    file = SourceFile.objects.create(
        run=run, source="people", name="p", original_name="p", sha256="0", size=1, rejected=2, kept=1
    )
    for identity in (b"1", b"2"):
        RejectedRow.objects.create(file=file, line=2, values={}, problems=[], identity=identity)
    previewed = add_run(Status.PREVIEWED, started_by=admin_user, task_id=uuid4())
    failed = add_run(Status.FAILED)
    page = admin_client.get("/admin/")
    started = [f"{one.started_at:%Y-%m-%d %H:%M}" for one in (previewed, failed)]
    of_run = "/admin/imports/importrun/{}/change/"
    waiting = [
        f"Run {previewed.pk} is ready to review by admin, {started[0]} {of_run.format(previewed.pk)} Review",
        f"Run {failed.pk} failed by the command line, {started[1]} {of_run.format(failed.pk)} Show reason",
        "2 open rejected rows /admin/imports/rejectedrow/worklist/people/ Fix",
        f"1 record kept although the file differs (run {run.pk}) {of_run.format(run.pk)}?tab=kept Compare",
    ]
    assert tasks(page) == [f"People {task}" for task in waiting]
    assert tasks(admin_client.get("/admin/people/")) == waiting and tasks(admin_client.get("/admin/census/")) == []
    assert all(admin_client.get(task.split()[-2]).status_code == 200 for task in waiting if "Show reason" not in task)
    shown = card(page.text, "people")
    assert '<a href="/admin/people/person/">People</a> <span class="amount">3</span>' in shown
    assert f"run {run.pk}</a>" in shown and f"by {admin_user}" in shown and "A person. The files have no id" in shown
    add_run(Status.PREVIEWED, task_id=uuid4())
    assert "failed" not in str(tasks(admin_client.get("/admin/")))


def test_each_task_and_event_needs_its_permission(client, staff, admin_user):
    for place in [Place.objects.create(city="Kelso", county="c", country="d")]:
        edits.correct(Place.objects.filter(pk=place.pk), {"county": "e"}, admin_user, reason="A typo")
    add_run(Status.FAILED, reason="Census of 1900")
    rejected = SourceFile.objects.create(
        run=add_run(Status.APPLIED),
        source="people",
        name="p",
        original_name="p",
        sha256="0",
        size=1,
        rejected=1,
        kept=1,
    )
    RejectedRow.objects.create(file=rejected, line=2, values={}, problems=[], identity=b"1")
    add_run(Status.PREVIEWED, task_id=uuid4())
    add_run(Status.FAILED)
    seen = {
        ("view_place",): ([], []),
        ("view_place", "view_importrun"): (["Show reason", "Compare"], ["Run"]),
        ("view_place", "view_importrun", "add_importrun"): (["Review", "Show reason", "Compare"], ["Run"]),
        ("view_place", "view_importrun", "view_rejectedrow"): (["Show reason", "Fix", "Compare"], ["Run"]),
        ("view_place", "view_edit"): ([], ["Edit"]),
        ("view_race", "view_importrun", "view_edit"): ([], []),
    }
    for permissions, (buttons, events) in seen.items():
        page = staff(*permissions).get("/admin/")
        assert [task.split("/")[-1].removeprefix("?tab=kept").strip() for task in tasks(page)] == buttons, permissions
        assert sorted(set(re.findall(r"<td>(?:<a[^>]*>)?(Run|Edit) \d", page.text))) == events, permissions
    assert "A typo" in (page := staff("view_person", "view_edit", "view_place").get("/admin/")).text
    assert "/admin/imports/edit/" in page.text.partition("<main")[2]


def test_an_outdated_preview_and_one_of_the_command_line_are_no_open_tasks(admin_client):
    add_run(Status.PREVIEWED, task_id=uuid4())
    add_run(Status.FAILED)
    add_run(Status.APPLIED)
    add_run(Status.PREVIEWED)
    assert tasks(admin_client.get("/admin/")) == []


@pytest.mark.both_engines
def test_a_large_table_has_an_estimated_count(admin_client, monkeypatch):
    add_people("Scotland", 30)
    monkeypatch.setattr(pagination, "COUNTED", 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    result = "about 30" if connection.vendor == "postgresql" else "30"
    assert f'<span class="amount">{result}</span>' in card(admin_client.get("/admin/").text, "people")
    assert f'<td class="number">{result}</td>' in admin_client.get("/admin/people/").text


@pytest.mark.both_engines
def test_the_chart_shows_the_view_and_as_of_when(admin_client):
    add_people("Scotland", 4)
    add_people("Wales <b>", 1)
    matviews.refresh("people")
    shown = card(admin_client.get("/admin/").text, "people")
    assert re.findall(r'"row">(.*?)</th>', shown) == ["Scotland", "Wales &lt;b&gt;"]
    assert re.findall(r'class="bar" width="([\d.]+)%"', shown) == ["100.0", "25.0"]
    title = 'href="/explore/people/births-by-country/chart/">Births by country</a></figcaption>'
    assert title in shown  # without a subtitle, which would say the same
    assert "As of <time" in shown and "has changed since then" not in shown


@pytest.mark.both_engines
def test_a_chart_with_colours_has_one_bar_for_each_x(admin_client):
    ages = [("2020-01-01", "Female"), ("2020-05-01", "Male"), ("2020-06-01", "Male"), ("2021-01-01", "Male")]
    Subject.objects.bulk_create(
        Subject(subject_id=str(n), date_of_birth=born, sex=sex) for n, (born, sex) in enumerate(ages)
    )
    matviews.refresh("subjects")
    shown = card(admin_client.get("/admin/").text, "subjects")
    assert re.findall(r'"row">(.*?)</th>.*?</svg></td><td>(.*?)</td>', shown) == [("2020", "3"), ("2021", "1")]
    assert '<span class="quiet">subjects by year</span>' in shown


def test_the_chart_shows_each_refresh(admin_client):
    add_people("Scotland", 1)
    matviews.refresh("people")
    assert "Scotland</th>" in admin_client.get("/admin/").text
    add_people("Wales", 1)
    matviews.refresh("people")
    assert "Wales</th>" in admin_client.get("/admin/").text


def test_a_card_needs_a_view_permission(client, django_user_model):
    user = django_user_model.objects.create_user("una", is_staff=True)
    client.force_login(user)
    assert 'class="card"' not in client.get("/admin/").text
    user.user_permissions.set(Group.objects.get(name="Analysts").permissions.filter(codename="view_person"))
    page = client.get("/admin/").text
    assert page.count('class="card"') == 1
    assert "Nothing was imported" not in page and "/admin/people/place/" not in page and "<figure" not in page
    assert "No open tasks" not in page and client.get("/admin/people/").text.count('<th scope="row">') == 1


def test_the_pages_take_as_many_queries_for_many_records_and_runs_as_for_few(admin_client, admin_user):
    def counted():
        result = []
        for address in ("/admin/", "/admin/people/"):
            with CaptureQueriesContext(connection) as captured:
                assert admin_client.get(address).status_code == 200
            result.append(len(captured))
        return result

    add_people("Scotland", 1)
    matviews.refresh()
    counted()
    of_one = counted()
    add_people("Wales", 300)
    for number in range(20):
        add_run(Status.PREVIEWED if number % 2 else Status.FAILED, task_id=uuid4(), started_by=admin_user)
        Edit.objects.create(dataset="people", action=Edit.Action.CORRECTED, user=admin_user)
    assert counted() == of_one and of_one[0] <= 35 and of_one[1] <= 20
