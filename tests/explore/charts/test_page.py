"""The Chart tab: a default chart of every table, and a form with the options that fit."""

import json
import re
from dataclasses import replace
from datetime import date
from html import unescape
from urllib.parse import quote

import altair as alt
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import QueryDict
from jsonschema_rs import validator_for

from census.models import Respondent
from datasets.matviews import refresh
from explore.charts import draw
from explore.charts.chart_spec import KINDS, Drawing
from explore.charts.form_options import boxes, fitted
from explore.tables import tables_for
from people.models import Person, Place

pytestmark = pytest.mark.only_on("sqlite")

CHART = "census/respondents/chart/"


def options(page: str, name: str) -> list[str]:
    """Return the options of a field of the form."""
    box = page.partition(f'<select form="explore-form" name="{name}"')[2].partition("</select>")[0]
    return re.findall(r'value="([^"]*)"', box)


def chosen(page: str, name: str) -> str:
    box = page.partition(f'<select form="explore-form" name="{name}"')[2].partition("</select>")[0]
    return re.search(r'value="([^"]*)" selected', box)[1]


@pytest.mark.both_engines
def test_each_table_has_a_default_chart(reader, people, experiments, respondents, django_user_model):
    for dataset in ("people", "experiments", "census"):
        refresh(dataset)
    shown, without = [], []
    for table in tables_for(django_user_model.objects.get()):
        page = reader.page(f"{table.path}/chart/")
        answer = reader.get(f"/explore/{table.path}/chart.json")
        if "Choose a column of " in page:
            without.append(table.path)
            assert answer.status_code == 400 and answer.text.startswith("x: Choose a column for the axis.")
            continue
        assert answer.status_code == 200
        if "chart-drawing" in page:
            shown.append(table.path)
            assert answer.json()["data"]["values"]
            assert answer.json()["description"] in unescape(page)
    assert {"people/people", "experiments/users", "census/respondents", "census/income-by-education"} <= {*shown}
    assert {"experiments/compounds", "census/races", "census/education-levels"} <= {*without}


def test_a_vocabulary_links_to_charts_of_referring_tables(reader, signed_in, respondents):
    page = reader.page("census/races/chart/")
    assert ">Respondents by race</a>" in page and "Choose a column of Races to plot, or try:" in page
    address = unescape(re.search(r'href="/explore/([^"]+)">Respondents by race', page)[1])
    assert "Respondents by race" in reader.page(address)
    assert "chart-drawing" in reader.page("census/races/chart/?kind=bar")  # as the form requests it
    user = signed_in("nobody", name="grace")
    grace = get_user_model().objects.get(username="grace")
    grace.user_permissions.set(Permission.objects.filter(codename="view_race"))
    assert "Respondents" not in user.page("census/races/chart/").partition("explore-main")[2]


@pytest.mark.both_engines
def test_columns_with_few_groups_come_first(people, admin_user):
    place = Place.objects.first()
    for number in range(60):
        Person.objects.create(
            given_name=f"N{number}", family_name=f"F{number}", date_of_birth=date(1900, 1, 1), place_of_birth=place
        )
    drawing = fitted(Person, Drawing("heat"), admin_user)
    assert not {drawing.x, drawing.y} & {"", "given_name", "family_name"}


def test_the_form_offers_suitable_options(reader, respondents):
    page = reader.page(f"{CHART}?kind=bar&x=education")
    groups = options(page, "x")
    assert {"education", "workclass", "sex", "income_over_50k", "age", "education_years"} <= {*groups}
    assert not {"id", "education_id", "workclass_id", "created_line", "corrections"} & {*groups}
    measures = options(page, "measure")
    assert {"count", "share", "mean:age", "median:age", "sum:capital_gain"} <= {*measures}
    assert {"share:income_over_50k", "count:income_over_50k"} <= {*measures}
    assert not {f"{kind}:income_over_50k" for kind in ("mean", "median", "sum")} & {*measures}
    assert not {"mean:sex", "mean:id"} & {*measures}
    assert "y" not in re.findall(r'name="(\w+)"', page)
    scatter = reader.page(f"{CHART}?kind=scatter&x=age&y=hours_per_week")
    assert "sex" not in options(scatter, "x") and "sex" in options(scatter, "colour")
    assert 'name="measure"' not in scatter


