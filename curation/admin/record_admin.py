"""How curators see records, vocabularies and views; an app says only which columns and filters it wants."""

from django.contrib import admin, messages
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from curation.admin.base_admin import ReadOnlyAdmin
from curation.admin.bulk_edit import BulkAdmin
from curation.admin.correction_views import CorrectedAdmin
from curation.admin.history_views import HistoryAdmin
from curation.history.timeline import changes_of
from datasets.models import Record
from datasets.text import visible
from imports.models import Change, Edit, SourceFile
from imports.vocabularies import nearly_the_same


def _origin(file: SourceFile | None, line: int | None = None) -> str:
    """Return a sentence, with a link, that says which run read a record from which file and line."""
    if file is None:
        return "Not by an import."
    run = reverse("admin:imports_importrun_change", args=[file.run_id])
    there = reverse("admin:imports_sourcefile_change", args=[file.pk])
    where = format_html('<a href="{}">{}</a>', there, file.name)
    where = format_html("{}, line {}", where, line) if line else where
    return format_html('By <a href="{}">run {}</a>, from {}.', run, file.run_id, where)


def _by_hand(edit: Edit | None) -> str:
    """Return a sentence that says who did something by hand, and when."""
    if edit is None:
        return ""
    at = timezone.localtime(edit.at).strftime("%Y-%m-%d %H:%M")
    return f"{edit.get_action_display()} by hand by {edit.user or 'the command line'}, {at}."


class RecordAdmin(BulkAdmin, CorrectedAdmin, HistoryAdmin):
    """Records of a dataset, each with the file and line that it came from, and who changed it by hand."""

    change_list_template = "curation/record_list.html"
    readonly_fields = ["created", "last_changed", "last_edited"]

    def get_readonly_fields(self, request, obj=None):
        names = super().get_readonly_fields(request, obj)
        return names if obj else [name for name in names if name not in RecordAdmin.readonly_fields]

    def get_object(self, request, object_id, from_field=None):
        record = super().get_object(request, object_id, from_field)
        if record is not None and request.resolver_match.url_name.endswith("_change"):
            files = {record.created_in_id, record.changed_in_id} - {None}
            files = SourceFile.objects.in_bulk(files) if files else {}
            record.created_in, record.changed_in = (
                files.get(pk) for pk in (record.created_in_id, record.changed_in_id)
            )
        return record

    @admin.display(description="created")
    def created(self, record: Record) -> str:
        if record.created_in is None:
            made = changes_of(type(record), record.pk).filter(kind=Change.Kind.CREATED, edit__isnull=False)
            first = made.select_related("edit__user").first()
            return _by_hand(first.edit) if first else _origin(None)
        return _origin(record.created_in, record.created_line)

    @admin.display(description="last changed")
    def last_changed(self, record: Record) -> str:
        return _origin(record.changed_in, record.changed_line)

    @admin.display(description="last changed by hand")
    def last_edited(self, record: Record) -> str:
        changes = changes_of(type(record), record.pk).filter(edit__isnull=False)
        last = changes.select_related("edit__user").order_by("-pk").first()
        return _by_hand(last and last.edit) or "Never."


class LookupAdmin(HistoryAdmin):
    """Values of a vocabulary, each with the file that brought it."""

    change_list_template = "curation/record_list.html"
    change_form_template = "curation/record_form.html"
    list_display = ["name"]
    ordering = ["name"]
    readonly_fields = ["created"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if "name" in form.changed_data and (alike := nearly_the_same(self.model, obj.name)):
            told = ", ".join(f"“{visible(term)}”" for term in alike)
            text = f"“{visible(obj.name)}” is a near-duplicate of {told}. If both mean the same, keep one of them."
            self.message_user(request, text, messages.WARNING)

    @admin.display(description="created")
    def created(self, value) -> str:
        return _origin(value.created_in)


class MaterializedViewAdmin(ReadOnlyAdmin):
    """A derived table: it follows from the records and cannot be edited. Its list says what its columns mean."""

    def explained(self) -> list[tuple[str, str]]:
        """Return what stands above the list: names, each with what is to be said of it."""
        fields = [self.model._meta.get_field(name) for name in self.list_display]
        return [(field.verbose_name, field.help_text) for field in fields if field.help_text]
