"""Counts of lists of records and of the choices of their filters: exact, bounded and estimated."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets.records import facets, pagination
from experiments.models import Compound, User, UserExperiment
from people.models import Place
from subjects.models import Subject

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/people/person/"


def test_counts_of_choices_are_shown_on_request_without_their_own_filter(admin_client, add, kelso):
    cork = Place.objects.create(city="Cork", county="Cork", country="Ireland")
    add("Ann", "Bob")
    add("Cat", place=cork)
    page = admin_client.get(PEOPLE, {"_facets": "True", "country_of_birth": "Ireland"}).text
    assert 'Scotland <span class="facet">(2)</span>' in page
    assert 'Ireland <span class="facet">(1)</span>' in page
    assert 'Roxburghshire <span class="facet">(0)</span>' in page
    assert "facet" not in admin_client.get(PEOPLE).text.replace("_facets", "")


def bound(monkeypatch, exact):
    """Count 60 records at most in a page, and *exact* records on request."""
    for module in (pagination, facets):
        monkeypatch.setattr(module, "COUNTED", 60)
        monkeypatch.setattr(module, "EXACT", exact)


def test_counts_of_a_large_list_are_marked_as_bounded(admin_client, add, monkeypatch):
    bound(monkeypatch, exact=150)
    add(*(f"n{number}" for number in range(200)))
    page = admin_client.get(PEOPLE, {"_facets": "True", "family_name": "Mac"}).text
    assert ">More than 60</span> people" in page
    assert "Select all people: more than 60</a>" in page
    assert 'Scotland <span class="facet">(60+)</span>' in page and "Counts marked “+”" in page


def test_counts_of_a_list_are_exact_up_to_a_limit(admin_client, add, kelso, monkeypatch):
    bound(monkeypatch, exact=300)
    add(*(f"n{number}" for number in range(200)))
    page = admin_client.get(PEOPLE, {"_facets": "True", "family_name": "Mac"}).text
    assert 'id="count-country_of_birth-0"' in page and 'Scotland <span class="facet">(60+)</span>' in page
    [count, counts] = re.findall(r'data-counts?="([^"]*)"', page)
    assert admin_client.get(count).text == "200"
    explored = admin_client.get("/explore/people/people/?family_name=Mac").text
    assert 'id="count-country_of_birth-0">60+</span>' in explored
    assert [link for link in re.findall(r'hx-get="([^"]*)"', explored) if "/people/count" in link] == [count, counts]
    replaced = admin_client.get(counts).text
    assert '<span id="count-country_of_birth-0" hx-swap-oob="innerHTML">200</span>' in replaced
    assert 'id="partial-counts" hx-swap-oob="delete"' in replaced
    bound(monkeypatch, exact=150)
    assert admin_client.get(count).text == "more than 150"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL takes its time to count a whole table")
def test_a_large_table_on_sqlite_is_counted_and_has_all_pages(admin_client, add, monkeypatch):
    bound(monkeypatch, exact=150)
    add(*(f"n{number}" for number in range(200)))
    page = admin_client.get(PEOPLE, {"p": "4", "_facets": "True"})
    assert "200 people" in page.text and "The pages list only the first" not in page.text
    assert len(page.context["cl"].result_list) == 50
    assert 'Scotland <span class="facet">(60+)</span>' in page.text and "Counts marked “+”" in page.text


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no statistics")
def test_counts_of_a_large_table_are_marked_as_estimates(admin_client, monkeypatch):
    bound(monkeypatch, exact=150)
    Subject.objects.bulk_create(Subject(subject_id=str(number), sex="Male") for number in range(200))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subjects")
    page = admin_client.get("/admin/subjects/subject/", {"_facets": "True"}).text
    assert ">About 200</span> subjects" in page
    assert 'Male <span class="facet">(about 200)</span>' in page
    assert 'Female <span class="facet">(few)</span>' in page


def test_compounds_are_counted_with_one_query(admin_client):
    User.objects.create(user_id=1, name="Alice", email="a@example.com", signup_date=date(2023, 1, 1))
    compounds = [Compound.objects.create(compound_id=n, compound_name=f"C{n}", compound_structure="C") for n in (1, 2)]
    for number in range(5):
        made = UserExperiment.objects.create(experiment_id=number, user_id=1, experiment_run_time=1)
        made.compounds.set(compounds[: 1 + number % 2])
    page = admin_client.get("/admin/experiments/userexperiment/", {"_facets": "True"}).text
    assert 'C1 <span class="facet">(5)</span>' in page
    assert 'C2 <span class="facet">(2)</span>' in page


@pytest.mark.parametrize(
    ("query", "queries"),
    [({}, 12), ({"_facets": "True"}, 13), ({"country_of_birth": "Scotland", "_facets": "True"}, 14), ({"q": "n1"}, 13)],
)
def test_a_list_takes_as_many_queries_for_3000_records_as_for_300(admin_client, add, query, queries, monkeypatch):
    def counted():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(PEOPLE, query).status_code == 200
        return len(captured)

    add(*(f"n1{number}" for number in range(300)))
    counted()
    of_300 = counted()
    add(*(f"n1{number}" for number in range(2700)))
    assert (counted(), of_300) == (of_300, queries)
    for module in (pagination, facets):
        monkeypatch.setattr(module, "COUNTED", 500)  # as for a table that is too large to count
    # the size of the table of a long list, and of a long list itself for exact counts
    assert counted() <= of_300 + ("country_of_birth" in query or "q" in query) + ("_facets" in query)
