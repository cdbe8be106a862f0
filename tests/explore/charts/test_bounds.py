"""Charts limit the number of groups: the rest become "other", measured as one group, and the caption says so."""

from datetime import date
from statistics import median

import pytest

from census.models import Respondent
from datasets.matviews import refresh
from experiments.models import User, UserFeatures
from explore.charts import ChartError, Drawing, draw
from people.models import Person, Place


@pytest.fixture
def towns(db) -> dict[str, list[int]]:
    """Return the years of birth of people in each of 32 towns, most with two people."""
    years = {}
    for number in range(32):
        name = "other" if number == 0 else f"Town {number:02}"
        place = Place.objects.create(city=name, county=f"County {number % 9}", country="Averland")
        years[name] = []
        for child in range(3 if number < 20 else 1 + number % 2):
            born = date(1800 + 5 * number + child, 6, 1)
            Person.objects.create(given_name="A", family_name="B", date_of_birth=born, place_of_birth=place)
            years[name].append(born.year)
    return years


def drawn(model, **params):
    return draw(model, model.objects.all(), Drawing(**params))


def test_the_most_frequent_groups_are_kept_and_the_others_combined(towns):
    picture = drawn(Person, kind="bar", x="place_of_birth")
    assert len(picture.rows) == 26
    kept, (name, count) = picture.rows[:-1], picture.rows[-1]
    assert all(len(towns[town]) == number for town, number in kept)
    assert name == "all others"  # a town is called "other"
    assert count == sum(map(len, towns.values())) - sum(number for _, number in kept)
    assert "Place of birth: top 25; the rest as “other”." in picture.subtitle


def test_colours_and_bars_are_limited_together(towns):
    picture = drawn(Person, kind="bar", x="place_of_birth", colour="county_of_birth")
    assert sum(row[-1] for row in picture.rows) == sum(map(len, towns.values()))
    assert {row[1] for row in picture.rows} == {*(f"County {n}" for n in (0, 1, 2, 3, 4, 5, 7)), "other"}
    assert len({row[0] for row in picture.rows}) == 26
    assert len({row[:2] for row in picture.rows}) == len(picture.rows)
    domain = picture.spec["encoding"]["color"]["scale"]
    assert len({*domain["range"]}) == len(domain["domain"]) == 8


def test_a_kept_group_counts_all_its_records_with_too_many_pairs(towns, monkeypatch):
    whole = drawn(Person, kind="heat", x="place_of_birth", y="county_of_birth").rows
    monkeypatch.setattr("explore.charts.groups.MOST_CELLS", 30)  # fewer pairs than exist
    assert sorted(drawn(Person, kind="heat", x="place_of_birth", y="county_of_birth").rows) == sorted(whole)


def test_the_group_other_has_its_exact_median(respondent, db):
    ages = {}
    for number in range(30):
        for more in range(2 if number < 25 else 1):
            ages.setdefault(number, []).append(20 + number + 7 * more)
            respondent(native_country=f"C{number:02}", age=ages[number][-1]).save()
    respondent(native_country=None, age=90).save()
    picture = drawn(Respondent, kind="bar", x="native_country", measure="median:age")
    bars = {name: (value, count) for name, value, count in picture.rows}
    assert bars["other"] == (median([ages[number][0] for number in range(25, 30)]), 5)
    assert bars["missing"] == (90, 1)
    assert bars["C03"] == (median(ages[3]), 2)
    assert [row[0] for row in picture.rows][-2:] == ["other", "missing"]


def test_lists_of_compounds_are_groups_too(experiments):
    refresh("experiments")
    picture = drawn(UserFeatures, kind="bar", x="most_common_compounds")
    assert sorted(picture.rows) == [("9, 10", 1), ("missing", 1)]


def test_too_many_groups_of_numbers_are_refused(many_places, monkeypatch):
    monkeypatch.setattr("explore.charts.groups.MOST_CELLS", 5)
    with pytest.raises(ChartError, match="more than 5 groups"):
        drawn(Person, kind="line", x="date_of_birth:month")


@pytest.fixture
def many_places(people) -> None:
    """Six people born in six different years."""


def test_a_chart_without_records_is_empty(db):
    for params in (
        {"kind": "bar", "x": "sex"},
        {"kind": "bar", "x": "education", "colour": "sex", "measure": "share"},
        {"kind": "line", "x": "age"},
        {"kind": "histogram", "x": "age"},
        {"kind": "heat", "x": "age", "y": "sex"},
        {"kind": "box", "x": "sex", "y": "age"},
        {"kind": "scatter", "x": "age", "y": "fnlwgt", "colour": "sex"},
    ):
        assert drawn(Respondent, **params).rows == []
        assert draw(Respondent, Respondent.objects.none(), Drawing(**params)).rows == []


def test_charts_of_personal_data_need_the_permission(experiments, signed_in):
    with pytest.raises(ChartError, match=r"experiments\.view_email"):
        drawn(User, kind="bar", x="email")


def test_each_kind_of_chart_works_with_one_record(respondent, db):
    respondent(age=40, occupation=None).save()
    for params in (
        {"kind": "bar", "x": "occupation", "measure": "mean:age"},
        {"kind": "line", "x": "age"},
        {"kind": "histogram", "x": "capital_gain"},
        {"kind": "heat", "x": "age", "y": "sex"},
        {"kind": "box", "x": "occupation", "y": "age"},
        {"kind": "scatter", "x": "age", "y": "age", "colour": "education_years"},
    ):
        assert len(drawn(Respondent, **params).rows) == 1
