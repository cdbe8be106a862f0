"""The page of a record: its neighbors in the list, its events and comments, and its fields."""

import re
from datetime import date
from html import unescape
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from census.models import Respondent
from curation.admin import neighbors
from people.models import Person, Place
from subjects.models import Subject

pytestmark = pytest.mark.only_on("sqlite")

PLACES = (
    "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Cambs,Ulster\nEly,Cambs,England\nCork,Avon,Munster\n"
    "Bath,Avon,England\n"
)
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"


@pytest.fixture(autouse=True)
def time_enough(monkeypatch):
    monkeypatch.setattr(neighbors, "SECONDS", 60)


@pytest.fixture
def places(bring):
    bring("people", places=PLACES, people=PEOPLE)
    return dict(Place.objects.order_by("pk").values_list("city", "pk"))


def walk(client, places, start, parameters):
    """Follow the links "Next" from a city to the end; return the cities, and the one before each of them."""
    address = f"/admin/people/place/{places[start]}/change/" + (
        f"?_changelist_filters={parameters}" if parameters else ""
    )
    names, cities, before = {pk: city for city, pk in places.items()}, [], []

    def city(address):
        return names[int(re.search(r"/place/(\d+)/", address)[1])]

    while address and len(cities) <= len(places):
        cities.append(city(address))
        links = {
            rel: unescape(to) for to, rel in re.findall(r'<a href="([^"]+)" rel="(\w+)">', client.get(address).text)
        }
        before.append("prev" in links and city(links["prev"]))
        address = links.get("next")
    return cities, before


@pytest.mark.both_engines
@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "o=1",
        "o=-1",
        "o=2",
        "o=-2.1",
        "country=England%26o=-1",
        "q=e",
        "corrected=maybe",
        "o=2%26city__in=Ely,Bath,Cork",
    ],
)
def test_previous_and_next_follow_the_list_that_led_to_the_record(admin_client, places, parameters):
    query = unescape(parameters).replace("%26", "&")
    listed = admin_client.get(f"/admin/people/place/?{query}").context["cl"]
    cities = [place.city for place in listed.result_list] if "maybe" not in query else list(places)
    assert len(cities) > 1
    assert walk(admin_client, places, cities[0], parameters) == (cities, [False, *cities[:-1]])


@pytest.mark.both_engines
@pytest.mark.parametrize("parameters", ["o=2", "o=-2", "o=3.2"])
def test_records_without_a_value_have_neighbors_as_in_the_list(admin_client, parameters):
    days = {"a": None, "b": date(2001, 1, 1), "c": None, "d": date(2000, 1, 1)}
    for key, day in days.items():
        Subject.objects.create(subject_id=key, date_of_birth=day, species=None if key == "b" else "Mus musculus")
    listed = admin_client.get(f"/admin/subjects/subject/?{parameters}").context["cl"].result_list
    keys = [subject.pk for subject in listed]
    for before, after in pairwise(keys):
        pages = (f"/admin/subjects/subject/{key}/change/?_changelist_filters={parameters}" for key in (before, after))
        texts = [unescape(admin_client.get(page).text) for page in pages]
        assert re.search(rf'/subject/{after}/change/[^"]*" rel="next"', texts[0]), (before, after)
        assert re.search(rf'/subject/{before}/change/[^"]*" rel="prev"', texts[1]), (before, after)


def test_the_page_says_if_its_neighbors_do_not_follow_the_list(admin_client, places, monkeypatch):
    monkeypatch.setattr(neighbors, "_is_short", lambda model: False)
    for order, is_indexed in (("1", True), ("2", False)):
        page = admin_client.get(f"/admin/people/place/{places['Ely']}/change/?_changelist_filters=o={order}").text
        assert (neighbors.NOTE in page) is not is_indexed and 'rel="next"' in page


@pytest.mark.parametrize("order", ["2" + ".2" * 5, "2" + ".2" * 3000, "x"])
def test_the_order_of_the_list_has_few_columns(admin_client, places, order):
    answer = admin_client.get(f"/admin/people/place/{places['Ely']}/change/?_changelist_filters=o={order}")
    assert answer.status_code == 400 and "_changelist_filters: Expected the numbers of at most 5 columns" in unescape(
        answer.text
    )


@pytest.mark.both_engines
def test_neighbors_are_found_by_the_index_of_the_key(admin_client, places):
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(f"/admin/people/place/{places['Ely']}/change/")
    [following] = [query["sql"] for query in captured if '"id" >= ' in query["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{following}")
        plan = str(cursor.fetchall())
    assert "places_pkey" in plan or "INTEGER PRIMARY KEY" in plan, plan


def test_comments_and_events_are_beside_the_form(admin_client, places):
    address = f"/admin/people/place/{places['Ely']}/change/"
    page = admin_client.get(address).text
    assert "Last imported change" in page and "Show all changes" in page
    answer = admin_client.post(f"{address[:-7]}comment/", {"text": "Ask the archive", "from": "form"})
    assert answer.status_code == 302 and answer.url == address
    side = admin_client.get(address).text.partition('<aside class="record-side"')[2]
    assert "Ask the archive" in side


def test_references_have_no_icons_to_edit_add_or_delete(admin_client, bring, write, importing):
    bring("people", places=PLACES, people=PEOPLE)
    row = "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, 2174, 0, 40,"
    importing("census", write("adult.data", f"{row} United-States, <=50K\n"))
    for record in (Person.objects.get(), Respondent.objects.get()):
        page = admin_client.get(f"/admin/{record._meta.app_label}/{record._meta.model_name}/{record.pk}/change/").text
        assert "record-row" in page and not re.search(r"(add|change|delete)-related", page)
    assert "related-widget-wrapper" not in page  # of a vocabulary


def test_leaving_is_guarded_only_for_users_who_may_save(admin_client, staff, places):
    address = f"/admin/people/place/{places['Ely']}/change/"
    assert "curation/unsaved.js" in admin_client.get(address).text
    assert "curation/unsaved.js" not in staff("view_place").get(address).text


def test_the_form_of_a_new_record_has_no_events_and_no_origins(admin_client):
    for address in ("/admin/people/place/add/", "/admin/census/country/add/?_changelist_filters=_facets%3DTrue"):
        page = admin_client.get(address).text
        assert "record-row" in page and "Last events" not in page and ">Origin<" not in page
