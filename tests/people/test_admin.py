"""How curators see people and places."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import matviews
from datasets.models import ImportRun, SourceFile
from people.models import Person, Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def places():
    return [
        Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland"),
        Place.objects.create(city="Derry", county="Derry", country="Northern Ireland"),
    ]


def add_people(places, count):
    Person.objects.bulk_create(
        Person(given_name=f"G{n}", family_name="Mac", date_of_birth=date(1850 + n % 90, 1, 1), place_of_birth=place)
        for n, place in ((n, places[n % 2]) for n in range(count))
    )


def queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_list_takes_as_many_queries_for_200_people_as_for_10(admin_client, places):
    add_people(places, 10)
    of_ten = queries(admin_client, "/admin/people/person/?all=")
    add_people(places, 190)
    assert queries(admin_client, "/admin/people/person/?all=") == of_ten


def test_people_are_searched_filtered_and_counted_by_country(admin_client, places):
    add_people(places, 7)
    page = admin_client.get("/admin/people/person/", {"q": "G3"})
    assert [person.given_name for person in page.context["cl"].result_list] == ["G3"]
    page = admin_client.get("/admin/people/person/", {"country_of_birth": "Scotland", "_facets": "True"})
    assert page.context["cl"].result_count == 4
    assert 'Northern Ireland <span class="facet">(3)</span>' in page.text


def test_people_are_narrowed_by_their_day_of_birth(admin_client, places):
    add_people(places, 7)
    born = {"date_of_birth__gte": "1853-01-01", "date_of_birth__lte": "1853-12-31"}
    page = admin_client.get("/admin/people/person/", born)
    assert [person.given_name for person in page.context["cl"].result_list] == ["G3"]


def test_a_person_tells_the_file_and_line_that_it_came_from(admin_client, places):
    run = ImportRun.objects.create(dataset="people", status=ImportRun.Status.LANDED)
    file = SourceFile.objects.create(run=run, source="people", name="people.csv", original_name="p", sha256="0", size=1)
    add_people(places, 1)
    Person.objects.update(created_in=file, created_line=12)
    person = Person.objects.get()
    page = admin_client.get(f"/admin/people/person/{person.pk}/change/")
    told = f'run {run.pk}</a>, from <a href="/admin/datasets/sourcefile/{file.pk}/change/">people.csv</a>, line 12.'
    assert told in page.text


def test_a_person_is_added_and_edited(admin_client, places):
    person = {"given_name": "Ann", "family_name": "Mac", "date_of_birth": "1901-02-03", "place_of_birth": places[0].pk}
    refused = admin_client.post("/admin/people/person/add/", person | {"date_of_birth": "2997-01-01"})
    assert refused.status_code == 200 and "Expected a day that has come" in refused.text
    assert admin_client.post("/admin/people/person/add/", person).status_code == 302
    ann = Person.objects.get()
    assert ann.created_in is None
    assert (
        admin_client.post(f"/admin/people/person/{ann.pk}/change/", person | {"given_name": "Anne"}).status_code == 302
    )
    assert Person.objects.get().given_name == "Anne"
    assert Person.objects.get().identity == ann.identity


def test_places_are_listed(admin_client, places):
    page = admin_client.get("/admin/people/place/", {"q": "Rox"})
    assert [place.city for place in page.context["cl"].result_list] == ["Kelso"]


def test_births_by_country_are_shown_and_cannot_be_edited(admin_client, places):
    add_people(places, 3)
    matviews.refresh("people")
    assert "Northern Ireland" in admin_client.get("/admin/people/birthsbycountry/").text
    assert admin_client.get("/admin/people/birthsbycountry/Scotland/change/").status_code == 200
    assert admin_client.post("/admin/people/birthsbycountry/Scotland/change/", {"births": 9}).status_code == 403
    assert admin_client.get("/admin/people/birthsbycountry/add/").status_code == 403
