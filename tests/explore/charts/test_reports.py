"""Charts that a report can use: numbers of records, intervals, weights, log scales, titles, links, data as CSV."""

import csv
import io
import re
from html import unescape

import numpy as np
import pytest
from django.http import QueryDict
from scipy import stats

from census.models import Respondent
from datasets.matviews import refresh
from experiments.models import UserFeatures
from explore.charts import ChartError, Drawing, draw
from people.models import Person
from tests.explore.charts.test_figures import drawn

CHART = "/explore/census/respondents/chart"


def decade(age: int) -> str:
    return f"{age // 10 * 10}–{age // 10 * 10 + 9}"


def weighted_interval(values, weights):
    """Return the weighted mean and the ends of its linearized 95% interval, computed by numpy and scipy."""
    values, weights = np.array(values, dtype=float), np.array(weights, dtype=float)
    count, mean = len(values), np.average(values, weights=weights)
    error = np.sqrt(count / (count - 1) * np.sum((weights * (values - mean)) ** 2)) / weights.sum()
    reach = stats.t.ppf(0.975, count - 1) * error
    return mean, mean - reach, mean + reach


@pytest.mark.parametrize("weight", ["", "fnlwgt"])
def test_a_mean_has_the_interval_that_numpy_and_scipy_find(many, weight):
    for number, person in enumerate(many):
        person.fnlwgt = 1000 + number * number * 37 % 5000
    Respondent.objects.bulk_update(many, ["fnlwgt"])
    for kind, x in (("bar", "education"), ("line", "age:10")):
        picture = drawn(Respondent, kind=kind, x=x, measure="mean:capital_gain", weight=weight)
        assert picture.columns[-2:] == ["95% confidence interval: from", "95% confidence interval: to"]
        assert {value for row in picture.rows for value in row[3:]} != {None}
        for group, mean, count, low, high in picture.rows:
            people = [
                one for one in many if group in (one.education.name, f"{one.age // 10 * 10}–{one.age // 10 * 10 + 9}")
            ]
            gains = [one.capital_gain for one in people]
            weights = [one.fnlwgt if weight else 1 for one in people]
            assert count == len(people)
            assert mean == pytest.approx(np.average(gains, weights=weights))
            if count < 5:
                assert low is high is None
                continue
            assert (mean, low, high) == pytest.approx(weighted_interval(gains, weights), rel=1e-4)
            if not weight:
                plain = stats.t.interval(0.95, count - 1, loc=np.mean(gains), scale=stats.sem(gains))
                assert (low, high) == pytest.approx(plain, rel=1e-4)


def test_an_interval_keeps_the_digits_of_large_numbers_that_differ_little(many):
    Respondent.objects.update(fnlwgt=2_000_000_000)
    Respondent.objects.filter(sex="Male").update(fnlwgt=2_000_000_001)
    weights = [2_000_000_000 + (one.sex == "Male") for one in many]
    [(mean, low, high)] = [
        row[1:2] + row[3:] for row in drawn(Respondent, kind="bar", x="race", measure="mean:fnlwgt").rows
    ]
    expected = stats.t.interval(0.95, 59, loc=np.mean(weights), scale=stats.sem(weights))
    assert (high - low) == pytest.approx(expected[1] - expected[0], rel=1e-4) and low < mean < high


