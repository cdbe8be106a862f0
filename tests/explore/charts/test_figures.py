"""The values of charts equal those computed from the records in Python."""

from collections import Counter
from dataclasses import replace
from datetime import date
from statistics import median

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from census.models import IncomeByEducation, Respondent
from datasets.matviews import refresh
from experiments.models import UserFeatures
from explore.charts import ChartError, Drawing, default_drawing, draw
from people.models import Person, Place

ON = date(2026, 3, 1)


def drawn(model, *, records=None, **params):
    return draw(model, model.objects.all() if records is None else records, Drawing(**params), on=ON)


def test_bars_show_the_count_of_each_group_with_missing_last(many):
    picture = drawn(Respondent, kind="bar", x="occupation")
    counts = Counter(person.occupation.name if person.occupation else "missing" for person in many)
    assert dict(picture.rows) == counts
    assert picture.columns == ["Occupation", "Respondents"]
    assert picture.rows[-1][0] == "missing"
    assert picture.title == "Respondents by occupation"
    assert picture.subtitle == ["Census: respondents.", "n = 60 respondents, 1 March 2026."]


def test_shares_are_of_all_or_of_each_bar(many):
    alone = drawn(Respondent, kind="bar", x="education", measure="share")
    assert sum(row[1] for row in alone.rows) == pytest.approx(1)
    split = drawn(Respondent, kind="bar", x="education", colour="sex", measure="share")
    for level in {row[0] for row in split.rows}:
        assert sum(row[2] for row in split.rows if row[0] == level) == pytest.approx(1)
    masters = [person for person in many if person.education.name == "Masters"]
    counts = {(row[0], row[1]): row[2] for row in split.rows}
    assert counts["Masters", "Male"] == sum(person.sex == "Male" for person in masters) / len(masters)


@pytest.mark.parametrize("kind, expected", [("mean", np.mean), ("median", median), ("sum", sum)])
def test_bars_measure_a_column(many, kind, expected):
    picture = drawn(Respondent, kind="bar", x="education", measure=f"{kind}:hours_per_week")
    for level, value, count, *_ in picture.rows:
        hours = [person.hours_per_week for person in many if person.education.name == level]
        assert (value, count) == (pytest.approx(expected(hours)), len(hours))
    jobs = drawn(Respondent, kind="bar", x="occupation", measure=f"{kind}:hours_per_week").rows[:-1]  # missing is last
    assert [row[1] for row in jobs] == sorted((row[1] for row in jobs), reverse=True)


def test_the_mean_of_yes_and_no_is_a_share(many):
    picture = drawn(Respondent, kind="bar", x="sex", measure="mean:income_over_50k")
    assert picture.title == "Share with income over 50K by sex"
    assert picture.spec["encoding"]["x"]["axis"]["format"] == ".1~%"
    assert dict(row[:2] for row in picture.rows)["Male"] == pytest.approx(
        np.mean([person.income_over_50k for person in many if person.sex == "Male"])
    )


def test_bars_have_the_requested_order(many):
    def order(sort):
        return [row[0] for row in drawn(Respondent, kind="bar", x="education", sort=sort).rows]

    assert order("education_years") == ["HS-grad", "Bachelors", "Masters"]
    assert order("-education_years") == ["Masters", "Bachelors", "HS-grad"]
    assert order("name") == ["Bachelors", "HS-grad", "Masters"]
    counts = Counter(person.education.name for person in many)
    assert order("-value") == sorted(counts, key=lambda name: -counts[name])
    with pytest.raises(ChartError, match="There is no column nothing"):
        order("nothing")


def test_a_vocabulary_that_is_listed_in_an_order_has_it_in_charts(many):
    levels = ["HS-grad", "Bachelors", "Masters"]
    assert [row[0] for row in drawn(Respondent, kind="bar", x="education", measure="mean:age").rows] == levels
    assert [row[0] for row in drawn(Respondent, kind="box", x="education", y="age").rows] == levels
    heat = drawn(Respondent, kind="heat", x="sex", y="education").spec
    assert heat["encoding"]["y"]["sort"] == levels


