"""Read-only admin for imports: runs, source files and rejected rows."""

from collections.abc import Callable
from functools import cache
from typing import TypedDict

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import Truncator
from django_stubs_ext import WithAnnotations

from curation.admin.base_admin import Column
from curation.admin.import_views import ImportViews
from curation.admin.stored_files import StoredFileViews
from curation.admin.worklist_views import WorklistViews
from datasets.records.masking import Viewer
from datasets.registry import dataset_apps
from imports import reports
from imports.masking import is_restricted, is_restricted_anywhere
from imports.models import ImportRun, RejectedRow, SourceFile
from imports.rejected_rows import RAW, RejectedRowFormatter
from imports.resolved_rows import RowState
from imports.sources import sources_of

admin.site.app_index_template = "curation/app_index.html"


@cache  # the admin compares columns by identity
def _count_column(name: str, unseen: frozenset[str]) -> Callable[[SourceFile], str]:
    @admin.display(description=name.replace("_", " "))
    def count(file: SourceFile) -> str:
        number = reports.counts(file, unseen)[name]
        if name != "rejected" or not number:
            return f"{number:,}"
        address = reverse("admin:imports_rejectedrow_changelist")
        query = urlencode([("file__id__exact", file.pk), ("state__exact", RowState.OPEN.value)])
        return format_html('<a href="{}?{}">{}</a>', address, query, f"{number:,}")

    count.__name__ = name
    return count


def _counts(request: HttpRequest) -> list[Callable[[SourceFile], str]]:
    """Return the columns with the counts of a file that the user may view."""
    unseen = reports.unseen_sources(request.user, *dataset_apps())
    return [_count_column(name, unseen) for name in SourceFile.COUNTS]


class FilesOfRun(TypedDict):
    """A run in the list, annotated with the name of its first file and the number of its files."""

    first_file: str | None
    files_known: int | None


@admin.register(ImportRun)
class ImportRunAdmin(ImportViews):
    list_display = ["id", "dataset", "state", "names", "started_at", "by"]
    list_filter = ["dataset", "status", "dry_run"]
    search_fields = [
        "dataset",
        *(f"{name}__folded_contains" for name in ("reason", "comments__text", "error", "files__name")),
    ]
    list_select_related = ["started_by"]
    date_hierarchy = "started_at"
    ordering = ["-pk"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        if is_restricted_anywhere(request.user):  # a search would reveal personal data in these texts
            return [name for name in self.search_fields if not name.startswith(("error", "reason", "comments"))]
        return list(self.search_fields)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ImportRun]:
        files = SourceFile.objects.filter(run=models.OuterRef("pk")).order_by()
        count = files.values("run").annotate(count=models.Count("name", distinct=True)).values("count")
        first = files.order_by("pk").values("name")[:1]
        return super().get_queryset(request).annotate(first_file=models.Subquery(first), files_known=count)

    @admin.display(description="status", ordering="status")
    def state(self, run: ImportRun) -> str:
        return format_html('<span class="run-status is-{}">{}</span>', run.status, run.get_status_display())

    @admin.display(description="started by", ordering="started_by", empty_value="the command line")
    def by(self, run: ImportRun) -> object:
        return run.started_by

    @admin.display(description="files", empty_value="–")
    def names(self, run: "WithAnnotations[ImportRun, FilesOfRun]") -> str | None:
        """Return the first file of the run and the number of other files."""
        uploaded = [upload["name"] for upload in run.uploads]
        first, count = (
            (run.first_file, run.files_known or 0) if run.first_file else (next(iter(uploaded), None), len(uploaded))
        )
        return f"{first} and {count - 1:,} more" if first and count > 1 else first


@admin.register(SourceFile)
class SourceFileAdmin(StoredFileViews):
    list_display = ["name", "source", "of_run", "counts"]
    list_select_related = ["run"]
    list_filter = ["run__dataset", "source"]
    search_fields = ["name__folded_contains", "original_name__folded_contains", "sha256"]
    ordering = ["-pk"]

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        return [*self.list_display, *_counts(request)[:-2]]

    def get_readonly_fields(self, request: HttpRequest, obj: SourceFile | None = None) -> list[Column]:
        names = [
            f.name for f in self.opts.fields if f.editable and f.name not in (self.opts.pk.name, *SourceFile.COUNTS)
        ]
        if is_restricted_anywhere(request.user):
            names.remove("unknown_columns")  # in a file without a header, these are cells
        return [*names, "counts", *_counts(request)]

    get_fields = get_readonly_fields

    @admin.display(description="run", ordering="run")
    def of_run(self, file: SourceFile) -> str:
        return format_html(
            '<a href="{}">run {}</a>', reverse("admin:imports_importrun_change", args=[file.run_id]), file.run_id
        )

    @admin.display(description="counts")
    def counts(self, file: SourceFile) -> str:
        """Return whether the counts are those of an applied run, a preview, or an undone or discarded run."""
        return reports.counted_as(file.run)


@admin.register(RejectedRow)
class RejectedRowAdmin(WorklistViews):
    list_display = ["line", "problems", "values", "file"]
    list_filter = ["file__run__dataset", "file__source", "state"]
    list_select_related = ["file__run"]
    ordering = ["-file", "line", "pk"]
    search_fields = ["file__name__folded_contains"]
    # Values may be personal: users without permission for personal data see only the names of the invalid columns.
    exclude = ["values", "problems"]

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        return ["line", *self._cells(request, at_most=300), "state", "file"]

    def get_readonly_fields(self, request: HttpRequest, obj: RejectedRow | None = None) -> list[Column]:
        return self._cells(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup.split("__")[0] not in self.exclude and super().lookup_allowed(lookup, value, request)

    def _cells(self, request: HttpRequest, at_most: int | None = None) -> list[Callable[[RejectedRow], str]]:
        readers: dict[tuple[str, str], RejectedRowFormatter] = {}

        @admin.display(description="problems")
        def problems(row: RejectedRow) -> str:
            if _is_personal(row, request.user):
                return ", ".join(problem["column"] or "row" for problem in row.problems)
            return row.problem_text

        @admin.display(description="values")
        def values(row: RejectedRow) -> str:
            text = whole(row)
            return Truncator(text).chars(at_most) if at_most else text

        def whole(row: RejectedRow) -> str:
            if _is_personal(row, request.user):
                return "Hidden: the dataset has personal data."
            if not isinstance(row.values, dict):
                return str(row.values)
            dataset, table = row.file.run.dataset, row.file.source
            if (dataset, table) not in readers and dataset in dataset_apps():
                readers.update(
                    {
                        (dataset, source.name): RejectedRowFormatter(source, request.user)
                        for source in sources_of(dataset)
                    }
                )
            reader = readers.get((dataset, table))
            cells = reader.cells(row) if reader else [{"heading": h, "value": v} for h, v in row.values.items()]
            texts = [f"{c['heading']}: {'' if c['value'] is None else c['value']}" for c in cells]
            return ", ".join([*texts, *([f"{RAW}: {raw}"] if reader and (raw := reader.raw(row)) else [])])

        return [problems, values]


def _is_personal(row: RejectedRow, user: Viewer) -> bool:
    """Return whether the dataset has personal data that *user* may not view: the row may be in the wrong table."""
    return is_restricted(row.file.run.dataset, user)
