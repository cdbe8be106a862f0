"""Lists of records: columns chosen for each account, column menus, filters as chips, and links to Explore."""

import re
from datetime import date
from html import unescape

import pytest
from django.contrib.auth.models import Group

from census.models import Respondent
from curation.models import ListColumns
from experiments.models import User
from people.models import Person, Place
from tests.explore.conftest import plain

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
PEOPLE, RESPONDENTS = "/admin/people/person/", "/admin/census/respondent/"


@pytest.fixture
def people():
    for number, city in enumerate(["Kelso", "Alloa"], 1):
        place = Place.objects.create(city=city, county=f"C{number}", country="Scotland")
        Person.objects.create(
            given_name=f"G{number}", family_name="Mac", date_of_birth=date(1850, 1, number), place_of_birth=place
        )


@pytest.fixture
def respondents(respondent):
    for age, gain in [(30, 14084), (40, 0)]:
        respondent(age=age, capital_gain=gain, income_over_50k=age > 30).save()


def heads(page):
    return [
        plain(head) for head in re.findall(r'<th scope="col"[^>]*column-\w+"><div class="head">(.*?)</div>', page, re.S)
    ]


def cells(page):
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    return [[plain(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)][1:] for row in rows]


def links(page, name):
    menu = page.partition(f'id="menu-{name}"')[2].partition("</div>")[0]
    return {label: unescape(address) for address, label in re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', menu)}


def choose(client, address, **posted):
    answer = client.post(f"{address.partition('?')[0]}columns/?{address.partition('?')[2]}", posted)
    assert answer.status_code == 302, answer.text
    return answer["Location"]


def test_columns_are_chosen_moved_hidden_and_reset(admin_client, people):
    default = ["Given name", "Family name", "Date of birth", "Place of birth", "Corrected"]
    assert heads(admin_client.get(PEOPLE).text) == default
    choose(admin_client, PEOPLE, columns=["id", "given_name", "place_of_birth__county"])
    page = admin_client.get(PEOPLE).text
    assert heads(page) == ["Given name", "Id", "County of birth"]
    assert [row[::2] for row in cells(page)] == [["G1", "C1"], ["G2", "C2"]]
    shown = ["given_name", "id", "place_of_birth__county"]
    choose(admin_client, PEOPLE, columns=shown, move="later:given_name")
    choose(admin_client, PEOPLE, columns=shown, hide="place_of_birth__county")
    assert heads(admin_client.get(PEOPLE).text) == ["Id", "Given name"]
    assert heads(admin_client.get("/admin/people/place/").text)[0] == "City"  # another list
    choose(admin_client, PEOPLE, columns=["id"], hide="id")
    assert heads(admin_client.get(PEOPLE).text) == default and ListColumns.objects.get().columns == ""


def test_the_choice_belongs_to_one_account_and_keeps_filters_and_order(client, admin_client, people, django_user_model):
    address = choose(admin_client, f"{PEOPLE}?family_name=Mac&o=-3.1&p=1", columns=["date_of_birth", "given_name"])
    assert unescape(address) == f"{PEOPLE}?family_name=Mac&o=-2.1"
    page = admin_client.get(address).text
    assert heads(page) == ["Given name ▲ 2", "Date of birth ▼ 1"]
    analyst = django_user_model.objects.create_user("ana", is_staff=True)
    analyst.groups.add(Group.objects.get(name="Analysts"))
    client.force_login(analyst)
    assert len(heads(client.get(PEOPLE).text)) == 5
    choose(client, PEOPLE, columns=["family_name"])
    assert ListColumns.objects.count() == 2


def test_unknown_columns_and_other_methods_are_refused(client, admin_client, people, django_user_model):
    for name, value, problem in (
        ("columns", "password", "columns: There is no column password."),
        ("hide", "password", "hide: There is no column password."),
        ("move", "later:password", "move: There is no column password."),
        ("move", "up:id", "move: Expected earlier or later before the column, found up."),
    ):
        answer = admin_client.post(f"{PEOPLE}columns/", {"columns": ["given_name"], name: value})
        assert answer.status_code == 400 and problem in answer.text
    assert admin_client.get(f"{PEOPLE}columns/").status_code == 405
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    assert client.post(f"{PEOPLE}columns/", {"columns": ["given_name"]}).status_code == 403
    assert not ListColumns.objects.exists()
    ListColumns.keep(django_user_model.objects.get(username="admin"), Person, ["given_name", "dropped"])
    assert heads(admin_client.get(PEOPLE).text) == ["Given name"]


def test_a_chosen_column_with_personal_data_is_masked(client, django_user_model):
    User.objects.create(user_id=1, name="Alice", email="alice@example.com", signup_date=date(2023, 1, 1))
    analyst = django_user_model.objects.create_user("ana", is_staff=True)
    analyst.groups.add(Group.objects.get(name="Analysts"))
    client.force_login(analyst)
    choose(client, "/admin/experiments/user/", columns=["user_id", "email"])
    page = client.get("/admin/experiments/user/").text
    assert cells(page) == [["1", "a****@example.com"]] and "alice@" not in page
    assert links(page, "email") == {} and "Profile" in links(page, "user_id")


def test_values_are_formatted_as_in_explore(admin_client, respondents):
    choose(admin_client, RESPONDENTS, columns=["id", "capital_gain", "income_over_50k", "education__years"])
    page = admin_client.get(RESPONDENTS).text
    assert [row[1:3] for row in cells(page)] == [["no", "14,084"], ["yes", "0"]]
    assert '<td class="field-capital_gain number">14,084</td>' in page
    assert heads(page)[-1] == "Education years"


def test_the_menu_of_a_column_sorts_filters_profiles_and_charts_it(admin_client, respondents):
    page = admin_client.get(RESPONDENTS, {"age__gte": "20", "q": "bachelors", "o": "2"}).text
    assert links(page, "age") == {
        "Sort ascending": "?age__gte=20&o=2&q=bachelors",
        "Sort descending": "?age__gte=20&o=-2&q=bachelors",
        "Remove sort": "?age__gte=20&o=&q=bachelors",
        "Filter": "#filter-age",
        "Profile": "/explore/census/respondents/columns/age/?search=bachelors&age__gte=20",
        "Chart this column": "/explore/census/respondents/chart/?search=bachelors&age__gte=20&kind=histogram&x=age",
    }
    assert 'id="filter-age"' in page and 'aria-sort="ascending"' in page
    [part] = re.findall(r'hx-get="([^"]*)" hx-target="#part-age"', page)  # scripts show the profile in the menu
    assert "Distinct" in admin_client.get(unescape(part)).text
    for label, address in links(page, "age").items():
        if label != "Filter":
            address = address if address.startswith("/") else RESPONDENTS + address
            assert admin_client.get(address, follow=True).status_code == 200, label


def test_filters_are_chips_and_lead_to_the_same_records_in_explore(admin_client, respondents):
    page = admin_client.get(RESPONDENTS, {"age__gte": "35", "income_over_50k": "true", "q": "bachelors", "p": "1"}).text
    chips = page.partition('class="list-chips"')[2].partition("</div>")[0]
    found = re.findall(r'<span>(.*?)</span> <a href="([^"]*)"', chips)
    assert [(text, unescape(address)) for text, address in found] == [
        ("search for “bachelors”", "?age__gte=35&income_over_50k=true"),
        ("age ≥ 35", "?income_over_50k=true&q=bachelors"),
        ("income over 50K is yes", "?age__gte=35&q=bachelors"),
    ]
    address = unescape(re.search(r'<a href="([^"]*)">Open in Explore', page)[1])
    assert address == "/explore/census/respondents/?search=bachelors&age__gte=35&income_over_50k=true"
    explored = admin_client.get(address).text
    matching = Respondent.objects.filter(age__gte=35, education__name="Bachelors", income_over_50k=True).count()
    assert f'role="status">{matching}</span>' in explored
    back = unescape(re.search(r'<a href="([^"]*)">Open in the admin', explored)[1])
    assert admin_client.get(back).context["cl"].result_count == matching
    assert page.index('id="list-drawer"') < page.index('id="result_list"')
