"""Constraints and methods of the census models."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from census.models import EducationLevel, IncomeByEducation, Respondent
from datasets import matviews

pytestmark = pytest.mark.django_db


def test_equal_respondents_are_different_people(respondent):
    respondent().save()
    respondent().save()
    assert Respondent.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value", "constraint"),
    [
        ("age", 151, "respondents_age_0_to_150"),
        ("age", -1, "respondents_age_0_to_150"),
        ("fnlwgt", -1, "respondents_fnlwgt_not_negative"),
        ("sex", "female", "respondents_sex_known"),
        ("capital_gain", -1, "respondents_capital_gain_not_negative"),
        ("capital_loss", -1, "respondents_capital_loss_not_negative"),
        ("hours_per_week", 169, "respondents_hours_per_week_0_to_168"),
    ],
)
def test_an_invalid_value_is_refused(field, value, constraint, respondent):
    with pytest.raises(ValidationError):
        respondent(**{field: value}).full_clean()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        respondent(**{field: value}).save()


def test_unknown_values_are_null(respondent):
    respondent(workclass=None, occupation=None, native_country=None).save()
    assert Respondent.objects.filter(workclass=None, occupation=None, native_country=None).count() == 1


def test_a_used_term_cannot_be_deleted(respondent):
    respondent().save()
    with pytest.raises(ProtectedError):
        EducationLevel.objects.get(name="Bachelors").delete()


def test_income_is_counted_by_education(respondent):
    for education, over_50k in [("Bachelors", True), ("Bachelors", False), ("Bachelors", False), ("HS-grad", False)]:
        respondent(education=education, income_over_50k=over_50k).save()
    EducationLevel.objects.create(name="Doctorate", years=16)
    matviews.refresh("census")
    assert list(IncomeByEducation.objects.order_by("years").values_list()) == [
        ("HS-grad", 9, 1, 0, 0.0),
        ("Bachelors", 13, 3, 1, 1 / 3),
    ]


def test_the_share_with_an_income_over_50k_of_any_respondents(respondent):
    assert Respondent.objects.share_over_50k() is None
    respondent(income_over_50k=True).save()
    respondent(sex="Male").save()
    assert Respondent.objects.share_over_50k() == 0.5
    assert Respondent.objects.filter(sex="Male").share_over_50k() == 0
