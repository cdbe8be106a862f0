"""Query parameters of a list: columns, sorting, search and counts; and their errors."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from experiments.models import User
from people.models import Person, Place

pytestmark = pytest.mark.django_db
LIST = "/api/census/respondents/"
USERS = "/api/experiments/users/"


@pytest.fixture
def two(respondent):
    respondent(age=30).save()
    respondent(age=50, education="Masters").save()


def test_selected_columns_have_the_requested_order(client, two):
    [row, _] = client.get(f"{LIST}?fields=education,age").json()["results"]
    assert list(row.items()) == [("education", "Bachelors"), ("age", 30)]
    key = client.get(f"{LIST}?fields=id").json()["results"][0]["id"]
    assert client.get(f"{LIST}{key}/?fields=age").json() == {"age": 30}
    left = client.get(f"{LIST}?omit=age,education").json()["results"][0]
    assert not {"age", "education"} & left.keys() and "education_id" in left


def test_omitted_columns_are_not_queried(client, two, django_assert_num_queries):
    client.get(f"{LIST}?fields=education")
    with django_assert_num_queries(2) as queries:
        client.get(f"{LIST}?fields=age")
    assert "fnlwgt" not in queries[-1]["sql"] and "education" not in queries[-1]["sql"]


def test_the_response_has_a_count_on_request(client, two):
    assert "count" not in client.get(LIST).json()
    assert "count" not in client.get(f"{LIST}?count=none").json()
    exact = client.get(f"{LIST}?count=exact&age__gte=40&page_size=1").json()
    assert (exact["count"], exact["count_is"]) == (1, "exact")
    estimated = client.get(f"{LIST}?count=estimated").json()
    assert estimated["count_is"] == ("estimated" if connection.vendor == "postgresql" else "exact")
    assert isinstance(estimated["count"], int)
    assert client.get(f"{LIST}?count=estimated&changed_in_file=%20nothing").json()["results"] == []


def test_a_search_matches_prefixes_of_words_in_any_case(client):
    kelso = Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    for given, family in [("Ømar", "Mac"), ("Ann", "MacBeth"), ("Ann", "Oak")]:
        Person.objects.create(
            given_name=given, family_name=family, date_of_birth=date(1901, 2, 3), place_of_birth=kelso
        )

    def cities_matching(text):
        rows = client.get("/api/people/people/", {"search": text}).json()["results"]
        return [(row["given_name"], row["family_name"]) for row in rows]

    assert cities_matching("mac") == [("Ømar", "Mac"), ("Ann", "MacBeth")]
    assert cities_matching("ØMAR") == cities_matching("ømar kel") == [("Ømar", "Mac")]
    assert cities_matching("ann oak") == [("Ann", "Oak")]
    assert cities_matching("nobody") == []


def test_personal_data_cannot_be_searched_or_sorted_by(client, django_user_model):
    User.objects.create(user_id=1, name="Ann", email="zoe@example.org", signup_date=date(2023, 1, 1))
    assert client.get(f"{USERS}?search=zoe").json()["results"] == []
    refused = client.get(f"{USERS}?ordering=-email")
    assert refused.status_code == 400
    assert "Sorting by it needs the permission experiments.view_email." in refused.json()["errors"]["ordering"][0]
    reader = django_user_model.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_email"))
    client.force_login(reader)
    assert len(client.get(f"{USERS}?search=zoe&ordering=-email").json()["results"]) == 1


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("fields=agee", "fields", "There is no column agee. Did you mean age? Columns: id, age, "),
        ("fields=", "fields", "Expected a value, found none."),
        ("fields=age,", "fields", "There is no column (empty)."),
        ("fields=age,age", "fields", "age occurs twice."),
        ("omit=nothing", "omit", "There is no column nothing."),
        ("fields=age&omit=sex", "omit", "Expected either fields or omit, found both."),
        ("ordering=birthday", "ordering", "There is no column birthday."),
        ("ordering=age,-age", "ordering", "age occurs twice."),
        ("ordering=id,age,sex,race,fnlwgt,education", "ordering", "Expected at most 5 columns, found 6."),
        ("ordering=--age", "ordering", "There is no column -age."),
        ("count=all", "count", "Expected one of none, estimated, exact; found all."),
        ("format=yaml", "format", "Expected one of json"),
        ("page_size=1001", "page_size", "Expected a whole number between 1 and 1000, found 1001."),
        ("search=%00", "search", "Null characters are not allowed."),
    ],
)
def test_an_invalid_parameter_is_refused_by_name(client, query, parameter, message):
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert message in answer.json()["errors"][parameter][0]


@pytest.mark.only_on("sqlite")
def test_everything_that_is_wrong_is_reported_at_once(client):
    data = client.get(f"{LIST}?agee=1&age=old&fields=x&page_size=0").json()
    assert set(data["errors"]) == {"agee", "age", "fields", "page_size"}
    assert "age__gte" in data["parameters"] and "cursor" in data["parameters"]


def test_a_record_does_not_accept_parameters_of_a_list(client, two):
    key = client.get(f"{LIST}?fields=id").json()["results"][0]["id"]
    data = client.get(f"{LIST}{key}/?age=30").json()
    assert data["errors"] == {"age": ["Unknown parameter. Known parameters: format, fields, omit."]}


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "address", ["/api/?nope=1", "/api/?format=", "/api/people/places/?format=", "/api/imports/?format="]
)
def test_unknown_parameters_are_errors(admin_client, address):
    answer = admin_client.get(address)
    assert answer.status_code == 400 and answer.json()["errors"].keys() <= {"nope", "format"}


def test_suggestions_contain_only_permitted_columns(client, django_user_model):
    misspelt = ("?ordering=emai", "?emai=x", "summary/?by=emai")
    reader = django_user_model.objects.create_user("reader")
    client.force_login(reader)
    for query in misspelt:
        assert "Did you mean email" not in client.get(USERS + query).text
    reader.user_permissions.add(*Permission.objects.filter(codename__in=["view_email", "view_user"]))
    for query in misspelt:
        assert "Did you mean email?" in client.get(USERS + query).text
