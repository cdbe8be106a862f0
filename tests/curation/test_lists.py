"""Every list of records: the FilterSet's filters, case-insensitive search, export."""

import csv
import io
from datetime import date

import openpyxl
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import Group
from django.db import connection

from datasets.sql.casefold import fold_case
from experiments.models import User, UserExperiment
from exports.formats import FORMATS
from imports.models import ImportRun, SourceFile
from people.models import Person

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/people/person/"


def matches(client, **query):
    page = client.get(PEOPLE, query)
    assert page.status_code == 200, page.context["cl"].parameter_errors
    return sorted(person.given_name for person in page.context["cl"].result_list)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Ann", "aNN"),
        ("Жанна", "жАН"),
        ("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
        ("ΝΊΚΟΣ", "νίκος"),
        ("ᲥᲔᲗᲔᲕᲐᲜ", "ქეთ"),
        ("Élodie", "éLO"),
        ("İpek", "ipek"),
        ("Ilse", "ilse"),
    ],
)
def test_search_and_filters_fold_case_in_every_script(admin_client, add, name, query):
    add(name, "Zed")
    assert matches(admin_client, q=query) == [name]
    assert matches(admin_client, given_name__icontains=query[1:]) == [name]
    assert matches(admin_client, given_name__istartswith=query) == [name]


@pytest.mark.parametrize(("name", "query"), [("Straße", "strasse"), ("Élodie", "elodie"), ("Işık", "isik")])
def test_folding_keeps_letters_and_accents_apart(admin_client, add, name, query):
    add(name)
    assert matches(admin_client, q=query) == []


def test_both_engines_fold_as_python_does():
    letters = "".join(chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000)
    with connection.cursor() as cursor:
        for start in range(0, len(letters), 4096):
            text = letters[start : start + 4096]
            cursor.execute("SELECT fold_case(%s)", [text])
            assert cursor.fetchone()[0] == fold_case(text)


def test_the_search_matches_the_beginning_of_each_word_literally(admin_client, add):
    add("Ann", "Joanna", "An_a", "100%")
    assert matches(admin_client, q="an") == ["An_a", "Ann"]
    assert matches(admin_client, q="an_") == ["An_a"]
    assert matches(admin_client, q="100%") == ["100%"]
    assert matches(admin_client, q="kel ann") == ["Ann"]
    assert matches(admin_client, q="nobody") == []
    assert matches(admin_client, q="'") == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's searches use no index")
def test_search_uses_an_index(add):
    add(*(f"name {number}" for number in range(3000)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE people")
    assert "people_given_name_folded" in Person.objects.filter(given_name__folded_prefix="NAME 29").explain()


def test_dates_are_filtered_by_range(admin_client, add):
    add("Old", born=date(1850, 1, 1))
    add("Young", born=date(1950, 1, 1))
    assert matches(admin_client, date_of_birth__gte="1900-01-01", date_of_birth__lte="") == ["Young"]
    page = admin_client.get(PEOPLE, {"date_of_birth__gte": "1900-01-01", "q": "y", "country_of_birth": "Scotland"}).text
    assert '<input type="date" name="date_of_birth__gte" value="1900-01-01">' in page
    assert '<input type="hidden" name="country_of_birth" value="Scotland">' in page
    assert '<input type="hidden" name="q" value="y">' in page


def test_lists_are_filtered_by_numbers_and_missing_values(admin_client, add):
    subjects = "/admin/subjects/subject/"
    page = admin_client.get(subjects)
    assert "?date_of_birth__isnull=true" in page.text and "(empty)" in page.text
    User.objects.create(user_id=1, name="Alice", email="a@example.com", signup_date=date(2023, 1, 1))
    for number in (1, 2, 3):
        UserExperiment.objects.create(experiment_id=number, user_id=1, experiment_run_time=number)
    page = admin_client.get("/admin/experiments/userexperiment/", {"experiment_run_time__gte": "2"})
    assert [row.pk for row in page.context["cl"].result_list] == [2, 3]


def test_records_are_filtered_by_run_and_correction(admin_client, add):
    add("Ann", "Bob")
    run = ImportRun.objects.create(dataset="people", status=ImportRun.Status.APPLIED)
    file = SourceFile.objects.create(run=run, source="people", name="people.csv", original_name="p", sha256="0", size=1)
    Person.objects.filter(given_name="Ann").update(changed_in=file, created_in=file, corrections={"given_name": "An"})
    assert matches(admin_client, changed_in_run=run.pk) == ["Ann"]
    assert matches(admin_client, changed_in_run__isnull="true") == ["Bob"]
    assert matches(admin_client, corrected="true") == ["Ann"]
    assert matches(admin_client, corrected="false") == ["Bob"]
    assert f"?_facets=True&amp;changed_in_run={run.pk}" in admin_client.get(PEOPLE, {"_facets": "True"}).text


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"country_of_brith": "Scotland"}, "Did you mean country_of_birth?"),
        ({"date_of_birth__gte": "soon"}, "Expected a date such as 2023-05-01, found soon."),
        ({"corrected": "maybe"}, "Expected true or false, found maybe."),
        ({"p": "9"}, "Expected a page from 1 to 2."),
    ],
)
def test_an_unknown_parameter_is_reported_and_shows_no_records(admin_client, add, query, expected):
    add(*"abc" * 20)
    page = admin_client.get(PEOPLE, query)
    assert page.status_code == 400
    assert expected in page.text
    assert list(page.context["cl"].result_list) == []