@pytest.mark.parametrize("weight", ["", "fnlwgt"])
def test_a_share_of_yes_has_wilsons_interval(many, weight):
    Respondent.objects.filter(sex="Male").update(fnlwgt=3)
    Respondent.objects.filter(sex="Female").update(fnlwgt=1)
    picture = drawn(Respondent, kind="bar", x="education", measure="share:income_over_50k", weight=weight)
    for level, share, count, low, high in picture.rows:
        people = [one for one in many if one.education.name == level]
        weights = np.array([(3 if one.sex == "Male" else 1) if weight else 1 for one in people], dtype=float)
        yes = np.array([one.income_over_50k for one in people])
        assert share == pytest.approx(np.average(yes, weights=weights))
        effective = weights.sum() ** 2 / (weights**2).sum()
        if not weight:
            exact = stats.binomtest(int(yes.sum()), count).proportion_ci(method="wilson")
            assert (low, high) == pytest.approx((exact.low, exact.high))
        z = stats.norm.ppf(0.975)
        middle = (share + z * z / effective / 2) / (1 + z * z / effective)
        assert (low + high) / 2 == pytest.approx(middle)
    assert picture.title == "Share with income over 50K by education" + ", weighted by final weight" * bool(weight)


def test_weights_count_in_the_unit_that_the_dataset_declares(many):
    for number, person in enumerate(many):
        person.fnlwgt = 100 * number
    Respondent.objects.bulk_update(many, ["fnlwgt"])
    counts = drawn(Respondent, kind="bar", x="sex", weight="fnlwgt")
    assert counts.columns == ["Sex", "People, weighted by final weight", "Records"]
    of = {sex: [one for one in many if one.sex == sex] for sex in ("Male", "Female")}
    assert {row[0]: row[1:] for row in counts.rows} == {
        sex: (sum(one.fnlwgt for one in people) / 100, len(people)) for sex, people in of.items()
    }
    note = "Weighted by final weight: the sum of the weights divided by 100 is the number of people."
    assert note in counts.subtitle and counts.title == "People by sex, weighted by final weight"
    total = sum(one.fnlwgt for one in many)
    for row in drawn(Respondent, kind="bar", x="sex", weight="fnlwgt", measure="share").rows:
        assert row[1] == pytest.approx(sum(one.fnlwgt for one in of[row[0]]) / total)
    for measure, value in (
        ("sum:age", lambda one: one.age),
        ("count:income_over_50k", lambda one: one.income_over_50k),
    ):
        for sex, amount, *_ in drawn(Respondent, kind="bar", x="sex", weight="fnlwgt", measure=measure).rows:
            assert amount == pytest.approx(sum(one.fnlwgt * value(one) for one in of[sex]) / 100)
    bins = drawn(Respondent, kind="histogram", x="age", weight="fnlwgt", colour="sex", measure="share").rows
    assert sum(row[2] for row in bins) == pytest.approx(2)  # 1 for each sex


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "params, parameter, expected",
    [
        ({"x": "sex", "weight": "age"}, "weight", "Expected a column of weights .fnlwgt., found age"),
        ({"x": "sex", "weight": "fnlwgt", "measure": "median:age"}, "weight", "A median cannot be weighted"),
        ({"kind": "box", "x": "sex", "y": "age", "weight": "fnlwgt"}, "weight", "“Box plot” does not use this"),
        ({"x": "sex", "measure": "share:age"}, "measure", "age is not a boolean column. Use mean:age"),
        ({"x": "sex", "scale": "cubic"}, "scale", "Expected one of log, log-x, log-both; found cubic"),
        ({"x": "sex", "scale": "log-x"}, "scale", "“Bars” does not use this parameter .found log-x"),
        ({"kind": "line", "x": "age", "scale": "log"}, "scale", "needs values above 0, but the smallest is 0"),
        ({"x": "sex", "title": "a" * 151}, "title", "Expected at most 150 characters, found 151"),
        ({"x": "sex", "title": "a\nb"}, "title", "without line breaks"),
    ],
)
def test_an_option_that_does_not_fit_is_reported(many, params, parameter, expected):
    with pytest.raises(ChartError, match=expected) as refused:
        drawn(Respondent, **params)
    assert refused.value.parameter == parameter


@pytest.mark.only_on("sqlite")
def test_weights_of_a_table_without_any_are_refused(people):
    with pytest.raises(ChartError, match="This table has no column of weights"):
        drawn(Person, kind="bar", x="family_name", weight="id")


