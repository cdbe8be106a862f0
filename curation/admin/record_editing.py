"""How what the admin does to records is done: each as an Edit, or refused with a sentence, never in silence."""

from collections.abc import Iterator

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.db import models, transaction
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html

from curation.admin import confirmation
from curation.admin.base_admin import ListAdmin
from curation.admin.object_keys import KeyField, KeySelect, KeysField, KeysSelect
from curation.admin.text_fields import TextField
from curation.history import edits
from curation.history.editable_fields import key_names
from curation.history.timeline import changes_of
from datasets import matviews
from datasets.records.personal_data import hidden_fields, personal_names, refuse_masked

SHOWN = 10  # of the records that stand in the way of a deletion, for each table
NAMED = 100  # of the records that would be deleted
SEEN = "_seen"  # the last change of a record when its form was made


class EditedAdmin(ListAdmin):
    """Records and vocabularies that are changed by hand, so that nothing escapes their history."""

    formfield_overrides = {models.CharField: {"form_class": TextField}, models.TextField: {"form_class": TextField}}
    delete_confirmation_template = "curation/delete_record.html"
    delete_selected_confirmation_template = "curation/delete_records.html"
    actions = [*ListAdmin.actions, "delete_selected"]

    def address(self, name: str, *arguments) -> str:
        """Return the address of this model's page *name*."""
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=arguments)

    def edited(self) -> None:
        """See to what follows an edit."""
        matviews.refresh_after_commit(self.model._meta.app_label)

    # The form.

    def get_fields(self, request, obj=None):
        names = super().get_fields(request, obj)
        keys = [name for name in names if obj and name in self._keys()]
        return [*keys, *(name for name in names if name not in keys)]

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(self._keys() if obj else ())]

    def _keys(self) -> list[str]:
        meta = self.model._meta
        names = key_names(self.model) | ({meta.pk.name} if meta.pk.editable and not meta.pk.auto_created else set())
        return [f.name for f in meta.concrete_fields if f.name in names and not isinstance(f, models.AutoField)]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("form_class", KeyField)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeySelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        # The admin leaves out what has a table of its own between; here that table is a field of the record.
        kwargs.setdefault("form_class", KeysField)
        if db_field.remote_field.through._meta.auto_created:
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeysSelect(db_field, self.admin_site))
        else:
            kwargs.setdefault("widget", admin.widgets.FilteredSelectMultiple(db_field.verbose_name, False))
        return db_field.formfield(**kwargs)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in personal_names(self.model):
            field.validators = [*field.validators, refuse_masked]
        return field

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        seen = ""
        if object_id:
            seen = self.last_change(unquote(object_id))
            overtaken = request.method == "POST" and request.POST.get(SEEN, seen) != seen
            if overtaken and self.has_change_permission(request):  # who may not change it is refused below
                told = "The record has been changed since you opened it, and this is how it is now. Change it again."
                return self.refused(request, told, request.get_full_path())
        context = {**(extra_context or {}), "seen": seen, "seen_name": SEEN}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except edits.EditRefused as refusal:
            return self.refused(request, str(refusal), request.get_full_path())

    def last_change(self, key) -> str:
        last = changes_of(self.model, key).order_by("-pk").values_list("pk", flat=True).first()
        return str(last or 0)

    def refused(self, request, told: str, address: str) -> HttpResponse:
        """Tell why something was not done, on the page at *address*."""
        self.message_user(request, told, messages.ERROR)
        return HttpResponseRedirect(address)

    # What is stored.

    def save_model(self, request, obj, form, change):
        if not change:
            super().save_model(request, obj, form, change)  # written down when its many-to-many are there, too
        elif form.changed_data:
            new = {name: form.cleaned_data[name] for name in form.changed_data}
            edits.correct(self.model._base_manager.filter(pk=obj.pk), new, request.user)
            self.edited()

    def save_related(self, request, form, formsets, change):
        if not change:
            super().save_related(request, form, formsets, change)
            edits.created(form.instance, request.user)
            self.edited()

    def delete_model(self, request, obj):
        self.delete_queryset(request, self.model._base_manager.filter(pk=obj.pk))

    def delete_queryset(self, request, queryset):
        edits.delete(queryset, request.user, confirmation.seal_confirmed(request, self._deletion()))
        self.edited()

    def delete_view(self, request, object_id, extra_context=None):
        shown = {}
        if self.has_delete_permission(request):
            if (record := self.get_object(request, unquote(object_id))) is not None:
                sealed = edits.seal(self.model._base_manager.filter(pk=record.pk))
                shown = confirmation.show(request, self._deletion(), sealed)
        try:
            return super().delete_view(request, object_id, {**(extra_context or {}), **shown})
        except edits.OvertakenError:
            self.message_user(request, confirmation.told(request, self._deletion()), messages.ERROR)
            request.POST = QueryDict()  # without which Django shows what would be deleted now
            response = super().delete_view(request, object_id, {**(extra_context or {}), **shown})
            response.status_code = 409
            return response
        except edits.EditRefused as refusal:
            return self.refused(request, str(refusal), self.address("change", object_id))

    def response_action(self, request, queryset):
        try:
            with transaction.atomic():
                return super().response_action(request, queryset)
        except edits.OvertakenError:
            request.POST = request.POST.copy()
            del request.POST["post"]  # which confirms: without it, what would be deleted now is shown
            self.message_user(request, confirmation.told(request, self._deletion()), messages.ERROR)
            return super().response_action(request, queryset)
        except edits.EditRefused as refusal:
            return self.refused(request, str(refusal), request.get_full_path())

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request, queryset) -> HttpResponse | None:
        """Show what would be deleted, and delete it when that is confirmed, as it was shown."""
        response = delete_selected(self, request, queryset)
        if response is not None and not (response.context_data["protected"] or response.context_data["perms_lacking"]):
            response.context_data |= confirmation.show(request, self._deletion(), edits.seal(queryset))
            response.context_data["keys"] = request.POST.getlist(ACTION_CHECKBOX_NAME)
            response.context_data["across"] = request.POST.get("select_across") == "1"
        return response

    def _deletion(self) -> str:
        """Return what a confirmation of a deletion is about; the seal says of which records."""
        return f"delete {self.opts.label}"

    def get_deleted_objects(self, objs, request):
        """Name those that refer to *objs*, the first of each table and how many there are; the admin would load all."""
        kept = list(self._referring(objs, request))
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        count = objs.count() if isinstance(objs, models.QuerySet) else len(objs)
        named = [str(one) for one in objs[:NAMED]]
        named += [f"and {count - NAMED:,} more"] if count > NAMED else []
        return named, {self.opts.verbose_name_plural: count}, lacking, kept

    def _referring(self, objs, request) -> Iterator[str | list[str]]:
        """Yield, for each table that refers to *objs*, how many of it do, and a list of the first of them."""
        for relation in self.model._meta.related_objects:
            if relation.on_delete is not models.PROTECT:
                continue
            meta = relation.related_model._meta
            found = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": objs})
            if count := found.count():
                yield format_html("{} {}:", count, meta.verbose_name_plural if count > 1 else meta.verbose_name)
                if request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
                    more = [f"… and {count - SHOWN} more"] if count > SHOWN else []
                    yield [*(self._linked(one) for one in found.order_by("pk")[:SHOWN]), *more]

    def _linked(self, record: models.Model) -> str:
        if not self.admin_site.is_registered(type(record)):
            return str(record)
        meta = record._meta
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(record.pk)])
        return format_html('<a href="{}">{}</a>', address, record)

    def may_change(self, request, name: str) -> bool:
        """Whether the user may change the field *name* of records."""
        return self.has_change_permission(request) and name not in hidden_fields(self.model, request.user)
