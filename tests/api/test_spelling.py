"""One spelling of numbers and dates in all parameters: other spellings are errors, never misread."""

import pytest
from django.http import QueryDict

from experiments.models import User
from imports.models import ImportRun, SourceFile
from people.models import Person, Place

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgresql")]
ODD_NUMBERS = [
    "007",
    "+7",
    " 7",
    "7 ",
    "1_0",
    "٧",
    "７",
    "7.0",
    "7e0",
    "0x7",
    "-0",
    "7" * 26,
    "0" * 30 + "7",
    "1" * 5000,
]
ODD_DAYS = [
    "2023-5-1",
    "20230501",
    "2023-05-01 ",
    "٢٠٢٣-٠٥-٠١",
    "2023-W18-1",
    "2023-02-30",
    "0000-01-01",
    "+2023-05-01",
]
RESPONDENTS = "/api/census/respondents/"


@pytest.mark.parametrize("text", ODD_NUMBERS)
@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        (RESPONDENTS, "page_size"),
        (RESPONDENTS, "age"),
        (RESPONDENTS, "age__in"),
        (RESPONDENTS, "age__gte"),
        (RESPONDENTS, "id__lte"),
        (RESPONDENTS, "changed_in_run"),
        ("/api/experiments/user-experiments/", "compounds"),
        (f"{RESPONDENTS}summary/", "limit"),
    ],
)
def test_a_number_has_one_spelling(client, address, parameter, text):
    answer = client.get(address, {parameter: text})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "Expected a whole number" in answer.json()["errors"][parameter][0]


@pytest.mark.parametrize("text", ["007", "+7", "1_0", "٧", ".5", "5.", "inf", "nan", "1e999", "7" * 400, " 7"])
def test_a_decimal_number_has_one_spelling(client, text):
    answer = client.get("/api/experiments/user-experiments/", {"experiment_run_time__gte": text})
    assert answer.status_code == 400 and "Expected a number" in str(answer.json()["errors"])
    assert client.get("/api/experiments/user-experiments/?experiment_run_time__gte=-1.5e-06").status_code == 200
    answer = client.get(f"{RESPONDENTS}summary/", {"by": f"age:{text}"})
    assert answer.status_code == 400 and "The bin width must be" in str(answer.json()["errors"]["by"])


@pytest.mark.parametrize("text", ODD_DAYS)
def test_a_date_has_one_spelling(client, text):
    for parameter in ("date_of_birth", "date_of_birth__gte", "date_of_birth__in"):
        answer = client.get("/api/people/people/", {parameter: text})
        assert answer.status_code == 400, text
        assert "Expected a date such as 2023-05-01" in answer.json()["errors"][parameter][0]


@pytest.fixture
def seven(db):
    kelso = Place.objects.create(pk=7, city="Kelso", county="R", country="Scotland")
    Person.objects.create(pk=7, given_name="A", family_name="B", date_of_birth="1900-01-01", place_of_birth=kelso)
    run = ImportRun.objects.create(pk=7, dataset="people", status="applied")
    SourceFile.objects.create(pk=7, run=run, source="people", name="people.csv", size=1)


@pytest.mark.parametrize("text", ["007", "+7", "%207", "1_0", "%D9%A7", "7" * 26])
def test_the_address_of_a_record_has_one_spelling(admin_client, seven, text):
    for address in (f"/api/people/people/{text}/", f"/api/imports/{text}/", f"/api/imports/{text}/rejections/"):
        answer = admin_client.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), address
        assert answer.json()["detail"]
    of_admin = ["people/person/{}/change/", "people/person/{}/history/", "people/person/{}/delete/"]
    of_admin += ["imports/importrun/{}/change/", "imports/importrun/{}/progress/", "imports/importrun/{}/undo/"]
    of_admin += [
        f"imports/{kind}/{{}}/{verb}"
        for kind in ("importrun", "edit")
        for verb in ("undo/first/", "redo/", "redo/first/")
    ]
    of_admin += ["auth/user/{}/change/", "imports/importrun/file/{}/rejected/"]
    for address in of_admin:
        answer = admin_client.get("/admin/" + address.format(text))
        assert answer.status_code == 404, address
    for address in of_admin[:5]:
        assert admin_client.get("/admin/" + address.format(7)).status_code == 200, address


@pytest.mark.parametrize("text", ["007", "+7", "1_0", "٧", "7" * 26, "0"])
def test_page_numbers_have_one_spelling(admin_client, seven, text):
    for address in (
        "/admin/people/person/?p=",
        "/admin/imports/importrun/?p=",
        "/admin/auth/user/?p=",
        "/admin/people/person/7/history/?p=",
        "/admin/people/person/deleted/?p=",
        "/admin/imports/importrun/7/change/?page=",
        "/admin/autocomplete/?app_label=people&model_name=person&field_name=place_of_birth&page=",
    ):
        path, _, query = address.partition("?")
        answer = admin_client.get(path, {**QueryDict(query).dict(), query.split("&")[-1].rstrip("="): text})
        assert answer.status_code == 400, (address, text)
        assert "Expected a" in answer.text


@pytest.mark.parametrize("order", ["1_0", "٣", "01", ".".join(["1"] * 1500), "x"])
def test_the_order_of_a_list_in_the_admin_has_a_limit_and_one_spelling(admin_client, order):
    for address in ("/admin/people/person/", "/admin/auth/user/"):
        answer = admin_client.get(address, {"o": order})
        assert answer.status_code == 400 and "at most 5 columns" in answer.text
        assert admin_client.get(address, {"o": "2.-1"}).status_code == 200


@pytest.mark.parametrize("text", ["0" * 20 + "400", "4_00", "٤٠٠", "9" * 26])
def test_the_sizes_of_pictures_and_the_bins_have_one_spelling(admin_client, seven, text):
    address = "/explore/people/people/chart.svg"
    for name in ("width", "height", "bins"):
        answer = admin_client.get(address, {"kind": "bar", "x": "place_of_birth", name: text})
        assert answer.status_code == 400 and "Expected a whole number" in answer.text, name


@pytest.mark.parametrize("text", ["007", "+7", "1_0", "٧", "7" * 26])
def test_filters_in_explore_and_in_the_admin_have_the_same_spelling(admin_client, seven, text):
    for address, name in (
        ("/explore/people/people/", "id"),
        ("/admin/people/person/", "id"),
        ("/admin/imports/rejectedrow/", "file__id__exact"),
    ):
        answer = admin_client.get(address, {name: text})
        assert answer.status_code == 400 and "Expected a whole number" in answer.text, address


def test_a_word_of_a_search_matches_a_number_only_in_its_plain_spelling(client):
    User.objects.create(user_id=7, name="Ann", email="a@example.org", signup_date="2023-01-01")

    def matches(text):
        answer = client.get("/api/experiments/users/", {"search": text})
        assert answer.status_code == 200
        return len(answer.json()["results"])

    assert matches("7") == 1
    assert [matches(text) for text in ("007", "٧", "7" * 26, "7" * 6000)] == [0, 0, 0, 0]