@pytest.fixture(scope="module")
def vega_lite():
    """The JSON schema of Vega-Lite."""

    def with_address(item):  # names of definitions contain characters such as < and "
        return item | {"$ref": quote(item["$ref"], safe="#/")} if "$ref" in item else item

    return validator_for(json.loads(json.dumps(alt.load_schema()), object_hook=with_address))


@pytest.mark.both_engines
@pytest.mark.parametrize("kind", KINDS)
def test_every_choice_can_be_drawn(respondents, admin_user, vega_lite, kind):
    for box in boxes(Respondent, fitted(Respondent, Drawing(kind), admin_user), admin_user):
        for option in (option for _, options in box.groups for option in options if box.name != "kind"):
            measure = "mean:age" if box.name == "scale" and kind == "line" else Drawing.measure  # no count of 0
            drawing = replace(Drawing(kind, measure=measure), **{box.name: option.value})
            drawing = fitted(Respondent, drawing, admin_user)
            assert getattr(drawing, box.name) == option.value
            picture = draw(Respondent, Respondent.objects.all(), drawing, admin_user)
            assert picture.rows
            vega_lite.validate(picture.spec)


def test_another_kind_of_chart_keeps_only_suitable_options(reader, respondents):
    page = reader.page(f"{CHART}?kind=histogram&x=education&measure=mean:age&sort=name&y=age&drawn=bar")
    assert (chosen(page, "x"), chosen(page, "measure")) == ("age", "count")
    page = reader.page(f"{CHART}?kind=box&x=education&measure=mean:age&drawn=bar")
    assert (chosen(page, "x"), chosen(page, "y")) == ("education", "age")
    page = reader.page(f"{CHART}?kind=heat&x=education")
    assert chosen(page, "y") not in ("", "education")


def test_a_changed_kind_of_chart_redirects_to_its_url(reader, respondents):
    page = reader.page(f"{CHART}?kind=bar&x=education&sex=Male")
    assert '<input type="hidden" form="explore-form" name="drawn" value="bar">' in page
    answer = reader.get(f"/explore/{CHART}?kind=scatter&x=education&sex=Male&sort=&drawn=bar")
    assert answer.status_code == 302
    assert QueryDict(answer["Location"].partition("?")[2]).dict() == {
        "kind": "scatter", "x": "age", "y": "fnlwgt", "sex": "Male",
    }  # fmt: skip
    same = reader.get(f"/explore/{CHART}?kind=bar&x=nothing&colour=&drawn=bar")
    assert same["Location"] == f"/explore/{CHART}?kind=bar&x=nothing"


@pytest.mark.parametrize("end", ["chart/", "chart.png", "chart.json"])
def test_parameters_that_a_kind_of_chart_does_not_use_are_refused(reader, respondents, end):
    for query, result in [
        ("kind=scatter&x=education", "Expected a column of numbers"),
        ("kind=line&x=age&sort=name", "“Line” does not use this parameter (found name). Remove it."),
        ("kind=bar&x=sex&theme=blue", "Expected light or dark, found blue." if end == "chart.png" else ""),
    ]:
        if result:
            answer = reader.get(f"/explore/census/respondents/{end}?{query}")
            assert answer.status_code == 400 and result in unescape(answer.text)


def test_kinds_of_charts_without_suitable_columns_are_disabled(reader, people):
    kinds = reader.page("people/places/chart/").partition('class="chart-kinds"')[2].partition("</fieldset>")[0]
    assert re.findall(r'id="chart-kind-(\w+)" disabled', kinds) == ["line", "histogram", "box", "scatter"]
    assert kinds.count("<svg") == len(KINDS) and "“Scatter” needs two columns of numbers" in kinds
    page = reader.page("people/places/chart/?kind=scatter", 400)
    assert "<code>kind</code>: “Scatter” needs two columns of numbers; this table has none." in page


def test_the_default_order_is_named(reader, respondents):
    for query, result in [
        ("kind=bar&x=education", "natural order"),
        ("kind=bar&x=age", "natural order"),
        ("kind=bar&x=occupation", "most frequent first"),
        ("kind=bar&x=occupation&measure=mean:age", "highest first"),
        ("kind=heat&x=occupation&y=sex", "most frequent first"),
        ("kind=box&x=occupation&y=age", "highest first"),
    ]:
        assert f'<option value="" selected>{result}</option>' in reader.page(f"{CHART}?{query}")