def test_records_without_a_value_are_left_out_and_counted(experiments):
    refresh("experiments")
    for kind, params in (("bar", {"measure": "mean:mean_run_time"}), ("box", {"y": "mean_run_time"})):
        picture = drawn(UserFeatures, kind=kind, x="total_experiments", **params)
        assert "Left out: 1 row without mean run time." in picture.subtitle
        assert picture.subtitle[-1].startswith("n = 2 rows, ")
        assert [row["records"] for row in picture.spec["data"]["values"] if row["x"] == "1"] == [1]


def axes_of(spec):
    """Yield the encoding of each axis with numbers."""
    for layer in [spec, *spec.get("layer", [])]:
        for channel in ("x", "y"):
            if "scale" in (encoding := layer.get("encoding", {}).get(channel, {})):
                yield encoding


def test_axes_end_at_the_data_and_have_at_most_10_labels(many):
    charts = {
        "histogram": {"x": "capital_gain"},
        "box": {"x": "occupation", "y": "capital_gain"},
        "bar": {"x": "education", "measure": "mean:capital_gain"},
        "line": {"x": "age", "measure": "mean:capital_gain"},
        "scatter": {"x": "age", "y": "capital_gain"},
    }
    for kind, params in charts.items():
        for encoding in axes_of(drawn(Respondent, kind=kind, **params).spec):
            low, high = encoding["scale"]["domain"]
            assert 0 <= low < high <= 60_000, (kind, encoding["scale"])
            assert encoding["scale"]["nice"] is False
            labels = encoding["axis"]["values"]
            assert 2 < len(labels) <= 10 and low <= labels[0] and labels[-1] <= high
    bars = drawn(Respondent, kind="bar", x="age:2").spec["encoding"]["x"]
    assert len(bars["sort"]) > 20 and 5 <= len(bars["axis"]["values"]) <= 10
    assert {*bars["axis"]["values"]} < {*bars["sort"]}
    dates = drawn(Respondent, kind="heat", x="sex", y="age").spec["encoding"]["y"]["sort"]
    starts = [int(label.partition("–")[0]) for label in dates]
    assert starts == sorted(starts, reverse=True)  # small numbers are at the bottom


def test_a_log_scale_has_round_labels_and_no_stacks(many):
    encoding = drawn(Respondent, kind="bar", x="education", colour="sex", scale="log").spec["encoding"]
    assert encoding["x"]["scale"]["type"] == "log" and encoding["x"]["stack"] is None and "yOffset" in encoding
    low, high = encoding["x"]["scale"]["domain"]
    assert 0 < low < high and encoding["x2"] == {"datum": low}
    scatter = drawn(Respondent, kind="scatter", x="age", y="fnlwgt", scale="log-x").spec["encoding"]
    assert scatter["x"]["scale"]["type"] == "log" and "type" not in scatter["y"]["scale"]


@pytest.mark.parametrize("kind", ["bar", "box", "heat"])
def test_groups_have_the_order_in_which_the_filter_lists_them(many, kind):
    y = {"heat": "sex", "box": "age", "bar": ""}[kind]
    filters = {"education__in": "Masters,HS-grad,Bachelors"}
    for measure in ("count", "mean:age") if kind == "bar" else ("count",):
        picture = draw(
            Respondent, Respondent.objects.all(), Drawing(kind, x="education", y=y, measure=measure), parameters=filters
        )
        assert [*dict.fromkeys(row[0] for row in picture.rows)] == ["Masters", "HS-grad", "Bachelors"]
    colours = draw(
        Respondent, Respondent.objects.all(), Drawing("bar", x="sex", colour="education"), parameters=filters
    )
    assert colours.spec["encoding"]["color"]["sort"] == ["Masters", "HS-grad", "Bachelors"]


