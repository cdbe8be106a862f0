"""How curators see records, vocabularies and views; an app says only which columns and filters it wants."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from datasets.admin.lists import ListAdmin, ReadOnlyAdmin
from datasets.models import Record, SourceFile


def _origin(file: SourceFile | None, line: int | None = None) -> str:
    """Return a sentence, with a link, that says which run read a record from which file and line."""
    if file is None:
        return "Not by an import."
    run = reverse("admin:datasets_importrun_change", args=[file.run_id])
    where = f"{file.name}, line {line}" if line else file.name
    return format_html('By <a href="{}">run {}</a>, from {}.', run, file.run_id, where)


class RecordAdmin(ListAdmin):
    """Records of a dataset, each with the file and line that it came from."""

    readonly_fields = ["created", "last_changed"]

    def get_readonly_fields(self, request, obj=None):
        names = super().get_readonly_fields(request, obj)
        return names if obj else [name for name in names if name not in ("created", "last_changed")]

    @admin.display(description="created")
    def created(self, record: Record) -> str:
        return _origin(record.created_in, record.created_line)

    @admin.display(description="last changed")
    def last_changed(self, record: Record) -> str:
        return _origin(record.changed_in, record.changed_line)


class LookupAdmin(ListAdmin):
    """Values of a vocabulary, each with the file that brought it."""

    list_display = ["name"]
    search_fields = ["name"]
    ordering = ["name"]
    readonly_fields = ["created"]

    @admin.display(description="created")
    def created(self, value) -> str:
        return _origin(value.created_in)


class MaterializedViewAdmin(ReadOnlyAdmin):
    """A derived table: it follows from the records and cannot be edited."""
