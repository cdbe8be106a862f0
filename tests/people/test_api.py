"""API of people and places."""

from datetime import date

import pytest

from datasets import matviews
from imports.models import ImportRun, SourceFile
from people.models import Person, Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def kelso():
    return Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")


def ann_of(place, **fields):
    return Person.objects.create(
        given_name="Ann", family_name="Mac", date_of_birth=date(1901, 2, 3), place_of_birth=place, **fields
    )


def test_a_person_is_read_with_place_and_provenance(client, kelso):
    run = ImportRun.objects.create(dataset="people", status=ImportRun.Status.APPLIED)
    file = SourceFile.objects.create(run=run, source="people", name="people.csv", original_name="p", sha256="0", size=1)
    ann = ann_of(kelso, created_in=file, created_line=12)
    expected = {
        "id": ann.pk,
        "given_name": "Ann",
        "family_name": "Mac",
        "date_of_birth": "1901-02-03",
        "place_of_birth_id": kelso.pk,
        "place_of_birth": "Kelso",
        "county_of_birth": "Roxburghshire",
        "country_of_birth": "Scotland",
        "created_in_run": run.pk,
        "created_in_file": "people.csv",
        "created_line": 12,
        "changed_in_run": None,
        "changed_in_file": None,
        "changed_line": None,
    }
    assert client.get("/api/people/people/").json() == {"next": None, "previous": None, "results": [expected]}
    assert client.get(f"/api/people/people/{ann.pk}/").json() == expected


def test_a_person_is_found_by_country_place_and_day(client, kelso):
    ann = ann_of(kelso)
    derry = Place.objects.create(city="Derry", county="Derry", country="Northern Ireland")
    Person.objects.create(given_name="Bob", family_name="Mac", date_of_birth=date(1950, 1, 1), place_of_birth=derry)
    for query in [
        {"country_of_birth": "Scotland"},
        {"place_of_birth": "Kelso"},
        {"place_of_birth_id": kelso.pk},
        {"date_of_birth__lte": "1949-12-31"},
        {"given_name__icontains": "ann"},
        {"given_name__in": "Ann,Cat"},
    ]:
        assert [row["id"] for row in client.get("/api/people/people/", query).json()["results"]] == [ann.pk], query


def test_the_list_takes_as_many_queries_however_many_people(client, kelso, django_assert_num_queries):
    for _ in range(3):
        ann_of(kelso)
    client.get("/api/people/people/")
    with django_assert_num_queries(2):  # the version and the rows
        client.get("/api/people/people/")


def test_places_and_births_by_country_are_read(client, kelso):
    ann_of(kelso)
    matviews.refresh("people")
    [place] = client.get("/api/people/places/").json()["results"]
    assert (place["city"], place["county"], place["country"]) == ("Kelso", "Roxburghshire", "Scotland")
    assert client.get("/api/people/births-by-country/").json()["results"] == [{"country": "Scotland", "births": 1}]
    assert client.get("/api/people/births-by-country/Scotland/").json() == {"country": "Scotland", "births": 1}


def test_a_place_has_the_files_that_created_and_changed_it(client):
    for number in (3, 4):
        run = ImportRun.objects.create(pk=number, dataset="people", status=ImportRun.Status.APPLIED)
        SourceFile.objects.create(
            pk=number, run=run, source="places", name=f"places-{number}.csv", original_name="p", sha256="0", size=1
        )
    Place.objects.create(pk=70, city="Kelso", county="Roxburghshire", country="Scotland")
    Place.objects.create(
        pk=71,
        city="Derry",
        county="Londonderry",
        country="Northern Ireland",
        created_in_id=3,
        created_line=2,
        changed_in_id=4,
        changed_line=5,
    )
    derry = {
        "id": 71,
        "city": "Derry",
        "county": "Londonderry",
        "country": "Northern Ireland",
        "created_in_run": 3,
        "created_in_file": "places-3.csv",
        "created_line": 2,
        "changed_in_run": 4,
        "changed_in_file": "places-4.csv",
        "changed_line": 5,
    }
    [first, second] = client.get("/api/people/places/").json()["results"]
    assert (first["id"], first["city"], second) == (70, "Kelso", derry)
    assert client.get("/api/people/places/71/").json() == derry