def test_each_number_is_in_a_bin(many):
    picture = drawn(Respondent, kind="histogram", x="age", bins=10)
    assert sum(row[1] for row in picture.rows) == 60
    counts = Counter(person.age // 10 * 10 for person in many)
    assert dict(picture.rows) == {f"{least}–{least + 9}": count for least, count in counts.items()}
    assert [row["start"] for row in picture.spec["data"]["values"]] == sorted(counts)


def test_shares_of_a_histogram_are_of_each_colour(many):
    picture = drawn(Respondent, kind="histogram", x="age", colour="sex", measure="share")
    for sex in ("Male", "Female"):
        assert sum(row[2] for row in picture.rows if row[1] == sex) == pytest.approx(1)


def test_outlines_of_a_histogram_are_closed_and_have_each_bin_at_its_full_width(many):
    Respondent.objects.filter(hours_per_week__range=(20, 29)).delete()
    picture = drawn(Respondent, kind="histogram", x="hours_per_week", bins=7, colour="sex", measure="share")
    rows = picture.spec["data"]["values"]
    for sex in ("Male", "Female"):
        outline = [(row["start"], row["value"]) for row in rows if row["colour"] == sex]
        share = {row[0]: row[2] for row in picture.rows if row[1] == sex}
        bins = [10 * n for n in range(8) if f"{10 * n}–{10 * n + 9}" in share]
        assert {0, 10, 30, 60} <= {*bins} and 20 not in bins
        assert (outline[0], outline[-1]) == ((bins[0], 0), (bins[-1] + 10, 0))
        assert [place for place, value in outline if value] == bins
        assert outline.index((20, 0)) < outline.index((30, 0))  # nothing between them
    assert picture.columns[2] == "Share of respondents within each sex"
    scale = picture.spec["layer"][0]["encoding"]["x"]["scale"]
    assert scale["domain"] == [0, max(row["start"] for row in rows)]


def test_a_line_over_years_is_0_for_years_without_births(people):
    Person.objects.filter(date_of_birth__year=1853).delete()
    picture = drawn(Person, kind="line", x="date_of_birth:year")
    assert picture.rows == [("1851", 1), ("1852", 1), ("1853", 0), ("1854", 1), ("1855", 1), ("1856", 1)]
    assert picture.spec["data"]["values"][2]["at"] == "1853-01-01"


def test_a_short_range_of_dates_is_grouped_by_month(people):
    picture = drawn(
        Person, records=Person.objects.filter(date_of_birth__year__lte=1852), kind="line", x="date_of_birth"
    )
    assert [row[0] for row in picture.rows] == [f"1851-{month:02}" for month in range(1, 13)] + ["1852-01"]
    assert sum(row[1] for row in picture.rows) == 2


def test_a_mean_without_records_has_no_value(many):
    picture = drawn(Respondent, kind="line", x="age", measure="mean:hours_per_week")
    assert {row[0] for row in picture.rows} == {str(person.age) for person in many}


@pytest.mark.parametrize("x", ["", "education"])
def test_a_box_has_the_quantiles_that_numpy_finds(many, x):
    picture = drawn(Respondent, kind="box", x=x, y="hours_per_week")
    for row in picture.rows:
        numbers = [person.hours_per_week for person in many if not x or person.education.name == row[0]]
        count, *quartiles, least, most = row[1:] if x else row
        assert (count, least, most) == (len(numbers), min(numbers), max(numbers))
        assert quartiles == pytest.approx(np.percentile(numbers, [5, 25, 50, 75, 95]))


def test_boxes_side_by_side(many):
    picture = drawn(Respondent, kind="box", x="education", y="age", colour="sex")
    for level, sex, count, *quartiles, _, _ in picture.rows:
        ages = [person.age for person in many if (person.education.name, person.sex) == (level, sex)]
        assert count == len(ages)
        assert quartiles == pytest.approx(np.percentile(ages, [5, 25, 50, 75, 95]))


def test_a_heat_map_has_a_cell_for_each_pair(many):
    picture = drawn(Respondent, kind="heat", x="education", y="occupation", measure="mean:age")
    for level, occupation, mean, count, *_ in picture.rows:
        ages = [
            one.age
            for one in many
            if (one.education.name, one.occupation.name if one.occupation else "missing") == (level, occupation)
        ]
        assert (mean, count) == (pytest.approx(np.mean(ages)), len(ages))


def test_the_group_other_does_not_affect_the_colours_of_a_heat_map(many, monkeypatch):
    monkeypatch.setattr("explore.charts.axes.MOST_GROUPS", 2)
    picture = drawn(Respondent, kind="heat", x="education", y="sex")
    fields = {(row["x"], row["y"]): row for row in picture.spec["data"]["values"]}
    assert len({x for x, _ in fields}) == 3
    assert all(row["grey"] == (x == "other") for (x, _), row in fields.items())
    assert "“Other” is grey." in picture.subtitle
    most = max(row["value"] for row in fields.values() if not row["grey"])
    assert picture.spec["encoding"]["color"]["condition"]["scale"]["domain"][1] == most
    mean = drawn(Respondent, kind="heat", x="education", y="sex", measure="mean:age")
    assert not any(row["grey"] for row in mean.spec["data"]["values"])
    Respondent.objects.filter(sex="Male", education__name="Masters").delete()
    monkeypatch.undo()
    assert "Blank: no respondents." in drawn(Respondent, kind="heat", x="education", y="sex").subtitle


def test_a_scatter_has_all_records_if_they_are_few(many):
    picture = drawn(Respondent, kind="scatter", x="age", y="capital_gain", colour="occupation")
    names = [
        (person.age, person.capital_gain, person.occupation.name if person.occupation else "missing") for person in many
    ]
    assert sorted(picture.rows) == sorted(names)
    assert picture.columns == ["Age (years)", "Capital gain (US dollars)", "Occupation"]


def test_a_scatter_plot_of_many_records_is_a_marked_sample(many, monkeypatch):
    monkeypatch.setattr("explore.charts.scatter.SAMPLE", 20)
    first, again = (drawn(Respondent, kind="scatter", x="age", y="capital_gain") for _ in range(2))
    assert len(first.rows) == 20
    assert first.rows == again.rows
    assert "Random sample of 20 from 60 respondents." in first.subtitle
    gains = [row[1] for row in first.rows]
    assert min(gains) < 20_000 and max(gains) > 40_000  # not the first ones


def test_a_scatter_of_records_with_a_text_for_a_key(respondents):
    refresh("census")
    rows = drawn(IncomeByEducation, kind="scatter", x="years", y="respondents").rows
    assert sorted(rows) == [(9, 2), (13, 2), (14, 1)]


def test_a_kind_of_chart_without_suitable_columns_is_refused(people):
    with pytest.raises(ChartError, match=r"^“Scatter” needs two columns of numbers; this table has none\.$") as refused:
        drawn(Place, kind="scatter", x="city", y="county")
    assert refused.value.parameter == "kind"


def test_each_view_has_a_default_chart(experiments):
    refresh("experiments")
    drawing = default_drawing(UserFeatures, None)
    assert drawing == Drawing("bar", x="total_experiments")
    assert drawn(UserFeatures, **drawing.__dict__).rows == [("0", 1), ("1", 1)]


def test_filters_are_reported_in_the_title(many):
    picture = draw(Respondent, Respondent.objects.filter(age__gte=30), Drawing(x="sex"), filters=["age ≥ 30"], on=ON)
    assert picture.subtitle[0] == "Census: respondents, age ≥ 30."
    assert f"{sum(person.age >= 30 for person in many)} respondents" in picture.subtitle[-1]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "params, parameter, expected",
    [
        ({"kind": "pie"}, "kind", "Expected one of bar, line"),
        ({"bins": 1000}, "bins", "between 2 and 100"),
        ({"x": ""}, "x", "Choose a column for the axis"),
        ({"x": "educaton"}, "x", "Did you mean education?"),
        (
            {"kind": "line", "x": "education"},
            "x",
            "A line needs dates or numbers on its axis, but education has none. Use bars",
        ),
        (
            {"kind": "histogram", "x": "sex"},
            "x",
            "A histogram needs dates or numbers on its axis, but sex has none. Use bars",
        ),
        ({"kind": "histogram", "x": "age", "measure": "mean:age"}, "measure", "count or share"),
        ({"kind": "box", "x": "sex", "y": "education"}, "y", "Expected a column of numbers"),
        ({"kind": "heat", "x": "sex", "y": "sex"}, "y", "The two axes need different columns; both are sex"),
        ({"kind": "scatter", "x": "age"}, "y", "Choose a column for the other axis"),
        ({"x": "sex", "measure": "mode:age"}, "measure", "Expected one of count, share"),
        ({"x": "sex", "measure": "mean:sex"}, "measure", "sex is a column, but mean does not apply to its type"),
        ({"x": "age:0"}, "x", "The bin width must be"),
        ({"x": "sex", "y": "age"}, "y", "“Bars” does not use this parameter .found age.. Remove it"),
        (
            {"kind": "heat", "x": "sex", "y": "race", "colour": "sex"},
            "colour",
            "“Heat map” does not use this parameter",
        ),
        ({"kind": "line", "x": "age", "sort": "name"}, "sort", "“Line” does not use this parameter"),
    ],
)
def test_an_invalid_drawing_is_reported(db, params, parameter, expected):
    with pytest.raises(ChartError, match=expected) as refused:
        drawn(Respondent, **params)
    assert refused.value.parameter == parameter


@pytest.mark.parametrize("more", [{}, {"sort": "-age"}, {"measure": "median:age", "sort": "age"}])
def test_the_default_chart_reads_the_records_once(many, more):
    drawing = replace(default_drawing(Respondent, AnonymousUser()), **more)
    with CaptureQueriesContext(connection) as captured:
        picture = draw(Respondent, Respondent.objects.all(), drawing, on=ON)
    assert len([query for query in captured if '"respondents"' in query["sql"]]) == 1
    column = drawing.sort.removeprefix("-")
    least = {}
    for person in many:
        value = person.age if column == "age" else person.education.years
        least[person.education.name] = min(value, least.get(person.education.name, value))
    ranks = [least[level] for level in dict.fromkeys(row[0] for row in picture.rows)]
    assert ranks == sorted(ranks, reverse=drawing.sort.startswith("-")) and len(ranks) == 3
