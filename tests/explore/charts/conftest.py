"""Fixture: respondents for charts."""

import pytest


@pytest.fixture
def many(respondent, db) -> list:
    """Sixty respondents with three levels of education; a quarter have no occupation."""
    from census.models import Respondent

    levels = ["Bachelors", "HS-grad", "Masters"]
    Respondent.objects.bulk_create(
        respondent(
            education=levels[n % 7 % 3],
            occupation=None if n % 4 == 0 else ["Sales", "Tech-support"][n % 2],
            age=17 + (n * n) % 61,
            hours_per_week=(n * 13) % 70 + 1,
            capital_gain=n * 1000,
            sex="Male" if n % 3 else "Female",
            income_over_50k=n % 5 == 0,
        )
        for n in range(60)
    )
    return list(Respondent.objects.select_related("education", "occupation"))
