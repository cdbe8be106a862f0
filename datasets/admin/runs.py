"""What is known of imports: runs, their files, and the rows that they could not use. Nothing of it can be edited."""

from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from datasets.admin.imports import ImportViews
from datasets.admin.lists import ReadOnlyAdmin
from datasets.models import ImportRun, RejectedRow, SourceFile
from datasets.personal import hidden_fields
from datasets.rejected import Reader
from datasets.sources import dataset_apps, sources_of

admin.site.app_index_template = "admin/datasets/app_index.html"

COUNTS = ["read", "created", "updated", "unchanged", "repeated", "rejected", "missing", "removed", "kept"]


def _rejected_link(file: SourceFile) -> str:
    if not file.rejected:
        return "0"
    address = reverse("admin:datasets_rejectedrow_changelist")
    return format_html('<a href="{}?file__id__exact={}">{}</a>', address, file.pk, file.rejected)


class SourceFileInline(admin.TabularInline):
    model = SourceFile
    fields = readonly_fields = ["source", "name", *("rejections" if name == "rejected" else name for name in COUNTS)]
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    @admin.display(description="rejected")
    def rejections(self, file: SourceFile) -> str:
        return _rejected_link(file)


@admin.register(ImportRun)
class ImportRunAdmin(ImportViews, ReadOnlyAdmin):
    list_display = ["id", "dataset", "status", "dry_run", "started_at", "finished_at", "started_by"]
    list_filter = ["dataset", "status", "dry_run"]
    search_fields = ["dataset", "error", "files__name"]
    date_hierarchy = "started_at"
    ordering = ["-pk"]
    inlines = [SourceFileInline]


@admin.register(SourceFile)
class SourceFileAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "source",
        "run",
        "read",
        "created",
        "updated",
        "unchanged",
        "repeated",
        "rejections",
        "missing",
    ]
    list_filter = ["run__dataset", "source"]
    search_fields = ["name", "original_name", "sha256"]
    ordering = ["-pk"]

    @admin.display(description="rejected")
    def rejections(self, file: SourceFile) -> str:
        return _rejected_link(file)


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnlyAdmin):
    list_display = ["line", "problems", "values", "file"]
    list_filter = ["file__run__dataset", "file__source"]
    list_select_related = ["file__run"]
    search_fields = ["file__name"]
    # A row's values may be personal: who may not see those of its table sees only what columns were wrong.
    exclude = ["values", "problems"]

    def get_list_display(self, request):
        return ["line", *self._cells(request), "file"]

    def get_readonly_fields(self, request, obj=None):
        return self._cells(request)

    def lookup_allowed(self, lookup, value, request):
        return lookup.split("__")[0] not in self.exclude and super().lookup_allowed(lookup, value, request)

    def _cells(self, request) -> list:
        readers: dict[tuple[str, str], Reader] = {}

        @admin.display(description="problems")
        def problems(row: RejectedRow) -> str:
            if _is_personal(row, request.user):
                return ", ".join(problem["column"] or "row" for problem in row.problems)
            return row.told

        @admin.display(description="values")
        def values(row: RejectedRow) -> str:
            if _is_personal(row, request.user):
                return "Hidden: the table holds personal data."
            if not isinstance(row.values, dict):
                return str(row.values)
            dataset, table = row.file.run.dataset, row.file.source
            if (dataset, table) not in readers and dataset in dataset_apps():
                readers.update({(dataset, one.name): Reader(one, request.user) for one in sources_of(dataset)})
            reader = readers.get((dataset, table))
            cells = reader.cells(row) if reader else [{"heading": h, "value": v} for h, v in row.values.items()]
            return ", ".join(f"{c['heading']}: {'' if c['value'] is None else c['value']}" for c in cells)

        return [problems, values]


def _is_personal(row: RejectedRow, user) -> bool:
    """Whether the row was meant for a table with fields that *user* may not see."""
    dataset = apps.app_configs.get(row.file.run.dataset)
    tables = {model._meta.db_table: model for model in dataset.get_models()} if dataset else {}
    return row.file.source in tables and bool(hidden_fields(tables[row.file.source], user))
