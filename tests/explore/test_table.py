"""The Table tab: columns, filters with counts, sorting, pagination, and a URL with the complete state."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from explore import url_state
from people.models import Person
from tests.explore.conftest import ODD, plain

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
PEOPLE, CENSUS = "people/people/", "census/respondents/"


def address_after(reader, address):
    """Return the address to which a form's address redirects."""
    answer = reader.get(f"/explore/{address}")
    assert answer.status_code == 302, answer.text
    return answer["Location"].removeprefix("/explore/")


def facets(page, name):
    """Return the choices of a column with their counts; checked ones are in capitals."""
    ticks = re.findall(rf'<input type="checkbox" name="{name}(?:__isnull)?" ([^>]*)> <label[^>]*>(.*?)</label>', page)
    return [plain(label).upper() if "checked" in options else plain(label) for options, label in ticks]


def test_labels_are_shown_rather_than_ids_and_units_in_heads(reader, respondents):
    heads = reader.heads(CENSUS)
    assert heads[:3] == ["Id", "Age Years", "Workclass"]
    assert "Capital gain US dollars" in heads and "Hours per week" in heads
    row = dict(zip(heads, reader.texts(CENSUS)[0], strict=True))
    assert row["Education"] == "Bachelors" and row["Income over 50K"] == "no"
    assert row["Capital gain US dollars"] == "14,084" and row["Final weight"] == "77,516"
    assert reader.texts(CENSUS)[4][heads.index("Workclass")] == "– missing"


def test_keys_and_years_have_no_commas(reader, experiments, respondents):
    [row] = reader.texts("experiments/user-experiments/")
    assert row == ["12345", "U1", "12,345.5", "C9, C10"]
    assert reader.texts("census/education-levels/?columns=years")[0] == ["13"]


def test_columns_are_chosen_in_any_order(reader, people):
    assert reader.heads(f"{PEOPLE}?columns=date_of_birth,given_name") == ["Date of birth", "Given name"]
    assert reader.texts(f"{PEOPLE}?columns=date_of_birth,given_name")[0] == ["1851-01-01", "G1"]
    form = f"{PEOPLE}?columns=given_name&columns=date_of_birth&search=&date_of_birth__gte="
    assert address_after(reader, form) == f"{PEOPLE}?columns=given_name,date_of_birth"
    moved = f"{PEOPLE}?columns=given_name&columns=date_of_birth&columns=id&move=earlier:date_of_birth"
    assert address_after(reader, moved) == f"{PEOPLE}?columns=date_of_birth,given_name,id"
    assert address_after(reader, f"{PEOPLE}?columns=id,given_name&move=later:id") == f"{PEOPLE}?columns=given_name,id"
    for move in ("up:id", "later:nothing"):
        assert f"Expected earlier or later, a colon and a column, found {move}." in reader.page(
            f"{PEOPLE}?move={move}", 400
        )


def test_default_columns_are_not_in_the_url(reader, people):
    usual = [column.name for column in url_state.default_columns(Person)]
    form = "&".join(f"columns={name}" for name in usual)
    assert address_after(reader, f"{PEOPLE}?{form}&date_of_birth__gte=1850-01-01") == (
        f"{PEOPLE}?date_of_birth__gte=1850-01-01"
    )


@pytest.mark.both_engines
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("place_of_birth=Kelso", "123"),
        ("place_of_birth__istartswith=ALL", "45"),
        ("place_of_birth__icontains=LLO", "45"),
        ("county_of_birth__in=Fife,Down", "456"),
        ("date_of_birth__gte=1853-01-01&date_of_birth__lte=1854-12-31", "34"),
        ("id__gte=0&search=mac", "135"),
        ("corrected=true", ""),
    ],
)
def test_filters_are_those_of_the_api(reader, people, query, expected):
    shown = "".join(row[0][1:] for row in reader.texts(f"{PEOPLE}?{query}&columns=given_name"))
    assert shown == expected
    answer = reader.get(f"/api/people/people/?{query}&fields=given_name").json()
    assert "".join(row["given_name"][1:] for row in answer["results"]) == expected


@pytest.mark.both_engines
def test_choices_have_counts_and_include_missing_values(reader, respondents):
    page = reader.page(f"{CENSUS}?workclass__isnull=true")
    assert facets(page, "workclass") == ["Private 4", "(EMPTY) 1"]
    assert facets(page, "sex") == ["Female 0", "Male 1"]
    page = reader.page(f"{CENSUS}?sex=Female")
    assert facets(page, "education") == ["HS-grad 1", "Bachelors 1", "Masters 0"]
    assert facets(page, "sex") == ["FEMALE 2", "Male 3"]
    assert facets(page, "income_over_50k") == ["yes 1", "no 1"]


@pytest.mark.both_engines
def test_several_checked_values_match_any_of_them(reader, respondents):
    address = address_after(reader, f"{CENSUS}?education=Bachelors&education=Masters&age__lte=")
    assert address == f"{CENSUS}?education__in=Bachelors,Masters"
    page = reader.page(address)
    assert facets(page, "education") == ["HS-grad 2", "BACHELORS 2", "MASTERS 1"]
    assert 'name="education__in"' not in page  # the ticks say it
    assert address_after(reader, f"{CENSUS}?income_over_50k=true&income_over_50k=false") == CENSUS


