"""Long lists of records: a page sorts keys first, and columns that are slow to sort by are marked."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets.records import pagination
from people.models import Person, Place

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/people/person/"


@pytest.fixture
def people():
    """140 people: two days of birth, and names in the reverse order of their keys for each day."""
    kelso = Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    Person.objects.bulk_create(
        Person(given_name=f"n{139 - number:03}", family_name="Mac", date_of_birth=born, place_of_birth=kelso)
        for number in range(140)
        for born in [date(1900 + number % 2, 1, 1)]
    )


@pytest.mark.parametrize("order", ["1", "-3.1", "4"])
def test_a_page_sorts_keys_and_then_reads_its_records(admin_client, people, order):
    with CaptureQueriesContext(connection) as captured:
        shown = list(admin_client.get(PEOPLE, {"o": order, "p": "2"}).context["cl"].result_list)
    names = {"1": ("given_name", "pk"), "-3.1": ("-date_of_birth", "given_name", "pk"), "4": ("pk",)}[order]
    assert shown == list(Person.objects.order_by(*names)[50:100])
    (page,) = [query["sql"] for query in captured if "OFFSET 50" in query["sql"]]
    keys = page.partition(" IN (")[2]
    assert "OFFSET 50" in keys and "given_name" not in keys.partition("FROM")[0]


def test_columns_without_an_index_are_marked_in_a_large_list(admin_client, people, monkeypatch):
    def marked(address, column):
        page = admin_client.get(address).text
        names = re.findall(rf'<th scope="col" class="[^"]*{column}-(\w+)">(.*?)</th>', page, re.S)
        return {name for name, header in names if "slow for this size" in header}

    assert marked(PEOPLE, "column") == set()
    monkeypatch.setattr(pagination, "COUNTED", 60)
    monkeypatch.setattr(pagination, "LARGE", 50)
    assert marked(PEOPLE, "column") == {"given_name", "place_of_birth"}
    assert marked(f"{PEOPLE}?given_name=n001", "column") == set()
    page = admin_client.get("/explore/people/people/").text
    heads = re.findall(r'id="sort-(\w+)">(.*?)</th>', page, re.S)
    slow = {name for name, head in heads if "slow for this size" in head}
    assert slow >= {"given_name", "place_of_birth", "county_of_birth"} and not slow & {"family_name", "date_of_birth"}
