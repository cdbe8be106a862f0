"""Corrections on the record page: current value, file value, and "Revert to file value"."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminField, AdminForm, AdminReadonlyField, Fieldline, Fieldset
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
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


class _MarkedForm(AdminForm):
    """A form that adds the badge to corrected read-only fields, whose labels the admin creates itself."""

    fieldsets: list[tuple[Any, dict[str, Any]]]

    def __iter__(self) -> Iterator[Fieldset]:
        for name, options in self.fieldsets:
            yield _MarkedFieldset(self.form, name, self.readonly_fields, model_admin=self.model_admin, **options)


class _MarkedFieldset(Fieldset):
    fields: Sequence[str | Sequence[str]]

    def __iter__(self) -> Iterator[Fieldline]:
        for field in self.fields:
            yield _MarkedLine(self.form, field, self.readonly_fields, model_admin=self.model_admin)


class _MarkedLine(Fieldline):
    def __iter__(self) -> Iterator[AdminField | AdminReadonlyField]:
        record: Record = self.form.instance
        names = {name for name, field in correctable(type(record)).items() if stored_name(field) in record.corrections}
        for field in super().__iter__():
            if isinstance(field, AdminReadonlyField) and field.field["name"] in names:
                yield _MarkedField(self.form, field.field["field"], field.is_first, self.model_admin)
            else:
                yield field


class _MarkedField(AdminReadonlyField):
    def label_tag(self) -> SafeString:
        return format_html("{} " + BADGE, super().label_tag(), "corrected")


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

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        return [*super().get_list_display(request), "corrected"]

    def get_sortable_by(self, request: HttpRequest) -> list[Column]:
        return [name for name in super().get_sortable_by(request) if name != "corrected"]

    @admin.display(description="corrected")
    def corrected(self, record: Record) -> str:
        """Return a badge for each corrected field."""
        names = record.corrections or {}
        labels = [(field.verbose_name,) for field in own_fields(self.model) if stored_name(field) in names]
        return format_html_join(" ", BADGE, labels) if labels else ""

    def get_form(
        self, request: HttpRequest, obj: R | None = None, *args: Any, **kwargs: Any
    ) -> type[forms.ModelForm[R]]:
        form = super().get_form(request, obj, *args, **kwargs)
        for name, field in correctable(self.model).items():
            if name in form.base_fields and stored_name(field) in (getattr(obj, "corrections", None) or {}):
                label = form.base_fields[name].label
                form.base_fields[name].label = format_html("{} " + BADGE, label, "corrected")
        return form

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        record: R | None = options.get("obj")
        if record is not None and record.corrections:
            context["corrections"] = self._corrections(request, record, context["seen"])
            form = context["adminform"]
            context["adminform"] = _MarkedForm(form.form, form.fieldsets, {}, form.readonly_fields, self)
        return super().render_change_form(request, context, *args, **options)

    def _corrections(self, request: HttpRequest, record: Record, last: str) -> list[dict[str, Any]]:
        """Return the current value, the file value and the revert URL of each corrected field."""
        row = stored_row(self.model, record.pk) or {}
        file_values = row.get("corrections") or {}
        readable = Readable(self.model, request.user, [row])
        return [
            {
                "label": field.verbose_name,
                "form": f"revert-{name}",
                "own": readable.value(field, row.get(stored_name(field))),
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