def test_a_checked_value_with_a_comma_is_one_value(reader, respondent):
    for country in ("Korea, Republic of", "Peru", 'The "Gambia", so called'):
        respondent(native_country=country).save()
    query = "native_country=Korea,%20Republic%20of&native_country=Peru"
    address = address_after(reader, f"{CENSUS}?{query}")
    assert address == f"{CENSUS}?native_country__in=%22Korea,%20Republic%20of%22,Peru"
    assert sorted(reader.texts(f"{address}&columns=native_country")) == [["Korea, Republic of"], ["Peru"]]
    page = reader.page(address)
    assert {option for option in facets(page, "native_country") if option.isupper()} == {
        "KOREA, REPUBLIC OF 1",
        "PERU 1",
    }
    assert "native country is one of &quot;Korea, Republic of&quot;, Peru" in page
    shown = reader.page(f"{CENSUS}export/{address.partition(CENSUS)[2]}")
    command = unescape(re.search(r"(python manage.py export [^<]*)", shown)[1])
    assert "--filter 'native_country__in=\"Korea, Republic of\",Peru'" in command
    api = unescape(re.search(r"(http://testserver/api/[^<\"]*)", shown)[1])
    assert reader.get(api).getvalue().count(b"\n") == 3
    duplicates = address_after(reader, f"{CENSUS}?native_country__in=Korea,%20Republic%20of&native_country__in=Peru")
    assert duplicates == address


def test_parameters_without_a_field_are_kept_by_the_form(reader, respondents):
    page = reader.page(f"{CENSUS}?education_id__gte=0&ordering=-age&kind=bar&x=sex")
    kept = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition('id="explore-form"')[2])
    assert dict(kept) == {
        "education_id__gte": "0",
        "ordering": "-age",
        "kind": "bar",
        "x": "sex",
    }


def test_each_filter_is_shown_and_can_be_removed(reader, respondents):
    page = reader.page(
        f"{CENSUS}?age__gte=30&education__in=Masters,HS-grad&workclass__isnull=false&sex=Male&ordering=age"
    )
    text = page.partition('<div class="list-chips"')[2].partition("</div>")[0]
    assert re.findall(r"<span>(.*?)</span>", text) == [
        "age ≥ 30",
        "education is one of Masters, HS-grad",
        "workclass is not empty",
        "sex is Male",
    ]
    assert 'href="?age__gte=30&amp;workclass__isnull=false&amp;sex=Male&amp;ordering=age"' in text
    assert '<a href="?ordering=age">Remove all</a>' in text


def test_headers_toggle_ascending_descending_and_no_order(reader, respondents):
    ages = [[row[0] for row in reader.texts(f"{CENSUS}?columns=age&ordering={order}")] for order in ("age", "-age")]
    assert ages == [["20", "40", "60", "80", "100"], ["100", "80", "60", "40", "20"]]
    for order, following in [("", "?columns=age&amp;ordering=age"), ("age", "?columns=age&amp;ordering=-age")]:
        assert f'<a href="{following}" id="sort-age">Age' in reader.page(f"{CENSUS}?columns=age&ordering={order}")
    page = reader.page(f"{CENSUS}?columns=age&ordering=-age")
    assert '<a href="?columns=age" id="sort-age">Age' in page and 'aria-sort="descending"' in page


@pytest.mark.both_engines
def test_headers_show_the_whole_order(reader, respondents):
    page = reader.page(f"{CENSUS}?columns=education,age,sex&ordering=-age,education")
    head = {name: page.partition(f'id="sort-{name}"')[2].partition("</a>")[0] for name in ("age", "education", "sex")}
    assert "&#9660;</span>" in head["age"] and "&#9650;<sub>2</sub></span>" in head["education"]
    assert "ascending, sort column 2; sort, lowest first" in head["education"] and "#96" not in head["sex"]
    assert page.count("aria-sort") == 1


@pytest.mark.both_engines
def test_missing_values_are_last(reader, respondents):
    for order in ("workclass", "-workclass"):
        cells = reader.texts(f"{CENSUS}?columns=workclass&ordering={order}")
        assert cells[-1] == ["– missing"] and len(cells) == 5


@pytest.mark.both_engines
def test_pages_link_forwards_and_backwards(reader, people, monkeypatch):
    for module in ("explore.table_page", "explore.url_state"):
        monkeypatch.setattr(f"{module}.ROWS", 2)
    address, seen = f"{PEOPLE}?columns=given_name&ordering=-family_name", []
    while address:
        page = reader.page(address)
        seen.append([row[0] for row in reader.texts(address)])
        back, on = (re.search(rf'href="([^"]+)" rel="{rel}"', page) for rel in ("prev", "next"))
        address = PEOPLE + on[1].replace("&amp;", "&") if on else ""
    assert seen == [["G2", "G4"], ["G6", "G1"], ["G3", "G5"]]
    assert [row[0] for row in reader.texts(PEOPLE + back[1].replace("&amp;", "&"))] == ["G6", "G1"]


