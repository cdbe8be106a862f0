"""How curators see subjects and sessions."""

from django.contrib import admin

from datasets.admin import MaterializedViewAdmin, RecordAdmin
from subjects.models import Session, Subject, SubjectsByBirthYear


@admin.register(Subject)
class SubjectAdmin(RecordAdmin):
    list_display = ["subject_id", "species", "sex", "date_of_birth", "background_strain"]
    list_filter = ["sex", "species", "background_strain"]
    search_fields = ["subject_id", "species", "background_strain", "genotype"]
    date_hierarchy = "date_of_birth"


@admin.register(Session)
class SessionAdmin(RecordAdmin):
    list_display = ["name", "subject", "schema_version"]
    list_filter = ["schema_version"]
    search_fields = ["name", "subject__subject_id"]
    autocomplete_fields = ["subject"]

    def get_queryset(self, request):
        queryset = super().get_queryset(request)
        # A document may be long, and the list does not show it.
        return queryset.defer("document") if request.resolver_match.url_name.endswith("_changelist") else queryset


@admin.register(SubjectsByBirthYear)
class SubjectsByBirthYearAdmin(MaterializedViewAdmin):
    list_display = ["year", "sex", "subjects"]
    list_filter = ["sex"]
    search_fields = ["year__exact"]
