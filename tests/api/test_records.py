"""Guarantees of every list of the API: pagination, errors, and read-only access."""

from datetime import date

import pytest
from django.apps import apps

from api.router import router
from api.viewsets import RecordViewSet
from datasets.models import MaterializedView, Record, Vocabulary
from experiments.models import User
from people.models import Place

pytestmark = pytest.mark.django_db


def add_users(count):
    User.objects.bulk_create(
        User(user_id=n, name=f"U{n}", email="u@example.com", signup_date=date(2023, 1, 1)) for n in range(1, count + 1)
    )


def test_every_table_and_view_of_every_dataset_is_served(client):
    index = client.get("/api/").json()  # loads the URLs, with which each dataset registers its tables
    served = {viewset.model for _, viewset, _ in router.registry if issubclass(viewset, RecordViewSet)}
    assert served == {model for model in apps.get_models() if issubclass(model, Record | Vocabulary | MaterializedView)}
    for prefix in (prefix for prefix, viewset, _ in router.registry if issubclass(viewset, RecordViewSet)):
        assert client.get(f"/api/{prefix}/").status_code == 200
    assert index.keys() == {prefix for prefix, _, _ in router.registry}
    assert index["people/births-by-country"].endswith("/api/people/births-by-country/")


def test_next_and_previous_links_match(client):
    add_users(250)
    pages, address = [], "/api/experiments/users/"
    while address:
        page = client.get(address).json()
        pages.append([row["user_id"] for row in page["results"]])
        address, back = page["next"], page["previous"]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [key for page in pages for key in page] == list(range(1, 251))
    assert [row["user_id"] for row in client.get(back).json()["results"]] == pages[1]


def test_a_page_has_at_most_1000_rows(client):
    add_users(1001)
    assert len(client.get("/api/experiments/users/?page_size=7").json()["results"]) == 7
    assert len(client.get("/api/experiments/users/?page_size=1000").json()["results"]) == 1000
    assert client.get("/api/experiments/users/?page_size=1001").status_code == 400


def test_pages_of_texts_follow_each_other(client):
    for city in ["Ängelholm", "ไทย", "a&b=c", "Zürich"]:
        Place.objects.create(city=city, county="-", country=f"Land of {city}")
    first = client.get("/api/people/places/?page_size=3").json()
    second = client.get(first["next"]).json()
    assert [row["city"] for row in first["results"] + second["results"]] == ["Ängelholm", "ไทย", "a&b=c", "Zürich"]


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("agee=39", "agee", "Unknown parameter. Did you mean age?"),
        ("zzz=1", "zzz", "Unknown parameter."),
        ("education_year__gte=3", "education_year__gte", "Did you mean education_years__gte?"),
        ("age=", "age", "Expected a value, found none."),
        ("age=1&age=2", "age", "Expected once, found 2 times. To match one of several values, use age__in."),
        ("age=old", "age", "Expected a whole number, found old."),
        ("age=39.5", "age", "Expected a whole number, found 39.5."),
        ("age__in=39,x", "age__in", "Expected a whole number, found x."),
        ("age__in=99999999999999999999", "age__in", "Expected a whole number of 9223372036854775807 or less, found"),
        ("sex=F", "sex", "Expected one of Female, Male; found F."),
        ("income_over_50k=maybe", "income_over_50k", "Expected true or false, found maybe."),
        ("education=%00", "education", "Null characters are not allowed."),
        ("page_size=0", "page_size", "Expected a whole number between 1 and 1000, found 0."),
        ("page_size=many", "page_size", "Expected a whole number between 1 and 1000, found many."),
        ("cursor=cD1hYmM=", "cursor", "Expected a cursor from this list's next or previous link."),
        ("cursor=%C3%A9", "cursor", "Expected a cursor from this list's next or previous link."),
    ],
)
def test_invalid_parameters_of_a_list_are_refused(client, query, parameter, message):
    answer = client.get(f"/api/census/respondents/?{query}")
    assert answer.status_code == 400
    assert message in answer.json()["errors"][parameter][0]


def test_dates_have_one_spelling(client):
    answer = client.get("/api/people/people/?date_of_birth__gte=10/25/1901")
    assert answer.json()["errors"] == {"date_of_birth__gte": ["Expected a date such as 2023-05-01, found 10/25/1901."]}


@pytest.mark.parametrize("key", ["1", "abc", "99999999999999999999", "%00"])
def test_a_record_that_does_not_exist_is_not_found(client, key):
    assert client.get(f"/api/census/respondents/{key}/").status_code == 404
    assert client.get(f"/api/subjects/subjects/{key}/").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_written(admin_client, method):
    assert getattr(admin_client, method)("/api/experiments/users/").status_code == 405


def test_options_shows_the_columns_and_how_to_filter_by_them(client):
    data = client.options("/api/census/respondents/").json()
    assert data["name"] == "Respondents"
    assert data["columns"]["age"] == {
        "type": "whole number",
        "may_be_null": False,
        "help": "Years. A whole number from 0 to 150.",
        "filters": ["age", "age__in", "age__gte", "age__lte"],
    }
    assert data["columns"]["native_country"]["filters"][-1] == "native_country__isnull"


def test_a_list_can_be_looked_at_in_a_browser(client):
    page = client.get("/api/people/places/", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "<h1>Places</h1>" in page.text and "REST framework" not in page.text
    assert "Not found" not in page.text and '<a href="/api/">API</a>' in page.text


def test_the_nearest_address_is_suggested(client):
    near = client.get("/api/people/places/1").json()["detail"]
    assert near.startswith("/api/people/places/1 was not found. Did you mean /api/people/places/1/, with a slash")
    assert client.get("/api/people/nothing").json()["detail"].startswith("/api/people/nothing was not found. See")


@pytest.mark.parametrize(
    ("accept", "comes"),
    [
        ("text/csv;q=0.1, application/json;q=0.5", "application/json"),
        ("text/csv, */*;q=0.9", "text/csv; charset=utf-8"),
        ("*/*;q=0.1, text/csv;q=0.2", "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*;q=0.5", "application/json"),
        ("application/json;q=new", "application/json"),
        ("application/xml", "application/problem+json"),
    ],
)
def test_the_most_specific_format_is_chosen(client, accept, comes):
    assert client.get("/api/people/places/", headers={"accept": accept})["Content-Type"] == comes