def test_another_order_begins_at_its_first_page(reader, people, monkeypatch):
    monkeypatch.setattr("explore.table_page.ROWS", 2)
    page = reader.page(f"{PEOPLE}?ordering=id")
    cursor = re.search(r"cursor=([\w.-]+)", page)[1]
    later = reader.page(f"{PEOPLE}?ordering=id&cursor={cursor}")
    assert 'href="?ordering=-id"' in later
    assert "cursor" in reader.page(f"{PEOPLE}?ordering=-id&cursor={cursor}", status=400)


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("county_of_brith=Fife", "county_of_brith", "Did you mean county_of_birth?"),
        ("colums=id", "colums", "Did you mean columns?"),
        ("columns=given_nam", "columns", "Did you mean given_name?"),
        ("columns=id,id", "columns", "id occurs twice."),
        ("ordering=-birth", "ordering", "There is no column birth."),
        ("date_of_birth__gte=1850", "date_of_birth__gte", "Expected a date such as 2023-05-01, found 1850."),
        ("corrected=perhaps", "corrected", "Expected true or false, found perhaps."),
        ("cursor=x", "cursor", "Expected the cursor of a Next or Previous link of this list in this sort order."),
        ("date_of_birth=1850-01-01&date_of_birth=1850-01-02&date_of_birth__in=1850-01-03", "date_of_birth", "once"),
    ],
)
def test_a_mistyped_parameter_is_reported_and_nothing_is_shown(reader, people, query, parameter, message):
    page = reader.page(f"{PEOPLE}?{query}", status=400)
    text = page.partition('<div class="errornote"')[2].partition("</div>")[0]
    assert f"<code>{parameter}</code>" in text and message in text
    assert "<tbody>" not in page and 'id="explore-form"' in page
    reader.page(PEOPLE + unescape(re.search(r'href="([^"]*)">Show the page without it', page)[1]))


def test_an_empty_list_suggests_filters_to_remove(reader, respondents):
    page = reader.page(f"{CENSUS}?age__gte=90&education=Bachelors&sex=Male")
    empty = page.partition('<div class="explore-empty"')[2].partition("</div>")[0]
    assert re.findall(r'<a href="([^"]+)">without “(.*?)”</a>: (\S+)</li>', empty) == [
        ("?education=Bachelors&amp;sex=Male", "age ≥ 90", "1"),
        ("?age__gte=90&amp;sex=Male", "education is Bachelors", "1"),
    ]
    page = reader.page(f"{CENSUS}?age__gte=150&hours_per_week__gte=160")
    assert "Removing one filter is not enough." in page
    assert "There are no sessions yet." in reader.page("subjects/sessions/")


def test_special_characters_are_escaped(reader, people):
    assert [ODD] in reader.texts(f"{PEOPLE}?columns=place_of_birth")
    page = reader.page(f"{PEOPLE}?search=%3Cscript%3Ealert(1)%3C/script%3E&ordering=id")
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_records_link_to_the_admin_for_users_with_access(reader, signed_in, people):
    key = Person.objects.order_by("pk").first().pk
    assert f'<a href="/admin/people/person/{key}/change/">{key}</a>' in reader.page(PEOPLE)
    other = signed_in("Analysts", name="eve")
    other.get("/explore/")
    assert "No people match" in other.page(f"{PEOPLE}?family_name=Nobody")


@pytest.mark.both_engines
@pytest.mark.parametrize("table", ["experiments/user-features/", "subjects/by-birth-year/", "census/races/"])
def test_views_and_vocabularies_are_tables_too(reader, table):
    assert "There are no" in reader.page(table)


@pytest.mark.parametrize(
    ("query", "most"),
    [("", 20), ("?ordering=-age", 20), ("?education=Bachelors&age__gte=10", 22), ("?columns=age", 16)],
)
def test_a_page_takes_a_fixed_number_of_queries(reader, respondents, query, most):
    reader.page(CENSUS + query)  # stored for the next request
    with CaptureQueriesContext(connection) as captured:
        reader.page(CENSUS + query)
    assert len(captured) <= most, [statement["sql"] for statement in captured]


@pytest.mark.parametrize("address", [PEOPLE, f"{PEOPLE}export/", f"{PEOPLE}?x=", "people/peple/", f"{PEOPLE}?colums=1"])
def test_pages_have_no_inline_styles_or_scripts(reader, people, address):
    page = reader.get(f"/explore/{address}", follow=True).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert not [script for script in re.findall(r"<script([^>]*)>", page) if "src=" not in script]
    labelled = set(re.findall(r'for="([^"]+)"', page))
    boxes = re.findall(r'<(?:input|select)(?![^>]*type="(?:hidden|submit)")[^>]*\bid="([^"]+)"', page)
    assert set(boxes) <= labelled
