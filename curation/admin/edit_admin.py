"""Edits in the admin: the changes of an edit, record by record, and undo."""

from typing import Any, TypedDict

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django_stubs_ext import WithAnnotations

from curation.admin import confirmation, undo_pages
from curation.admin.base_admin import Column, ReadOnlyAdmin
from curation.admin.edit_filters import RunFilter, matching_edits
from curation.admin.reasons import posted_reason
from curation.admin.typed_texts import text_column
from curation.history.edited_models import edited_models
from curation.history.edits import EditRefusedError
from curation.history.preview_tokens import seal_of_edited
from curation.history.timeline import Readable
from curation.history.undo import undo_edit
from curation.history.undo_permissions import may_undo
from curation.history.undo_result import UndoRefusedError
from datasets.http.signed_in import signed_in_user
from datasets.permissions import may
from datasets.records.masking import Viewer
from imports.models import Change, Edit

PAGE = 50


class ChangedRecords(TypedDict):
    """An edit in the list, with annotations about the changed records."""

    changed: int | None
    first_table: str | None
    last_table: str | None
    record: str | None


@admin.register(Edit)
class EditAdmin(ReadOnlyAdmin[Edit]):
    list_display = ["id", "action", "what", "records", "reason", "user", "at", "undone"]
    list_display_links = ["id", "action"]
    list_filter = ["dataset", "action", ("user", admin.RelatedOnlyFieldListFilter), RunFilter]
    search_fields = ["reason"]
    search_help_text = "Search the reasons, and the comments on the changed records and undone runs."
    date_hierarchy = "at"
    empty_value_display = "the command line"  # for no user
    list_select_related = ["user"]
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Edit]:
        changes = Change.objects.filter(edit=models.OuterRef("pk")).order_by().values("edit")
        aggregates = {
            "changed": models.Count("pk"),
            "first_table": models.Min("table"),
            "last_table": models.Max("table"),
            "record": models.Min("record"),
        }
        return (
            super()
            .get_queryset(request)
            .annotate(
                **{
                    name: models.Subquery(changes.annotate(value=aggregate).values("value"))
                    for name, aggregate in aggregates.items()
                }
            )
        )

    @admin.display(description="changed")
    def what(self, edit: "WithAnnotations[Edit, ChangedRecords]") -> str:
        """Return the record of an edit of one record, else the tables."""
        models_by_table = {model._meta.db_table: model._meta for model in apps.get_models()}
        tables = [models_by_table[t] for t in (edit.first_table, edit.last_table) if t in models_by_table]
        if edit.changed == 1 and tables:
            return f"{tables[0].app_config.verbose_name}: {tables[0].verbose_name} {edit.record}"
        names = dict.fromkeys(f"{meta.app_config.verbose_name}: {meta.verbose_name_plural}" for meta in tables)
        return ", ".join(names)

    @admin.display(description="records", ordering="changed")
    def records(self, edit: "WithAnnotations[Edit, ChangedRecords]") -> str:
        return f"{edit.changed or 0:,}"

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Edit], search_term: str
    ) -> tuple[models.QuerySet[Edit], bool]:
        return matching_edits(queryset, search_term, request.user), False

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        reason = text_column("reason", request.user)
        return [reason if name == "reason" else name for name in super().get_list_display(request)]

    @admin.display(description="undone", empty_value="")
    def undone(self, edit: Edit) -> str | None:
        return "undone" if edit.is_undone else None

    def get_urls(self) -> list[URLPattern]:
        return [*undo_pages.urls(self.admin_site.admin_view(self.undo_view), "imports_edit"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the changes of the edit: each record with its fields before and after."""
        edit = self.get_object(request, object_id)
        if not self.has_view_permission(request, edit):
            raise PermissionDenied
        if edit is None:
            return super().change_view(request, object_id, form_url, extra_context)  # which says so
        edited = {model._meta.db_table: model for model in edited_models(edit)}
        seen = [table for table, model in edited.items() if may(request.user, "view", model)]
        if len(seen) < len(edited):
            raise PermissionDenied
        page = Paginator(edit.changes.order_by("pk"), PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Edit {edit.pk}: {edit}",
            "opts": self.opts,
            "edit": edit,
            "undone": edit.undoings.first() if edit.is_undone else None,
            "rows": self._rows(list(page), edited, request.user),
            "page": page,
            "may_undo": may_undo(request.user, edit) and not _is_undone(edit),
            "may_redo": edit.is_undone and may_undo(request.user, edit),
        }
        if context["may_undo"]:
            context |= confirmation.show(request, f"undo edit {edit.pk}", seal_of_edited(edit, edited.values()))
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "curation/edit.html", context)

    def _rows(self, changes: list[Change], edited: dict[str, type[models.Model]], user: Viewer) -> list[dict[str, Any]]:
        rows = []
        for table, model in edited.items():
            in_table = [change for change in changes if change.table == table]
            readable = Readable(model, user, (row for change in in_table for row in (change.before, change.after)))
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_history"
            rows += [
                {
                    "kind": change.get_kind_display(),
                    "label": f"{model._meta.verbose_name} {change.record}",
                    "address": reverse(name, args=[quote(change.record)]),
                    "differences": list(readable.differences(change.before, change.after)),
                }
                for change in in_table
            ]
        return rows

    def undo_view(self, request: HttpRequest, pk: int, **options: bool) -> HttpResponse:
        """Show the effect of undoing or redoing an edit or its conflicts; do it when the user confirms."""
        if not self.has_view_permission(request):  # before the query, which would reveal whether the edit exists
            raise PermissionDenied
        edit = Edit.objects.filter(pk=pk).first()
        if edit is None:
            raise Http404
        if not may_undo(request.user, edit):
            raise PermissionDenied
        if request.method == "POST" and not any(options.values()) and not undo_pages.is_previewed(request, edit):
            return self._undo(request, edit)
        return undo_pages.undo_page(request, self, edit, **options)

    def _undo(self, request: HttpRequest, edit: Edit) -> HttpResponse:
        """Undo an edit whose page has the confirmation, or show why it cannot be undone."""
        edited = edited_models(edit)
        page = HttpResponseRedirect(reverse("admin:imports_edit_change", args=[edit.pk]))
        about = f"undo edit {edit.pk}"
        confirmed = confirmation.seal_confirmed(request, about)
        try:
            with transaction.atomic():
                if not _is_undone(edit) and seal_of_edited(edit, edited) != confirmed:
                    refusal = f"{confirmation.refusal(request, about)} Check the edit again."
                    self.message_user(request, refusal, messages.ERROR)
                    return page
                undone = undo_edit(edit, signed_in_user(request), reason=posted_reason(request))
        except EditRefusedError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return page
        except UndoRefusedError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return undo_pages.refused(edit) if refusal.conflicts else page
        self.message_user(request, f"Edit undone: {', '.join(undone.done())}.", messages.SUCCESS)
        return page


def _is_undone(edit: Edit) -> bool:
    return edit.is_undone or edit.action in (Edit.Action.UNDONE, Edit.Action.REDONE)
