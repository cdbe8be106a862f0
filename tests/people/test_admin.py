"""Admin pages of people and places."""

import html
import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import matviews
from imports.models import ImportRun, SourceFile
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


@pytest.mark.only_on("sqlite")
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


def test_people_are_filtered_by_date_of_birth(admin_client, places):
    add_people(places, 7)
    born = {"date_of_birth__gte": "1853-01-01", "date_of_birth__lte": "1853-12-31"}
    page = admin_client.get("/admin/people/person/", born)
    assert [person.given_name for person in page.context["cl"].result_list] == ["G3"]


def steps(page):
    """The links of the date hierarchy: titles and addresses."""
    shown = page.text.partition('<nav class="toplinks">')[2].partition("</nav>")[0]
    return {title: html.unescape(address) for address, title in re.findall(r'<a href="([^"]+)">([^<]+)</a>', shown)}


def test_the_date_hierarchy_has_decades_years_months_and_days(admin_client, places):
    add_people(places, 60)  # one person per year of birth from 1850
    born = {"date_of_birth": date(1903, 12, 24), "place_of_birth": places[0]}
    Person.objects.create(given_name="Eve", family_name="Mac", **born)
    address = "/admin/people/person/"
    query = "?country_of_birth=Scotland&q=Mac"
    for title, count in [("1900s", 6), ("1903", 1), ("December 1903", 1), ("December 24", 1)]:
        page = admin_client.get(address + query)
        query = steps(page)[title]
        assert admin_client.get(address + query).context["cl"].result_count == count, title
    last = admin_client.get(address + query)
    assert steps(last) == {}
    assert [person.given_name for person in last.context["cl"].result_list] == ["Eve"]
    assert '<a href="?country_of_birth=Scotland&amp;q=Mac" class="date-back">' in last.text


def test_the_date_hierarchy_follows_the_filters(admin_client, places):
    assert "toplinks" not in admin_client.get("/admin/people/person/").text  # there are no people yet
    add_people(places, 60)
    everything = admin_client.get("/admin/people/person/")
    assert list(steps(everything)) == ["1850s", "1860s", "1870s", "1880s", "1890s", "1900s"]
    page = admin_client.get("/admin/people/person/?date_of_birth__gte=1860-05-05&date_of_birth__lte=1863-01-01")
    assert list(steps(page)) == ["1860", "1861", "1862", "1863"]
    page = admin_client.get("/admin/people/person/?date_of_birth__gte=soon")
    assert page.status_code == 400 and "date-back" not in page.text


@pytest.mark.only_on("sqlite")
def test_a_person_shows_its_file_and_line(admin_client, places):
    run = ImportRun.objects.create(dataset="people", status=ImportRun.Status.APPLIED)
    file = SourceFile.objects.create(run=run, source="people", name="people.csv", original_name="p", sha256="0", size=1)
    add_people(places, 1)
    Person.objects.update(created_in=file, created_line=12)
    person = Person.objects.get()
    page = admin_client.get(f"/admin/people/person/{person.pk}/change/")
    source = f'<a href="/admin/imports/sourcefile/{file.pk}/change/">people.csv</a>, line 12'
    origin = f'{source} (<a href="/admin/imports/importrun/{run.pk}/change/">run {run.pk}</a>)'
    assert origin in page.text


def test_a_person_is_added_and_edited(admin_client, places):
    person = {"given_name": "Ann", "family_name": "Mac", "date_of_birth": "1901-02-03", "place_of_birth": places[0].pk}
    refused = admin_client.post("/admin/people/person/add/", person | {"date_of_birth": "2997-01-01"})
    assert refused.status_code == 200 and "Expected a date that is not in the future" in refused.text
    assert admin_client.post("/admin/people/person/add/", person).status_code == 302
    ann = Person.objects.get()
    assert ann.created_in is None
    assert (
        admin_client.post(f"/admin/people/person/{ann.pk}/change/", person | {"given_name": "Anne"}).status_code == 302
    )
    assert Person.objects.get().given_name == "Anne"
    assert Person.objects.get().identity == ann.identity


@pytest.mark.only_on("sqlite")
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
