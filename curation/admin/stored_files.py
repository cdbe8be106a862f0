"""The stored files of imports: their download, and a line of a file with the lines around it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from curation.admin.base_admin import ReadOnlyAdmin
from datasets.http.error_responses import refused
from datasets.permissions import may
from datasets.records.masking import Viewer
from datasets.registry import dataset_apps
from datasets.text import visible
from imports.engine.fixed_rows import continued
from imports.engine.locks import ImportRefusedError
from imports.input_files import download_name, stored, stored_file
from imports.masking import is_restricted
from imports.models import ImportRun, SourceFile
from imports.readers import ReadError
from imports.readers.line_window import lines_around
from imports.readers.verified_files import check
from imports.rejected_rows import file_name
from imports.sources import sources_of
from imports.stored_entry import StorageError

MISSING = "The stored file no longer exists, or its bytes have changed since the import."


def may_read_files(user: Viewer, dataset: str) -> bool:
    """Return whether *user* may read the files of a dataset: a file can have any column of any of its tables."""
    if dataset not in dataset_apps() or is_restricted(dataset, user):
        return False
    needed: list[type[models.Model]] = [ImportRun, SourceFile, *(source.model for source in sources_of(dataset))]
    return all(may(user, "view", model) for model in needed)


def line_link(file: SourceFile, line: int, *, readable: bool) -> SafeString:
    """Return ``line 12``, with a link to the line if the file is *readable* for the user."""
    if not readable:
        return format_html("line {}", line)
    return format_html('<a href="{}">line {}</a>', reverse("admin:imports_sourcefile_line", args=[file.pk, line]), line)


class StoredFileViews(ReadOnlyAdmin[SourceFile]):
    """The views of stored files."""

    change_form_template = "curation/source_file.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<number:pk>/download/", view(self.download_view), name="imports_sourcefile_download"),
            path("<number:pk>/line/<number:line>/", view(self.line_view), name="imports_sourcefile_line"),
            *super().get_urls(),
        ]

    def download_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send the bytes of a file as they were imported."""
        file = self._file(request, pk)
        try:
            check(stored(file.sha256))
            content = open(stored(file.sha256), "rb")
        except StorageError:
            raise
        except (ReadError, OSError):
            return refused(request, 404, MISSING)
        name = file_name(download_name(file))
        return FileResponse(content, as_attachment=True, filename=name, content_type="application/octet-stream")

    def line_view(self, request: HttpRequest, pk: int, line: int) -> HttpResponse:
        """Show a line of a file with three lines before and after it."""
        file = self._file(request, pk)
        numbered = _file_with_lines(file)
        try:
            lines = lines_around(stored_file(numbered), line, numbered.encoding)
        except ReadError:
            return refused(request, 404, MISSING)
        shown = [{"number": each.number, "text": visible(each.text, "\t"), "is_cut": each.is_cut} for each in lines]
        context = self.admin_site.each_context(request) | {
            "title": f"{numbered.name}, line {line}",
            "opts": self.opts,
            "file": file,
            "numbered": numbered,
            "line": line,
            "lines": shown,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "curation/source_file_line.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a file with a link to its download if the user may read it."""
        file = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = {"may_read": file is not None and may_read_files(request.user, file.run.dataset)}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def _file(self, request: HttpRequest, pk: int) -> SourceFile:
        """Return the file. Raises PermissionDenied, also if the dataset has personal data that the user may not see."""
        if not self.has_view_permission(request):  # before the query, which would reveal whether the file exists
            raise PermissionDenied
        file = get_object_or_404(SourceFile.objects.select_related("run"), pk=pk)
        if not may_read_files(request.user, file.run.dataset):
            raise PermissionDenied
        return file


def _file_with_lines(file: SourceFile) -> SourceFile:
    """Return the file to which the line numbers of *file* refer: fixed rows keep those of their original file."""
    try:
        return continued(file.original_name, file.source) or file
    except ImportRefusedError:
        return file
