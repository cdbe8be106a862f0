"""Pagination in any order: each record once, forwards and backwards, records without a value last."""

from urllib.parse import parse_qs, urlsplit

import pytest

from census.models import Respondent
from people.models import Place

pytestmark = pytest.mark.django_db
LIST = "/api/census/respondents/"


@pytest.fixture
def add(respondent):
    """Add respondents, a third without a workclass, several of the same age."""

    def add(number):
        Respondent.objects.bulk_create(
            respondent(age=20 + n % 7, workclass=[None, "Private", "State-gov"][n % 3], hours_per_week=n, sex="Male")
            for n in range(number)
        )

    return add


@pytest.fixture
def respondents(add):
    add(40)


def walk(client, address):
    """Return all records from the first page to the last, and from the last to the first."""
    there, back, before = [], [], None
    while address:
        page = client.get(address).json()
        there += page["results"]
        address, last = page["next"], page
    back = last["results"]
    while before := last["previous"]:
        last = client.get(before).json()
        back = last["results"] + back
    return there, back


@pytest.mark.parametrize(
    "ordering",
    ["id", "-id", "age", "-age", "workclass", "-workclass", "age,-hours_per_week", "-workclass,age", "sex,-age,id"],
)
def test_each_record_appears_once_in_both_directions(client, add, ordering):
    add(15)

    def key(row):
        for name in [*ordering.split(","), "id"]:
            value, sign = row[name.removeprefix("-")], -1 if name.startswith("-") else 1
            if isinstance(value, str):
                value = ord(value[0])
            yield (value is None, sign * (value or 0))

    for size in (1, 7, 15):
        there, back = walk(client, f"{LIST}?ordering={ordering}&page_size={size}")
        assert there == back and len({row["id"] for row in there}) == len(there) == 15
        assert there == sorted(there, key=lambda row: tuple(key(row)))


def test_the_first_page_has_no_previous_link_and_the_last_no_next_link(client, respondents):
    first = client.get(f"{LIST}?page_size=20").json()
    last = client.get(first["next"]).json()
    assert (first["previous"], last["next"]) == (None, None)
    assert client.get(last["previous"]).json()["results"] == first["results"]
    whole = client.get(f"{LIST}?page_size=40").json()
    assert (whole["next"], whole["previous"]) == (None, None)


def test_a_cursor_is_stable_while_records_change(client, respondents):
    first = client.get(f"{LIST}?page_size=10&ordering=hours_per_week").json()
    Respondent.objects.filter(hours_per_week=9).delete()  # the record that the cursor names
    second = client.get(first["next"]).json()
    assert [row["hours_per_week"] for row in second["results"]] == list(range(10, 20))


def test_a_cursor_is_valid_for_one_list_and_order(client, respondents):
    following = client.get(f"{LIST}?page_size=2&ordering=age").json()["next"]
    cursor = parse_qs(urlsplit(following).query)["cursor"][0]
    assert client.get(f"{LIST}?page_size=2&ordering=age&cursor={cursor}").status_code == 200
    middle = len(cursor) // 3
    other = "A" if cursor[middle] != "A" else "B"
    for address in [
        f"{LIST}?page_size=2&cursor={cursor}",
        f"{LIST}?page_size=2&ordering=-age&cursor={cursor}",
        f"/api/people/places/?cursor={cursor}",
        f"{LIST}?ordering=age&cursor={cursor[:middle]}{other}{cursor[middle + 1 :]}",
        f"{LIST}?ordering=age&cursor={cursor[:-1]}",
    ]:
        answer = client.get(address)
        assert answer.status_code == 400 and "cursor" in answer.json()["errors"], address


def test_all_pages_keep_the_filter(client, respondents):
    there, back = walk(client, f"{LIST}?workclass=Private&ordering=-age&page_size=3")
    assert there == back and {row["workclass"] for row in there} == {"Private"} and len(there) == 13


def test_texts_are_sorted_in_the_order_of_the_database(client):
    for city in ["Ängelholm", "ไทย", "a&b=c", "Zürich", "zebra", "%20"]:
        Place.objects.create(city=city, county="-", country="-")
    there, back = walk(client, "/api/people/places/?ordering=-city&page_size=1")
    assert there == back
    assert [row["city"] for row in there] == list(Place.objects.order_by("-city").values_list("city", flat=True))