def test_a_mark_links_to_its_records(reader, many):
    """Each mark of each kind links to a list with as many records as the mark has."""
    queries = [
        "kind=bar&x=education&colour=sex&age__gte=30",
        "kind=bar&x=occupation&education__in=Masters,HS-grad",
        "kind=histogram&x=age&bins=10&age__gte=25&age__lte=61",
        "kind=heat&x=income_over_50k&y=age:20&occupation__isnull=false",
        "kind=box&x=education&y=age&sex=Male",
        "kind=line&x=age:10&measure=mean:age&education=Masters",
    ]
    for query in queries:
        spec = reader.get(f"{CHART}.json?{query}").json()
        [parameter] = spec["params"]
        rows = [row for row in spec["data"]["values"] if row["records"]]
        assert len(rows) > 1
        for row in [rows[0], rows[-1]]:
            link = parameter["value"] + row["link"]
            assert reader.get(link).status_code == 200
            counted = reader.get(link.replace("/explore/", "/api/") + "&count=exact").json()["count"]
            assert counted == row["records"], (query, row)
    svg = reader.get(f"{CHART}.svg?{queries[0]}").text
    [link] = {
        unescape(one) for one in re.findall(r'<a xlink:href="([^"]+)"', svg) if "Masters" in one and "Female" in one
    }
    assert link.startswith("http://testserver/explore/census/respondents/?")
    assert QueryDict(link.partition("?")[2]).dict() == {"age__gte": "30", "education": "Masters", "sex": "Female"}
    points = reader.get(f"{CHART}.json?kind=scatter&x=age&y=fnlwgt&age__gte=30").json()
    assert points["params"][0]["value"] == "/explore/census/respondents/?"
    assert {row["link"] for row in points["data"]["values"]} == {f"id={one.pk}" for one in many if one.age >= 30}


@pytest.mark.only_on("sqlite")
def test_a_title_is_in_the_url_and_in_the_picture_and_escaped(reader, many):
    query = "kind=bar&x=sex&title=Who%20%3Cb%3Eanswered%3C/b%3E%3F"
    page = reader.page(f"census/respondents/chart/?{query}")
    assert "Who &lt;b&gt;answered&lt;/b&gt;?</h2>" in page and 'maxlength="150"' in page
    svg = reader.get(f"{CHART}.svg?{query}").text
    assert "Who &lt;b&gt;answered&lt;/b&gt;?" in svg and "Respondents by sex" not in svg
    assert reader.get(f"{CHART}.json?{query}").json()["description"].startswith("Who <b>answered</b>?. Census")


def test_the_data_of_a_chart_are_csv(reader, people, many):
    address = f"{CHART}.csv?kind=bar&x=education&measure=mean:age&sex=Male"
    answer = reader.get(address)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.text))
    ends = ["95% confidence interval: from", "95% confidence interval: to"]
    assert head == ["Education", "Mean age (years)", "Records", *ends]
    ages = [one.age for one in many if one.sex == "Male" and one.education.name == "Masters"]
    [masters] = [row for row in rows if row[0] == "Masters"]
    assert (float(masters[1]), int(masters[2])) == (pytest.approx(np.mean(ages)), len(ages))
    assert (
        reader.get(
            f"{CHART}.csv?kind=bar&x=education&measure=mean:age&sex=Male", headers={"If-None-Match": answer["ETag"]}
        ).status_code
        == 304
    )
    for wrong in ("kind=pie", "spreadsheet=yes", "width=1", "theme=blue", "nope=1", "scale=log-x"):
        assert reader.get(f"{CHART}.csv?{wrong}").status_code == 400, wrong
    Person.objects.update(family_name="=1+1")
    names = "/explore/people/people/chart.csv?kind=bar&x=family_name"
    assert reader.get(names).text == "Family name,People\n=1+1,6\n"
    escaped = reader.get(f"{names}&spreadsheet=true").text
    assert escaped == "\ufeffFamily name,People,cells_defused\n'=1+1,6,yes\n"
