"""Long lists of records: a page sorts keys first, and columns that are slow to sort by are marked."""

import re
from datetime import date

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from census.models import Respondent
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


@pytest.mark.parametrize("name", ["education", "workclass"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_large_list_has_the_order_of_the_names_of_terms(admin_client, respondent, monkeypatch, name, sign):
    levels, classes = ["Masters", "Bachelors", "HS-grad"], ["Private", None, "Local-gov", "Federal-gov"]
    Respondent.objects.bulk_create(
        respondent(education=levels[number % 3], workclass=classes[number % 4]) for number in range(120)
    )
    for setting, value in (("COUNTED", 60), ("LARGE", 50)):
        monkeypatch.setattr(pagination, setting, value)
    address = "/admin/census/respondent/"
    columns = admin_client.get(address).context["cl"].list_display
    page = admin_client.get(address, {"o": f"{sign}{columns.index(name)}", "p": "2"}).context["cl"]
    assert name in page.slow_columns
    assert list(page.result_list) == list(Respondent.objects.order_by(f"{sign}{name}__name", "pk")[50:100])
    listed = admin_client.get(f"/api/census/respondents/?ordering={sign}{name}&fields=id&page_size=120").json()
    last = {"nulls_last": True}
    names = F(f"{name}__name").desc(**last) if sign else F(f"{name}__name").asc(**last)
    keys = Respondent.objects.order_by(names, "pk").values_list("pk", flat=True)
    assert [record["id"] for record in listed["results"]] == list(keys)
