"""Respondents and their vocabularies as programs read them."""

from census.models import (
    Country,
    EducationLevel,
    IncomeByEducation,
    MaritalStatus,
    Occupation,
    Race,
    Relationship,
    Respondent,
    Workclass,
)
from datasets.api import register

register(Respondent)
register(IncomeByEducation)
register(Workclass)
register(EducationLevel)
register(MaritalStatus)
register(Occupation)
register(Relationship)
register(Race)
register(Country)
