"""Unusual URLs: each gets the right response or a problem document."""

import csv
import io
import re
import unicodedata
from html import unescape
from urllib.parse import quote

import pytest

from people.models import Person, Place
from subjects.models import Subject

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgresql")]
LIST = "/api/people/places/"


def problem(answer, status):
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.text
    data = answer.json()
    assert data["status"] == status and data["detail"]
    assert answer["Content-Length"] == str(len(answer.content))
    return data


@pytest.mark.parametrize("broken", ["%EB", "%FF%FE", "%ED%A0%80", "%C3", "%C3%28"])
def test_a_url_that_is_not_valid_text_is_refused(client, broken):
    for address in (f"/api/{broken}/", f"/api/subjects/subjects/{broken}/", f"/api/people/{broken}"):
        assert "UTF-8" in problem(client.get(address), 400)["detail"]
    for name in ("search", "city", "city__in", "fields", "cursor", "format", "nothing", broken):
        for address in (LIST, f"{LIST}summary/", "/api/", "/api/schema/", "/api/imports/"):
            problem_details = problem(client.get(f"{address}?{name}={broken}"), 400)
            assert "UTF-8" in problem_details["detail"]
            assert problem_details["errors"]


@pytest.mark.parametrize("broken", ["%EB", "%ED%A0%80", "%00"])
def test_pages_refuse_an_invalid_url_with_a_message(admin_client, broken):
    for address in (
        "/admin/people/person/",
        "/explore/people/people/",
        "/explore/",
        "/explore/people/people/chart.json",
    ):
        answer = admin_client.get(f"{address}?q={broken}")
        assert answer.status_code == 400 and ("UTF-8" in answer.text or "Null characters" in answer.text), address
    for address in (
        f"/admin/{broken}/",
        f"/admin/subjects/subject/{broken}/change/",
        f"/explore/{broken}/",
        f"/static/{broken}",
    ):
        assert admin_client.get(address).status_code in (400, 404), address


@pytest.mark.parametrize("name", ["search", "city", "city__in", "ordering", "cursor", "by", "format"])
def test_null_characters_are_refused(client, name):
    for address in (LIST, f"{LIST}summary/"):
        assert problem(client.get(f"{address}?{name}=a%00b"), 400)["errors"][name] == [
            "Null characters are not allowed."
        ]
    problem(client.get("/api/subjects/subjects/a%00b/"), 404)


def test_more_than_a_thousand_parameters_are_refused(client, admin_client):
    many = "&".join(["a=1"] * 1001)
    assert "1,000 parameters" in problem(client.get(f"{LIST}?{many}"), 400)["detail"]
    assert "1,000 parameters" in problem(client.get(f"{LIST}?{'&' * 1000}"), 400)["detail"]
    for address in ("/admin/people/person/", "/explore/people/people/"):
        answer = admin_client.get(f"{address}?{many}")
        assert answer.status_code == 400 and "1,000 parameters" in answer.text


def test_a_query_string_that_is_too_long_is_refused_with_the_limit(client, admin_client):
    problem_details = problem(client.get(f"{LIST}?search={'x' * 7000}"), 414)
    assert "at most 7,000 bytes" in problem_details["detail"]
    assert client.get(f"{LIST}?search={'x' * (7000 - len('search='))}").status_code == 200
    for address in ("/admin/people/person/?q=", "/explore/people/people/?search="):
        answer = admin_client.get(address + "x" * 7001)
        assert answer.status_code == 414 and "7,000 bytes" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "a b", "evil.example:99999999", "é", "[::1", "-"])
def test_another_host_is_refused(client, host):
    assert "Host" in problem(client.get(LIST, headers={"host": host}), 400)["detail"]
    assert client.get("/sign-in/", headers={"host": host}).status_code == 400
    assert client.get("/healthz", headers={"host": host}).status_code == 200


COMPOSED = unicodedata.normalize("NFC", "Zoë Müller")
TAKEN_APART = unicodedata.normalize("NFD", COMPOSED)


def test_a_search_with_decomposed_accents_finds_the_same_records(admin_client):
    place = Place.objects.create(city=COMPOSED, county="R", country="Scotland")
    Person.objects.create(given_name=COMPOSED, family_name="B", date_of_birth="1900-01-01", place_of_birth=place)
    Subject.objects.create(subject_id=COMPOSED)
    assert TAKEN_APART != COMPOSED
    people = "/api/people/people/"
    for query in (
        {"given_name": TAKEN_APART},
        {"given_name__in": f"x,{TAKEN_APART}"},
        {"given_name__in": ["x", TAKEN_APART]},
        {"given_name__icontains": TAKEN_APART[1:]},
        {"given_name__istartswith": TAKEN_APART[:5]},
        {"place_of_birth": TAKEN_APART},
        {"search": TAKEN_APART.split()[0]},
    ):
        assert len(admin_client.get(people, query).json()["results"]) == 1, query
        assert admin_client.get(f"{people}summary/", query).json()["results"] == [{"count": 1}], query
        answer = admin_client.get("/explore/people/people/", query, follow=True)
        assert answer.status_code == 200 and "<tbody>" in answer.text, query
    assert admin_client.get(f"/api/subjects/subjects/{TAKEN_APART}/").json()["subject_id"] == COMPOSED
    assert len(admin_client.get("/admin/people/person/", {"q": TAKEN_APART.split()[0]}).context["cl"].result_list) == 1
    changelist = admin_client.get("/admin/people/person/", {"given_name__icontains": TAKEN_APART}).context["cl"]
    assert len(changelist.result_list) == 1


