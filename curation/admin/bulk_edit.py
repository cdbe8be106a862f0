"""Bulk edit: one form with a field, its new value and a reason; preview the changes, and apply them as one Edit."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from curation.admin import confirmation
from curation.admin.base_admin import M
from curation.admin.form_params import ACROSS
from curation.admin.reasons import posted_reason
from curation.admin.record_editing import EditedAdmin
from curation.history import edits
from curation.history.editable_fields import correctable
from curation.history.preview_tokens import seal_of_changes
from curation.history.record_counts import counted
from curation.history.timeline import Difference, Readable
from datasets.http.error_responses import refused
from datasets.http.signed_in import signed_in_user
from datasets.query_values import is_whole_number
from datasets.records.masking import Viewer, hidden_fields
from datasets.records.pagination import BoundedPaginator
from datasets.sql.dry_run import rolled_back
from imports.models import Change, Edit

SAMPLE = 10
NONE_SELECTED = "No records are selected. Select records in the list, or select all that match. Nothing was changed."
YES_OR_NO = [("", "---------"), ("true", "Yes"), ("false", "No")]


class BulkAdmin(EditedAdmin[M]):
    """An admin with a bulk edit view."""

    actions: Sequence[Callable[..., Any] | str] = [*EditedAdmin.actions, "change_field"]

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta
        bulk = path(
            "bulk/", self.admin_site.admin_view(self.bulk_view), name=f"{meta.app_label}_{meta.model_name}_bulk"
        )
        return [bulk, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_change_many": self.has_change_permission(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.action(permissions=["change"], description="Bulk edit the selected %(verbose_name_plural)s")
    def change_field(self, request: HttpRequest, queryset: models.QuerySet) -> HttpResponse:
        """Show the form for the selected rows, or for all rows that match the list's filters."""
        keys = [] if _is_of_all(request) else request.POST.getlist(ACTION_CHECKBOX_NAME)
        return self._page(request, self._form(request, bound=False), keys, queryset)

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form, and then the preview; apply the Edit when it is confirmed."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        keys = [] if _is_of_all(request) else request.POST.getlist(ACTION_CHECKBOX_NAME)
        if request.method == "POST" and not keys and not _is_of_all(request):
            return refused(request, 400, NONE_SELECTED)
        try:
            records = self._records(request, keys)
        except IncorrectLookupParameters:
            return self.refused(request, "The URL has an unknown filter.", self.address("changelist"))
        form = self._form(request, bound="_next" not in request.POST and request.method == "POST")
        if form.field is None or not form.is_valid():
            return self._page(request, form, keys, records)
        field, expected = form.field, request.POST.get("expected", "")
        posted = _posted_values(request.POST)
        about = f"change {self.opts.label} {posted}"
        confirmed = confirmation.seal_confirmed(request, about)
        as_previewed = request.POST.get("previewed", posted) == posted
        applies = "_apply" in request.POST and as_previewed
        apply = applies and is_whole_number(expected) and confirmed != confirmation.NOTHING
        try:
            edit, count, sample, sealed = self._edit(
                request, records, {field.name: form.cleaned_data["value"]}, expected if apply else "", confirmed
            )
        except (edits.EditRefusedError, IntegrityError) as refusal:
            message = (
                str(refusal)
                if isinstance(refusal, edits.EditRefusedError)
                else f"The database does not accept this value for {field}."
            )
            form.add_error("value", message)
            return self._page(request, form, keys, records)
        if edit is None:
            moved = "" if as_previewed else "The new value differs from the previewed value. Check the new preview."
            if applies:
                moved = _why_not_applied(request, about, expected, count)
            preview = {"count": count, "counted": f"{count:,}", "sample": sample, "previewed": posted}
            preview |= confirmation.show(request, about, sealed)
            return self._page(request, form, keys, records, moved=moved, **preview)
        message = format_html("{} changed.", counted(self.model, count))
        if request.user.has_perm("imports.view_edit"):
            address = reverse("admin:imports_edit_change", args=[edit.pk])
            message = format_html('{} <a href="{}">View or undo edit {}</a>.', message, address, edit.pk)
        self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(f"{self.address('changelist')}?{request.GET.urlencode()}")

    def _records(self, request: HttpRequest, keys: list[str]) -> models.QuerySet:
        """Return the selected rows, or all rows that match the list's filters."""
        if keys:
            return self.get_queryset(request).filter(pk__in=keys)
        return self.get_changelist_instance(request).queryset

    def _edit(
        self, request: HttpRequest, records: models.QuerySet, new: dict[str, Any], expected: str, confirmed: str
    ) -> tuple[Edit | None, int, list[tuple[str, list[Difference]]], str]:
        """Make the edit; roll it back unless its number of records and its seal are the confirmed ones.

        Return the edit or None, the number of changed records, the first of them, and the seal of the changes.
        """
        with rolled_back() as preview:
            edit = edits.correct(records, new, signed_in_user(request), reason=posted_reason(request))
            count = edit.changes.count()
            sample = self._sample(edit, request.user)
            sealed = seal_of_changes(edit)
            if expected and count == int(expected) and confirmed == sealed:
                preview.keep()
        return edit if preview.kept else None, count, sample, sealed

    def _sample(self, edit: Edit, user: Viewer) -> list[tuple[str, list[Difference]]]:
        changes = list(Change.objects.filter(edit=edit).order_by("pk")[:SAMPLE])
        readable = Readable(self.model, user, (row for change in changes for row in (change.before, change.after)))
        # A record's name may contain personal data.
        hidden = hidden_fields(self.model, user)
        return [
            (
                change.record if hidden else self._name_before(change),
                list(readable.differences(change.before, change.after)),
            )
            for change in changes
        ]

    def _name_before(self, change: Change) -> str:
        fields = [field for field in self.opts.concrete_fields if field.column in change.before]
        return str(self.model(**{field.attname: change.before[field.column] for field in fields}))

    def _form(self, request: HttpRequest, *, bound: bool) -> "BulkForm":
        offered = {
            name: field
            for name, field in correctable(self.model).items()
            if not field.unique and self.may_change(request, name)
        }
        name = request.POST.get("field") or next(iter(offered), "")
        value = self._value_field(offered[name], request) if name in offered else None
        if value and "_next" in request.POST:
            value.widget.attrs["autofocus"] = True
        data = request.POST if bound and value else None
        return BulkForm(data, offered=offered, field=offered.get(name), value=value, model=self.model)

    def _value_field(self, field: models.Field, request: HttpRequest) -> forms.Field | None:
        if isinstance(field, models.BooleanField):
            return forms.TypedChoiceField(choices=YES_OR_NO, coerce=lambda text: text == "true", empty_value=None)
        form_field = self.formfield_for_dbfield(field, request=request)
        if form_field is not None and isinstance(form_field.widget, admin.widgets.RelatedFieldWidgetWrapper):
            form_field.widget = form_field.widget.widget  # without the links that add or change related records
        return form_field

    def _page(
        self, request: HttpRequest, form: "BulkForm", keys: list[str], records: models.QuerySet, **more: Any
    ) -> HttpResponse:
        count = len(keys) if keys else None
        context = {
            **self.admin_site.each_context(request),
            "title": f"Bulk edit {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "form": form,
            "chosen": form.field,  # in a template, form.field is the form's input "field"
            "media": self.media + form.media,
            "keys": keys,
            "key_name": ACTION_CHECKBOX_NAME,
            "selected": count,
            "across": ACROSS,
            "narrowed": bool(records.query.where),
            "matching": "" if keys else BoundedPaginator(records.order_by("pk"), 1).display_count,
            "address": f"{self.address('bulk')}?{request.GET.urlencode()}",
            **more,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "curation/bulk.html", context)


