"""Admin of subjects and sessions."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from curation.admin import MaterializedViewAdmin, RecordAdmin
from subjects.models import Session, Subject, SubjectsByBirthYear


@admin.register(Subject)
class SubjectAdmin(RecordAdmin[Subject]):
    list_display = ["subject_id", "species", "sex", "date_of_birth", "background_strain"]
    filter_columns = ["sex", "date_of_birth", "species", "background_strain"]


@admin.register(Session)
class SessionAdmin(RecordAdmin[Session]):
    filter_columns = ["schema_version"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        queryset = super().get_queryset(request)
        # Documents may be long, and the list does not show them.
        is_list = request.resolver_match is not None and request.resolver_match.view_name.endswith("_changelist")
        return queryset.defer("document") if is_list else queryset


@admin.register(SubjectsByBirthYear)
class SubjectsByBirthYearAdmin(MaterializedViewAdmin[SubjectsByBirthYear]):
    list_display = ["year", "sex", "subjects"]
    filter_columns = ["sex"]