def test_the_form_has_bins_for_columns_of_numbers(reader, respondents):
    for query, offered in [("kind=bar&x=education", False), ("kind=bar&x=age", True), ("kind=box&x=sex&y=age", False)]:
        assert ('name="bins"' in reader.page(f"{CHART}?{query}")) is offered


def test_marks_are_described_in_words(reader, respondents):
    svg = reader.get(f"/explore/{CHART[:-1]}.svg?kind=bar&x=education&colour=sex").text
    assert 'aria-label="Education: HS-grad; Sex: Female; Respondents: 1 (fewer than 5)"' in svg
    assert "order:" not in svg


@pytest.mark.both_engines
def test_the_url_contains_the_filters_and_the_chart(reader, respondents):
    page = reader.page(f"{CHART}?kind=bar&x=education&age__gte=60")
    assert "2 respondents" not in page and "3 respondents" in page
    address = re.search(r'data-spec="([^"]+)"', page)[1].replace("&amp;", "&")
    params = QueryDict(address.partition("?")[2])
    assert params.dict() == {"kind": "bar", "x": "education", "age__gte": "60"}
    assert sum(row["value"] for row in reader.get(address).json()["data"]["values"]) == 3
    table = re.search(r'<a href="([^"]+)">Table</a>', page)[1]
    assert "age__gte=60" in table
    assert reader.get(table.replace("&amp;", "&")).status_code == 200


def test_the_data_are_a_table_with_heads(reader, respondents):
    page = reader.page(f"{CHART}?kind=bar&x=education&measure=mean:capital_gain&sort=education_years")
    table = re.sub("</?a[^>]*>", "", page.partition('id="chart-data"')[2].partition("</table>")[0])
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)
    assert heads == ["Education", "Mean capital gain (US dollars)", "Records"]
    link = unescape(re.search(r'<th scope="row"><a href="([^"]+)">Masters', page)[1])
    assert link == "/explore/census/respondents/?education=Masters" and reader.get(link).status_code == 200
    assert re.findall(r'<th scope="row">(.*?)</th>', table) == ["HS-grad", "Bachelors", "Masters"]
    assert "8,129" in table


def test_an_invalid_drawing_is_reported_on_the_page(reader, respondents):
    page = reader.page(f"{CHART}?kind=bar&x=educaton", 400)
    assert "Did you mean education?" in page
    assert "<code>x</code>" in page
    for wrong in (
        "kind=pie",
        "bins=1",
        "bins=%D9%A3",
        "bins=99999999999999999999",
        "measure=mean:sex",
        "x=age:0",
        "nope=1",
    ):
        reader.page(f"{CHART}?{wrong}", 400)
        answer = reader.get(f"/explore/census/respondents/chart.json?{wrong}")
        assert answer.status_code == 400 and answer["Content-Type"].startswith("text/plain")


@pytest.mark.both_engines
def test_an_empty_result_suggests_filters_to_remove(reader, respondents):
    page = reader.page(f"{CHART}?age__gte=149&sex=Male")
    assert "Nothing to plot: no respondents with a value match all of these filters." in page
    assert "without “age ≥ 149”" in page
    assert "chart-drawing" not in page


def test_personal_data_are_offered_only_with_the_permission(signed_in, experiments):
    analyst = signed_in("Analysts", name="grace")
    page = analyst.page("experiments/users/chart/?kind=bar")
    assert "email" not in options(page, "x")
    assert "alice" not in analyst.page("experiments/users/chart/?kind=bar&x=email", 400)
    assert "experiments.view_email" in analyst.get("/explore/experiments/users/chart.json?kind=bar&x=email").text
    curator = signed_in(name="ada")
    assert "alice@example.com" in curator.get("/explore/experiments/users/chart.json?kind=bar&x=email").text
    assert "alice" not in analyst.get("/explore/experiments/users/chart.json?kind=bar&x=email").text  # nor remembered


def test_names_are_escaped(reader, people):
    page = reader.page("people/people/chart/?kind=bar&x=place_of_birth")
    assert "<b>&amp;" not in page.partition("<main")[2] and "&lt;b&gt;" in page


def test_a_url_contains_the_drawing():
    drawing = Drawing("heat", x="age:10", y="sex", measure="mean:age", bins=7)
    data = QueryDict(mutable=True)
    data.update(drawing.parameters())
    assert Drawing.read(data, Drawing()) == drawing
    assert Drawing.read(QueryDict(), drawing) == drawing
