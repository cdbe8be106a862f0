"""The heading of the Table tab, and the menu of each column."""

import re
from html import unescape

import pytest

from tests.explore.conftest import plain

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
PEOPLE, CENSUS = "people/people/", "census/respondents/"


def menu(page, name):
    """Return the links of a column's menu: label and address."""
    items = page.partition(f'id="menu-{name}"')[2].partition("</div>")[0]
    return {text: unescape(href) for href, text in re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', items)}


def test_the_menu_of_a_column_sorts_filters_hides_and_charts_it(reader, signed_in, respondents, experiments):
    page = reader.page(f"{CENSUS}?sex=Male&columns=age,education&ordering=-age")
    assert menu(page, "age") == {
        "Sort ascending": "?sex=Male&columns=age,education&ordering=age",
        "Sort descending": "?sex=Male&columns=age,education&ordering=-age",
        "Remove sort": "?sex=Male&columns=age,education",
        "Filter": "#fields-age",
        "Hide column": "?sex=Male&columns=education&ordering=-age",
        "Profile": f"/explore/{CENSUS}columns/age/?sex=Male",
        "Chart this column": (
            f"/explore/{CENSUS}chart/?sex=Male&columns=age,education&ordering=-age&kind=histogram&x=age"
        ),
    }
    assert 'id="fields-age"' in page and 'popovertarget="menu-age"' in page
    for label, address in menu(page, "education").items():
        if label != "Filter":
            reader.page(address.removeprefix("/explore/") if address[0] == "/" else CENSUS + address)
    assert "Hide column" not in menu(reader.page(f"{CENSUS}?columns=age"), "age")
    analyst = signed_in("Analysts", name="eve")
    assert menu(analyst.page("experiments/users/?columns=email,name"), "email").keys() == {"Hide column"}


def test_the_page_names_its_dataset_describes_its_rows_and_links_to_the_admin(
    reader, signed_in, people, django_user_model
):
    page = reader.page(f"{PEOPLE}?search=mac&date_of_birth__gte=1853-01-01&columns=id")
    assert plain(page.partition("<h1>")[2].partition("</h1>")[0]) == "People People 2"
    assert "A person. The files have no id of a person" in page
    address = unescape(re.search(r'<a href="([^"]*)">Open in the admin', page)[1])
    assert address == "/admin/people/person/?q=mac&date_of_birth__gte=1853-01-01"
    assert "2 people" in reader.get(address).text
    analyst = signed_in("Analysts", name="eve")
    django_user_model.objects.filter(username="eve").update(is_staff=False)
    assert "Open in the admin" not in analyst.page(PEOPLE)
