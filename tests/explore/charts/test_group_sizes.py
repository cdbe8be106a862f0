"""Charts state the number of records of each group, and show groups of few records in grey."""

import re
from collections import Counter

import pytest

from census.models import IncomeByEducation, Respondent
from datasets.matviews import refresh
from explore.charts.colours import FEW_GREY
from tests.explore.charts.test_figures import drawn

pytestmark = pytest.mark.django_db


def test_groups_have_their_number_of_records_and_small_ones_are_grey(many):
    Respondent.objects.filter(education__name="Masters", pk__gt=many[8].pk).delete()
    masters = Respondent.objects.filter(education__name="Masters").count()
    assert 0 < masters < 5
    for params in (
        {"kind": "bar", "measure": "mean:age"},
        {"kind": "bar", "colour": "sex"},
        {"kind": "box", "y": "age"},
        {"kind": "heat", "y": "sex"},
    ):
        picture = drawn(Respondent, x="education", **params)
        assert "Grey: fewer than 5 respondents in the group." in picture.subtitle
        assert re.match(r"n = \d+ respondents, ", picture.subtitle[-1])
        text = str(picture.spec)
        assert f"Masters (n = {masters})" in text and FEW_GREY in text
        small = {row["n"] for row in picture.spec["data"]["values"] if row["x"] == "Masters"}
        assert all(n.endswith(" (fewer than 5)") for n in small)
    points = drawn(Respondent, kind="scatter", x="age", y="capital_gain", colour="education")
    assert "Grey: fewer than 5 respondents in the group." in points.subtitle and FEW_GREY in str(points.spec)
    assert {row["records"] for row in points.spec["data"]["values"] if row["colour"] == "Masters"} == {masters}
    large = drawn(Respondent, x="education", records=Respondent.objects.exclude(education__name="Masters"))
    assert not any("fewer than" in line for line in large.subtitle)


def test_long_ordered_axes_have_the_number_of_records_at_their_labels_and_in_the_caption(many):
    ages = Counter(person.age for person in many)
    assert len(ages) > 12
    for params in ({"kind": "bar", "measure": "mean:capital_gain"}, {"kind": "box", "y": "capital_gain"}):
        picture = drawn(Respondent, x="age", bins=100, **params)
        assert f"n per group: {min(ages.values())} to {max(ages.values())}." in picture.subtitle
        axis = (picture.spec.get("encoding") or picture.spec["layer"][0]["encoding"])["x"]["axis"]
        assert len(axis["values"]) <= 10
        assert all(f"{age} (n = {ages[int(age)]})" in axis["labelExpr"] for age in axis["values"])


def test_a_summary_table_with_a_row_for_each_group_has_no_small_groups(respondents):
    refresh("census")
    picture = drawn(IncomeByEducation, kind="bar", x="education", measure="mean:share_over_50k")
    assert not any("fewer than" in line for line in picture.subtitle)
    assert "n = 1" not in str(picture.spec)
