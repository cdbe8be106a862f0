"""Admin of respondents and their vocabularies."""

from django.contrib import admin

from census.models import EducationLevel, IncomeByEducation, Respondent
from curation.admin import MaterializedViewAdmin, RecordAdmin, VocabularyAdmin


@admin.register(EducationLevel)
class EducationLevelAdmin(VocabularyAdmin[EducationLevel]):
    ordering = ["years", "name"]


@admin.register(Respondent)
class RespondentAdmin(RecordAdmin[Respondent]):
    list_display = ["id", "age", "sex", "education", "occupation", "workclass", "hours_per_week", "income_over_50k"]
    list_display += ["native_country"]
    filter_columns = ["income_over_50k", "sex", "age", "hours_per_week", "education", "workclass", "marital_status"]
    filter_columns += ["occupation", "relationship", "race", "native_country"]


@admin.register(IncomeByEducation)
class IncomeByEducationAdmin(MaterializedViewAdmin[IncomeByEducation]):
    ordering = ["years", "education"]
