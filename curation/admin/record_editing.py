"""Editing records in the admin: each change is stored as an Edit, or refused with a message."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html

from curation.admin import confirmation, record_fields, save_conflicts
from curation.admin.base_admin import Column, ListAdmin, M
from curation.admin.neighbors import neighbors
from curation.admin.object_keys import KeyField, KeySelect, KeysField, KeysSelect
from curation.admin.reasons import posted_reason
from curation.history import edits
from curation.history.editable_fields import key_names
from curation.history.record_counts import counted
from curation.history.timeline import changes_of
from datasets.fields import related_model, through_model
from datasets.http.signed_in import signed_in_user
from datasets.models import Vocabulary
from datasets.permissions import may
from datasets.records.masking import hidden_fields, personal_names, refuse_masked
from datasets.text_fields import TextField
from datasets.versions import edit_follows

SHOWN = 10  # named records that protect others from deletion, for each table
NAMED = 100  # named records on the confirmation page of a deletion


class EditedAdmin(ListAdmin[M]):
    """An admin that stores every change of a record or term in the history."""

    formfield_overrides = {models.CharField: {"form_class": TextField}, models.TextField: {"form_class": TextField}}
    delete_confirmation_template = "curation/delete_record.html"
    delete_selected_confirmation_template = "curation/delete_records.html"
    actions: Sequence[Callable[..., Any] | str] = [*ListAdmin.actions, "delete_selected"]

    def address(self, name: str, *arguments: Any) -> str:
        """Return the URL of this model's page *name*."""
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=arguments)

    # The form.

    def get_fields(self, request: HttpRequest, obj: M | None = None) -> list[Column]:
        names = super().get_fields(request, obj)
        keys = [name for name in names if obj and name in self._keys()]
        return [*keys, *(name for name in names if name not in keys)]

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[Column]:
        return [*super().get_readonly_fields(request, obj), *(self._keys() if obj else ())]

    def _keys(self) -> list[str]:
        meta = self.model._meta
        names = key_names(self.model) | ({meta.pk.name} if meta.pk.editable and not meta.pk.auto_created else set())
        return [f.name for f in meta.concrete_fields if f.name in names and not isinstance(f, models.AutoField)]

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        kwargs.setdefault("form_class", KeyField)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeySelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField | None:
        # Django's admin skips a many-to-many field with its own through model.
        kwargs.setdefault("form_class", KeysField)
        if through_model(db_field)._meta.auto_created:
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeysSelect(db_field, self.admin_site))
        else:
            kwargs.setdefault("widget", admin.widgets.FilteredSelectMultiple(db_field.verbose_name, is_stacked=False))
        field = db_field.formfield(**kwargs)
        return field if isinstance(field, forms.ModelMultipleChoiceField) else None

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in personal_names(self.model):
            field.validators = [*field.validators, refuse_masked]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            _leave_out_icons(field, related_model(db_field))
        return field

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        form = context["adminform"]
        origins, corrections = context.get("origins", {}), context.get("corrections", ())
        context["fieldsets"] = record_fields.fieldsets(form, origins, corrections)
        context["facts"] = record_fields.facts(form)
        return super().render_change_form(request, context, *args, **options)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        seen = self.last_change(unquote(object_id)) if object_id else ""
        context = {**(extra_context or {}), "seen": seen, "seen_name": save_conflicts.SEEN}
        context["chosen"] = save_conflicts.chosen(request.POST)
        try:
            response = super().changeform_view(request, object_id, form_url, context)
        except edits.EditRefusedError as refusal:
            return self.refused(request, str(refusal), request.get_full_path())
        shown = getattr(response, "context_data", None) or {}
        if object_id and "adminform" in shown:
            # Outside the transaction of the page, which a query that takes too long would end.
            shown["neighbors"] = neighbors(self, request, shown["original"])
        if object_id and "adminform" in shown and (conflict := self._save_conflict(request, unquote(object_id))):
            if conflicts := list(conflict.fields(shown["adminform"].form)):
                response.status_code = 409
                shown["conflicts"] = conflicts
        return response

    def get_form(
        self,
        request: HttpRequest,
        obj: M | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - as in Django
        **kwargs: Any,
    ) -> type[forms.ModelForm[M]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None or request.method != "POST":
            return form
        save_conflicts.keep_stored(form, request.POST)
        conflict = self._save_conflict(request, obj.pk)
        return save_conflicts.refusing(form, conflict) if conflict else form

    def _save_conflict(self, request: HttpRequest, key: Any) -> save_conflicts.SaveConflict | None:
        """Return the conflict of the posted form with changes since it was opened."""
        if request.method != "POST" or not self.has_change_permission(request):
            return None
        return save_conflicts.save_conflict(self.model, key, request.POST, self.last_change(key), request.user)

    def last_change(self, key: Any) -> str:
        last = changes_of(self.model, key).order_by("-pk").values_list("pk", flat=True).first()
        return str(last or 0)

    def refused(self, request: HttpRequest, message: str, address: str) -> HttpResponse:
        """Redirect to *address* and show the error *message* there."""
        self.message_user(request, message, messages.ERROR)
        return HttpResponseRedirect(address)

    # Saving and deleting.

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:  # noqa: FBT001 - as in Django
        if not change:
            with edit_follows():  # save_related stores the Edit, after the many-to-many fields
                super().save_model(request, obj, form, change)
        elif form.changed_data:
            new = {name: form.cleaned_data[name] for name in form.changed_data}
            records = self.model._base_manager.filter(pk=obj.pk)
            edits.correct(records, new, signed_in_user(request), reason=posted_reason(request))
        elif posted_reason(request):
            raise edits.EditRefusedError("No field was changed, so the reason was not saved.")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - as in Django
        if not change:
            with edit_follows():
                super().save_related(request, form, formsets, change)
            edits.created(form.instance, signed_in_user(request), reason=posted_reason(request))

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        self.delete_queryset(request, self.model._base_manager.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        confirmed = confirmation.seal_confirmed(request, self._deletion())
        edits.delete(queryset, signed_in_user(request), confirmed, reason=posted_reason(request))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {}
        if self.has_delete_permission(request):
            if (record := self.get_object(request, unquote(object_id))) is not None:
                sealed = edits.seal(self.model._base_manager.filter(pk=record.pk))
                shown = confirmation.show(request, self._deletion(), sealed)
        try:
            return super().delete_view(request, object_id, {**(extra_context or {}), **shown})
        except edits.OvertakenError:
            self.message_user(request, confirmation.refusal(request, self._deletion()), messages.ERROR)
            request.POST = QueryDict()  # so that Django shows the confirmation page again
            response = super().delete_view(request, object_id, {**(extra_context or {}), **shown})
            response.status_code = 409
            return response
        except edits.EditRefusedError as refusal:
            return self.refused(request, str(refusal), self.address("change", object_id))

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        try:
            with transaction.atomic():
                return super().response_action(request, queryset, *args, **kwargs)
        except edits.OvertakenError:
            posted = request.POST.copy()
            del posted["post"]  # so that Django shows the confirmation page again
            request.POST = QueryDict(posted.urlencode())
            self.message_user(request, confirmation.refusal(request, self._deletion()), messages.ERROR)
            return super().response_action(request, queryset, *args, **kwargs)
        except edits.EditRefusedError as refusal:
            return self.refused(request, str(refusal), request.get_full_path())

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, queryset: models.QuerySet) -> HttpResponse | None:
        """Show the confirmation page, and delete the records when the user confirms."""
        response = delete_selected(self, request, queryset)
        context = (response and response.context_data) or {}
        if context and not (context["protected"] or context["perms_lacking"]):
            context.update(confirmation.show(request, self._deletion(), edits.seal(queryset)))
            context["keys"] = request.POST.getlist(ACTION_CHECKBOX_NAME)
            context["across"] = request.POST.get("select_across") == "1"
        return response

    def _deletion(self) -> str:
        """Return the name of the action that a confirmation of a deletion is bound to; the seal covers the records."""
        return f"delete {self.opts.label}"

    def get_deleted_objects(
        self, objs: Sequence[M] | models.QuerySet[M], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[Any]]:
        """Return the counts and the first of the records that refer to *objs*; Django's admin loads all of them."""
        protected = list(self._referring(objs, request))
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        count = objs.count() if isinstance(objs, models.QuerySet) else len(objs)
        names = [str(record) for record in objs[:NAMED]]
        names += [f"and {count - NAMED:,} more"] if count > NAMED else []
        return names, {str(self.opts.verbose_name_plural): count}, lacking, protected

    def _referring(self, objs: Sequence[M] | models.QuerySet[M], request: HttpRequest) -> Iterator[str | list[str]]:
        """Yield, for each table that refers to *objs*, the number of its records and a list of the first."""
        for relation in self.model._meta.related_objects:
            if relation.on_delete is not models.PROTECT:
                continue
            records = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": objs})
            if count := records.count():
                yield format_html("{}:", counted(relation.related_model, count))
                if may(request.user, "view", relation.related_model):
                    more = [f"… and {count - SHOWN} more"] if count > SHOWN else []
                    yield [*(self._linked(record) for record in records.order_by("pk")[:SHOWN]), *more]

    def _linked(self, record: models.Model) -> str:
        if not self.admin_site.is_registered(type(record)):
            return str(record)
        meta = record._meta
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(record.pk)])
        return format_html('<a href="{}">{}</a>', address, record)

    def may_change(self, request: HttpRequest, name: str) -> bool:
        """Return whether the user may change the field *name*."""
        return self.has_change_permission(request) and name not in hidden_fields(self.model, request.user)


def _leave_out_icons(field: forms.Field, model: type[models.Model]) -> None:
    """Leave out the icons that edit, add and delete the records to choose from; those of a term also lack a link."""
    wrapper = cast(RelatedFieldWidgetWrapper, field.widget)
    if issubclass(model, Vocabulary):
        field.widget = wrapper.widget
    else:
        wrapper.can_add_related = wrapper.can_change_related = wrapper.can_delete_related = False
