"""Corrections on the record page: the file value of a corrected field, and its button "Revert"."""

from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.text import capfirst

from curation.admin import confirmation
from curation.admin.base_admin import Column
from curation.admin.reasons import posted_reason
from curation.admin.record_editing import EditedAdmin
from curation.history import edits
from curation.history.editable_fields import correctable, own_fields, stored_name
from curation.history.timeline import Readable, stored_row
from datasets.http.signed_in import signed_in_user
from datasets.models import Record

BADGE = '<span class="badge corrected">{}</span>'


R = TypeVar("R", bound=Record)


class CorrectedAdmin(EditedAdmin[R]):
    """An admin of records with corrections."""

    change_form_template = "curation/record_form.html"

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta
        revert = path(
            "<path:object_id>/revert/<str:name>/",
            self.admin_site.admin_view(self.revert_view),
            name=f"{meta.app_label}_{meta.model_name}_revert",
        )
        return [revert, *super().get_urls()]

    def __init__(self, model: type[R], admin_site: admin.AdminSite):
        super().__init__(model, admin_site)
        self.list_display = [*self.list_display, "corrected"]

    def get_sortable_by(self, request: HttpRequest) -> list[Column]:
        return [name for name in super().get_sortable_by(request) if name != "corrected"]

    @admin.display(description="corrected")
    def corrected(self, record: Record) -> str:
        """Return a badge for each corrected field."""
        names = record.corrections or {}
        labels = [(field.verbose_name,) for field in own_fields(self.model) if stored_name(field) in names]
        return format_html_join(" ", BADGE, labels) if labels else ""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        record: R | None = options.get("obj")
        if record is not None and record.corrections:
            context["corrections"] = self._corrections(request, record, context["seen"])
        return super().render_change_form(request, context, *args, **options)

    def _corrections(self, request: HttpRequest, record: Record, last: str) -> list[dict[str, Any]]:
        """Return the file value and the revert URL of each corrected field."""
        row = stored_row(self.model, record.pk) or {}
        file_values = row.get("corrections") or {}
        readable = Readable(self.model, request.user, [row])
        return [
            {
                "name": name,
                "label": field.verbose_name,
                "form": f"revert-{name}",
                "file": readable.value(field, file_values[stored_name(field)]),
                "address": self.address("revert", record.pk, name) if self.may_change(request, name) else "",
                **confirmation.show(request, self._revert(record.pk, name), last),
            }
            for name, field in correctable(self.model).items()
            if stored_name(field) in file_values
        ]

    def revert_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Revert a corrected field to its file value."""
        if not self.may_change(request, name):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        record = self.get_object(request, unquote(object_id))
        if record is None or name not in correctable(self.model):
            raise Http404
        page = self.address("change", object_id)
        about = self._revert(record.pk, name)
        is_corrected = stored_name(correctable(self.model)[name]) in (record.corrections or {})
        if is_corrected and confirmation.seal_confirmed(request, about) != self.last_change(record.pk):
            return self.refused(request, confirmation.refusal(request, about), page)
        try:
            records = self.model._base_manager.filter(pk=record.pk)
            edits.revert(records, name, signed_in_user(request), reason=posted_reason(request))
        except edits.EditRefusedError as refusal:
            return self.refused(request, str(refusal), page)
        label = capfirst(correctable(self.model)[name].verbose_name)
        self.message_user(request, f"{label} reverted to the file value.", messages.SUCCESS)
        return HttpResponseRedirect(page)

    def _revert(self, key: Any, name: str) -> str:
        """Return the name of the action that a confirmation of a revert is bound to."""
        return f"revert {self.opts.label} {key} {name}"