NAMES = [
    "a,b",
    "c",
    'say "so", then',
    '"quoted"',
    "mouse_23",
    "x/y",
    "p?q#r%20&s=t",
    "Ünï côde",
    "_5F",
    "a+b",
    "semi;colon:@",
    "..",
]


@pytest.fixture
def mice():
    Subject.objects.bulk_create(Subject(subject_id=name) for name in [*NAMES, "a", "b"])


def keys(answer):
    assert answer.status_code == 200, answer.text
    return sorted(row["subject_id"] for row in answer.json()["results"])


def test_a_repeated_parameter_accepts_values_with_commas(client, mice):
    address = "/api/subjects/subjects/"
    assert keys(client.get(address, {"subject_id__in": ["a,b", "c"]})) == ["a,b", "c"]
    assert keys(client.get(address, {"subject_id__in": NAMES})) == sorted(NAMES)
    assert keys(client.get(f"{address}?subject_id__in=a,b")) == ["a", "b"]
    assert client.get(f"{LIST}?id__in=1,2&id__in=3").status_code == 200
    problem_details = problem(client.get(f"{address}?subject_id__in=a&subject_id__in="), 400)
    assert problem_details["errors"]["subject_id__in"] == ["Expected a value, found none."]


def test_a_list_of_values_accepts_quoted_values_with_commas(client, mice):
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(NAMES)
    assert keys(client.get("/api/subjects/subjects/", {"subject_id__in": line.getvalue()})) == sorted(NAMES)
    problem_details = problem(client.get("/api/subjects/subjects/", {"subject_id__in": '"a,b'}), 400)
    assert (
        "A quoted value must end with a quote before the next comma" in problem_details["errors"]["subject_id__in"][0]
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name != ".."])
def test_links_to_records_work_for_any_key(admin_client, mice, name):
    page = admin_client.get(
        "/explore/subjects/subjects/", {"subject_id": name, "columns": "subject_id"}, follow=True
    ).text
    for text in (page, admin_client.get("/admin/subjects/subject/", {"subject_id": name}).text):
        links = {unescape(link) for link in re.findall(r'href="(/admin/subjects/subject/[^"]*/change/[^"]*)"', text)}
        assert links
        for link in links:
            answer = admin_client.get(link)
            assert answer.status_code == 200 and answer.context["original"].pk == name
    assert admin_client.get(f"/api/subjects/subjects/{quote(name, safe='')}/").json()["subject_id"] == name


@pytest.mark.both_engines
def test_page_links_work_with_a_long_list_of_values(client):
    Place.objects.bulk_create(Place(pk=1_000_000 + n, city=f"T{n}", county="C", country="L") for n in range(500))
    for separator in (",", "%2C"):
        values = separator.join(str(1_000_000 + n) for n in range(500))
        address, seen = f"{LIST}?id__in={values}&page_size=200&ordering=-city,county", []
        if separator == "%2C":
            assert len(address) < 7000
        while address:
            answer = client.get(address)
            assert answer.status_code == 200
            page = answer.json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]
            assert not address or ("%2C" not in address and len(address) < 8190)
        assert sorted(seen) == [1_000_000 + n for n in range(500)]


def test_the_next_link_of_the_longest_query_string_is_not_too_long(client):
    odd = "Ж'(\N{GRINNING FACE}"
    Place.objects.bulk_create(
        Place(city=(f"{n}" + odd * 50)[:200], county=(odd * 60)[n : n + 200], country=(odd * 60)[n + 9 : n + 209])
        for n in range(6)
    )
    query = "page_size=2&ordering=-country,county,city&id__in=" + ",".join(
        [*(str(pk) for pk in Place.objects.values_list("pk", flat=True)), *(str(10**12 + n) for n in range(490))]
    )
    assert 6500 < len(query) <= 7000
    address, pages = f"{LIST}?{query}", 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        pages, address = pages + 1, answer.json()["next"]
        assert not address or len(address) < 8190 - len("GET  HTTP/1.1\r\n")
    assert pages == 3
