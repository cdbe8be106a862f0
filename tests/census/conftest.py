"""Respondents for the tests of the census."""

import pytest
from django.apps import apps

YEARS = {"Bachelors": 13, "HS-grad": 9}


@pytest.fixture
def respondent():
    """A function that returns a respondent, not yet saved, with the values that it is given."""
    return _respondent


def _respondent(education="Bachelors", occupation="Sales", native_country="Peru", workclass=None, **fields):
    def value(model, name, **defaults):
        return name and apps.get_model("census", model).objects.get_or_create(name=name, defaults=defaults)[0]

    return apps.get_model("census", "Respondent")(
        **{
            "age": 39,
            "workclass": value("Workclass", workclass),
            "fnlwgt": 77516,
            "education": value("EducationLevel", education, years=YEARS[education]),
            "marital_status": value("MaritalStatus", "Never-married"),
            "occupation": value("Occupation", occupation),
            "relationship": value("Relationship", "Unmarried"),
            "race": value("Race", "Other"),
            "sex": "Female",
            "capital_gain": 2174,
            "capital_loss": 0,
            "hours_per_week": 40,
            "native_country": value("Country", native_country),
            "income_over_50k": False,
            **fields,
        }
    )