@pytest.mark.only_on("sqlite")
def test_an_action_with_an_unknown_parameter_changes_nothing(admin_client, add):
    add("Ann")
    form = {"action": "export_as_csv", "_selected_action": [Person.objects.get().pk]}
    response = admin_client.post(f"{PEOPLE}?colour=red", form)
    assert not response.streaming or b"Ann" not in b"".join(response.streaming_content)


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("kind", FORMATS)
def test_selected_records_are_exported_in_every_format(admin_client, add, kind):
    add("Ann", "Bob")
    assert f'<option value="export_as_{kind}">' in admin_client.get(PEOPLE).text
    form = {"action": f"export_as_{kind}", "_selected_action": [Person.objects.get(given_name="Ann").pk]}
    response = admin_client.post(PEOPLE, form)
    sent = b"".join(response.streaming_content)
    named = response["Content-Disposition"]
    assert response.streaming and 'filename="people-people_' in named and named.endswith(f'{FORMATS[kind].suffix}"')
    if kind == "xlsx":
        sent = repr(list(openpyxl.load_workbook(io.BytesIO(sent)).active.values)).encode()
    elif kind == "parquet":
        sent = repr(pq.read_table(io.BytesIO(sent)).to_pylist()).encode()
    assert b"Ann" in sent and b"Bob" not in sent


def export(client, address, keys):
    response = client.post(address, {"action": "export_as_csv", "_selected_action": keys})
    assert response.streaming and response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


@pytest.mark.only_on("sqlite")
def test_a_selection_is_exported_with_escaped_formulas(admin_client, add):
    add("=1+1", "Ann", "Bob", "@x")
    keys = [person.pk for person in Person.objects.order_by("pk") if person.given_name != "Bob"]
    rows = export(admin_client, PEOPLE, keys)
    assert [row["given_name"] for row in rows] == ["'=1+1", "Ann", "'@x"]
    assert {row["place_of_birth"] for row in rows} == {"Kelso"}
    assert {row["date_of_birth"] for row in rows} == {"1900-01-01"}


@pytest.mark.parametrize("query", ["", "?date_of_birth__gte=1850-01-01&q=mac"])
def test_all_matching_records_are_exported(admin_client, add, query):
    add("Old", born=date(1849, 12, 31))
    add(*(f"n{number:03}" for number in range(120)))
    page = admin_client.get(f"{PEOPLE}{query}").text
    assert "Select all 12" in page
    ticked = [Person.objects.get(given_name="n000").pk]
    form = {"action": "export_as_csv", "_selected_action": ticked, "select_across": "1", "index": "0"}
    response = admin_client.post(f"{PEOPLE}{query}", form)
    assert response.streaming
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    everybody = [f"n{number:03}" for number in range(120)]
    assert sorted(row["given_name"] for row in rows) == (everybody if query else ["Old", *everybody])
    assert len(export(admin_client, f"{PEOPLE}{query}", ticked)) == 1


@pytest.mark.only_on("sqlite")
def test_addresses_are_masked_in_an_export(client, admin_client, django_user_model):
    User.objects.create(user_id=1, name="Alice", email="alice@example.com", signup_date=date(2023, 1, 1))
    assert export(admin_client, "/admin/experiments/user/", [1])[0]["email"] == "alice@example.com"
    analyst = django_user_model.objects.create_user("ana", is_staff=True)
    analyst.groups.add(Group.objects.get(name="Analysts"))
    client.force_login(analyst)
    assert export(client, "/admin/experiments/user/", [1])[0]["email"] == "a****@example.com"
    page = client.get("/admin/experiments/user/", {"q": "alice@"}).text
    assert "alice@example" not in page and "a****@" not in page  # the search does not reveal the address
    assert client.get("/admin/experiments/user/", {"email__istartswith": "al"}).status_code == 400
