"""Admin classes for records, vocabularies and summary tables. By default, a list has the fields of its model."""

from typing import Any, TypeVar

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse

from curation.admin import list_defaults
from curation.admin.base_admin import Column, ReadOnlyAdmin
from curation.admin.bulk_edit import BulkAdmin
from curation.admin.correction_views import CorrectedAdmin, R
from curation.admin.history_views import HistoryAdmin
from curation.admin.list_columns import ColumnsAdmin
from curation.admin.origins import OriginAdmin, edit_summary, file_summary
from curation.history.timeline import changes_of
from datasets.fields import field_of
from datasets.matviews import state_of
from datasets.models import MaterializedView, Record, Vocabulary
from datasets.registry import dataset_apps
from datasets.text import visible
from imports.models import Change, SourceFile
from imports.vocabularies import nearly_the_same

V = TypeVar("V", bound=Vocabulary)
S = TypeVar("S", bound=MaterializedView)


class RecordAdmin(ColumnsAdmin[R], OriginAdmin[R], BulkAdmin[R], CorrectedAdmin[R], HistoryAdmin[R]):
    """Admin for the records of a dataset. The record page shows the origins and the last edit.

    By default, the list has the columns, filters and date hierarchy of ``list_defaults``.
    """

    change_list_template = "curation/record_list.html"
    readonly_fields = ["created", "last_changed", "last_edited"]

    def __init__(self, model: type[R], admin_site: admin.AdminSite):
        super().__init__(model, admin_site)
        if self.filter_columns is None:
            self.filter_columns = list_defaults.filter_columns(model)
        # Django reads these attributes from the instance; django-stubs declares them as class variables.
        dates, references = list_defaults.date_hierarchy(model), list_defaults.searched_references(model)
        self.date_hierarchy = self.date_hierarchy or dates  # type: ignore[misc]
        self.autocomplete_fields = self.autocomplete_fields or references  # type: ignore[misc]

    def get_readonly_fields(self, request: HttpRequest, obj: R | None = None) -> list[Column]:
        names = super().get_readonly_fields(request, obj)
        return names if obj else [name for name in names if name not in RecordAdmin.readonly_fields]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> R | None:
        record = super().get_object(request, object_id, from_field)
        page = request.resolver_match and request.resolver_match.url_name
        if record is not None and page and page.endswith("_change"):
            keys = {record.created_in_id, record.changed_in_id} - {None}
            files = SourceFile.objects.in_bulk(keys) if keys else {}
            record.created_in, record.changed_in = (
                files.get(pk) for pk in (record.created_in_id, record.changed_in_id)
            )
        return record

    @admin.display(description="created")
    def created(self, record: Record) -> str:
        if record.created_in is None:
            creations = changes_of(type(record), record.pk).filter(kind=Change.Kind.CREATED, edit__isnull=False)
            first = creations.select_related("edit__user").first()
            return edit_summary(first.edit) if first else file_summary(None)
        return file_summary(record.created_in, record.created_line)

    @admin.display(description="last imported change")
    def last_changed(self, record: Record) -> str:
        return file_summary(record.changed_in, record.changed_line)

    @admin.display(description="last edited")
    def last_edited(self, record: Record) -> str:
        changes = changes_of(type(record), record.pk).filter(edit__isnull=False)
        last = changes.select_related("edit__user").order_by("-pk").first()
        return edit_summary(last.edit) if last else "Never"


class VocabularyAdmin(ColumnsAdmin[V], OriginAdmin[V], HistoryAdmin[V]):
    """Admin for the terms of a vocabulary. The term page shows the origin."""

    change_list_template = "curation/record_list.html"
    change_form_template = "curation/record_form.html"
    ordering = ["name"]
    readonly_fields = ["created"]

    def save_model(self, request: HttpRequest, obj: V, form: Any, change: bool) -> None:  # noqa: FBT001 - as in Django
        super().save_model(request, obj, form, change)
        if "name" in form.changed_data and (alike := nearly_the_same(self.model, obj.name)):
            terms = ", ".join(f"“{visible(term)}”" for term in alike)
            text = f"“{visible(obj.name)}” is a near-duplicate of {terms}. If they mean the same, keep only one."
            self.message_user(request, text, messages.WARNING)

    @admin.display(description="created")
    def created(self, term: Vocabulary) -> str:
        return file_summary(term.created_in)


class MaterializedViewAdmin(ColumnsAdmin[S], ReadOnlyAdmin[S]):
    """Admin for a summary table, which is read-only. Its pages say as of when. Its list explains its columns."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"summary": state_of(self.model), **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"summary": state_of(self.model), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def explained(self) -> list[tuple[str, str]]:
        """Return the explanations above the list: pairs of name and text."""
        fields = [field_of(self.model, str(name)) for name in self.list_display]
        return [(str(field.verbose_name), str(field.help_text)) for field in fields if field.help_text]


DEFAULTS: dict[type[models.Model], type[admin.ModelAdmin[Any]]] = {
    Record: RecordAdmin,
    Vocabulary: VocabularyAdmin,
    MaterializedView: MaterializedViewAdmin,
}


def register_defaults() -> None:
    """Register the default admin of each table, vocabulary and summary table of a dataset that has none."""
    for dataset in dataset_apps().values():
        for model in dataset.get_models():
            default = next((DEFAULTS[kind] for kind in DEFAULTS if issubclass(model, kind)), None)
            if default and not model._meta.proxy and not admin.site.is_registered(model):
                admin.site.register(model, default)
