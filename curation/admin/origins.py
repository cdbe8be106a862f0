"""The origin of each value on the page of a record: the file, line and run, or the edit, with links."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from curation.admin.base_admin import M
from curation.admin.record_editing import EditedAdmin
from curation.admin.stored_files import line_link, may_read_files
from curation.history.origins import Origin, origins_of
from datasets.records.masking import hidden_fields
from imports.models import Edit, SourceFile


def file_summary(file: SourceFile | None, line: int | None = None, *, readable: bool = False) -> str:
    """Return the file, line and run with links; to the line if the file is *readable* for the user."""
    if file is None:
        return "Not imported."
    summary = format_html('<a href="{}">{}</a>', reverse("admin:imports_sourcefile_change", args=[file.pk]), file.name)
    if line:
        summary = format_html("{}, {}", summary, line_link(file, line, readable=readable))
    run = reverse("admin:imports_importrun_change", args=[file.run_id])
    return format_html('{} (<a href="{}">run {}</a>)', summary, run, file.run_id)


def edit_summary(edit: Edit) -> str:
    """Return the action, the user and the time of an edit."""
    action = edit.get_action_display()
    if edit.undone_run_id or edit.undone_edit_id:
        what = f"Run {edit.undone_run_id}" if edit.undone_run_id else f"Edit {edit.undone_edit_id}"
        action = f"{what} {edit.action}"
    at = timezone.localtime(edit.at).strftime("%Y-%m-%d %H:%M")
    return f"{action} by {edit.user or 'the command line'}, {at}"


def origin_text(origin: Origin, user: User | AnonymousUser, *, readable: bool) -> SafeString:
    """Return an origin with its links; an empty string if it is not known."""
    if origin.edit:
        address = reverse("admin:imports_edit_change", args=[origin.edit.pk])
        link = format_html('<a href="{}">edit {}</a>', address, origin.edit.pk)
        name = link if user.has_perm("imports.view_edit") else f"edit {origin.edit.pk}"
        return format_html("{} ({})", edit_summary(origin.edit), name)
    if origin.file:
        return format_html("{}", file_summary(origin.file, origin.line, readable=readable))
    return SafeString()


class OriginAdmin(EditedAdmin[M]):
    """An admin whose page of a record shows the origin of each value beside it."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        record: M | None = options.get("obj")
        if record is not None:
            context["origins"] = dict(self._origins(request, record))
        return super().render_change_form(request, context, *args, **options)

    def _origins(self, request: HttpRequest, record: M) -> Iterator[tuple[str, SafeString]]:
        """Yield the origin of each value by field, except of a value that the user may not see.

        The origin of such a value would reveal whether a file has changed it.
        """
        hidden, readable = hidden_fields(self.model, request.user), may_read_files(request.user, self.opts.app_label)
        for name, origin in origins_of(record).items():
            if name not in hidden:
                yield name, origin_text(origin, request.user, readable=readable)