def _why_not_applied(request: HttpRequest, about: str, expected: str, count: int) -> str:
    if is_whole_number(expected) and count != int(expected):
        return f"The selection has changed since the preview ({int(expected):,} records then, {count:,} now)."
    return f"{confirmation.refusal(request, about)} Check the new preview."


def _is_of_all(request: HttpRequest) -> bool:
    """Return whether the form applies to all records that match."""
    return request.POST.get(ACROSS) == "1"


def _posted_values(posted: QueryDict) -> str:
    """Return the posted field and its new value, URL-encoded."""
    names = [name for name in posted if name == "field" or name.startswith("value")]
    return urlencode([(name, posted.getlist(name)) for name in sorted(names)], doseq=True)


class BulkForm(forms.Form):
    """The field to change, and its new value once the field is chosen."""

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        offered: dict[str, models.Field],
        field: models.Field | None,
        value: forms.Field | None,
        model: type[models.Model],
    ):
        self.field, self.model = field, model
        super().__init__(data, initial={"field": field.name if field else None})
        choices = [(name, option.verbose_name) for name, option in offered.items()]
        self.fields["field"] = forms.ChoiceField(choices=choices)
        if field is not None and value is not None:
            value.label = f"New value of {field.verbose_name}"
            self.fields["value"] = value

    def clean_value(self) -> Any:
        """Validate the value against the field and the table's constraints."""
        value, field = self.cleaned_data["value"], self.field
        if field is None or field.many_to_many:
            return value
        plain = field.clean(getattr(value, "pk", value), None)
        record = self.model(**{field.attname: plain})
        others = {f.name for f in self.model._meta.get_fields()} - {field.name}
        try:
            record.validate_constraints(exclude=others)
        except ValidationError as error:
            raise ValidationError(error.messages) from None
        return plain
