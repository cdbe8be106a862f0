"""Formatting of values, units and filters."""

from datetime import UTC, date, datetime

import pytest
from django.apps import apps

from datasets.records.columns import columns_of
from datasets.records.formatting import describe_filters, format_value, is_grouped, unit_of


def column(model, name):
    return next(column for column in columns_of(apps.get_model(model)) if column.name == name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (1995, "1995"),
        (0.1 + 0.2, "0.3"),
        (10.0, "10"),
        (1234.5678, "1234.57"),
        (1.5e-7, "1.5e-07"),
        (1e300, "1e+300"),
        (0.0, "0"),
        (-0.25, "-0.25"),
        (123456789.0, "123456789"),
        (date(850, 1, 2), "0850-01-02"),
        (datetime(2023, 5, 1, 12, 30, tzinfo=UTC), "2023-05-01 12:30"),
        (["a", 2], "a, 2"),
        ("x" * 300, "x" * 200 + "…"),
    ],
)
def test_a_value_is_reported(value, expected):
    assert format_value(column("experiments.UserExperiment", "experiment_run_time"), value) == expected


def test_numbers_have_thousands_separators_unless_they_may_be_years_or_keys():
    gain, key = column("census.Respondent", "capital_gain"), column("census.Respondent", "id")
    assert is_grouped(gain, [0, None, 14084]) and not is_grouped(gain, [1995, None]) and not is_grouped(key, [14084])
    assert format_value(gain, 2174, grouped=True) == "2,174"
    assert format_value(gain, 1234567.25, grouped=True) == "1,234,567"


def test_a_unit_is_a_short_first_sentence_of_a_help_text():
    units = {name: unit_of(column("census.Respondent", name)) for name in ("age", "education_years", "id", "sex")}
    assert units == {"age": "Years", "education_years": "", "id": "", "sex": ""}
    assert unit_of(column("experiments.UserExperiment", "experiment_run_time")) == ""  # it has no unit


def test_filters_are_described_in_words():
    params = {
        "age__lte": "30",
        "income_over_50k": "true",
        "corrected": "false",
        "workclass__isnull": "true",
        "occupation__istartswith": "Tech",
        "search": "HS",
        "native_country__in": "Peru,Italy",
    }
    assert [described.text for described in describe_filters(apps.get_model("census.Respondent"), params)] == [
        "age ≤ 30",
        "income over 50K is yes",
        "has no corrections",
        "workclass is empty",
        "occupation begins with Tech",
        "search for “HS”",
        "native country is one of Peru, Italy",
    ]
