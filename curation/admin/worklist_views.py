"""The worklist of rejected rows in the browser: fix, check, import, ignore, and open again."""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.datastructures import MultiValueDict

from curation.admin.base_admin import ReadOnlyAdmin
from curation.admin.reasons import posted_reason
from curation.admin.worklist_page import CELL, DOCUMENT, PER_PAGE, Worklist
from curation.history.edits import EditRefusedError
from datasets.http.request_bodies import BodyError
from datasets.http.signed_in import signed_in_user
from datasets.registry import dataset_apps
from imports import row_fixes, suggested_values, tasks
from imports.models import ImportRun, RejectedRow, ResolvedRow
from imports.resolved_rows import RowState
from imports.row_fixes import RowFix
from imports.upload_storage import check_quotas
from imports.uploads import ImportForm
from imports.worklist import AT_MOST

IMPORT = "imports.add_importrun"
INPUT = re.compile(rf"{CELL}-([1-9][0-9]{{0,17}})-([0-9]{{1,4}})", re.ASCII)
DOCUMENT_INPUT = re.compile(rf"{DOCUMENT}-([1-9][0-9]{{0,17}})", re.ASCII)


class WorklistViews(ReadOnlyAdmin[RejectedRow]):
    """The views of the worklist."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("worklist/<str:dataset>/", wrap(self.worklist_view), name="imports_rejectedrow_worklist"),
            path(
                "worklist/<str:dataset>/suggestions/",
                wrap(self.suggestions_view),
                name="imports_rejectedrow_suggestions",
            ),
            *super().get_urls(),
        ]

    def worklist_view(self, request: HttpRequest, dataset: str) -> HttpResponse:
        """Show the rejected rows of a dataset; check, import or ignore them."""
        self._check_access(request, dataset)
        worklist = Worklist(dataset, request.GET, request.user)
        if request.method != "POST":
            return self._page(request, worklist, [])
        if not request.user.has_perm(IMPORT):
            raise PermissionDenied
        if "_ignore" in request.POST or "_reopen" in request.POST:
            return self._resolve(request, worklist)
        fixes = _fixes(request, worklist)
        row_fixes.check(fixes, worklist.formatters)
        accepted = [fix for fix in fixes if not fix.problems]
        if "_import" in request.POST and accepted:
            try:
                run = _previewed(request, worklist, accepted)
            except (BodyError, tasks.InvalidRunStateError) as error:
                messages.error(request, str(error))
            else:
                return HttpResponseRedirect(reverse("admin:imports_importrun_change", args=[run.pk]))
        elif not fixes:
            messages.warning(request, "Nothing was changed. Change a cell or a document, then check the rows again.")
        return self._page(request, worklist, fixes)

    def suggestions_view(self, request: HttpRequest, dataset: str) -> HttpResponse:
        """Return the suggested values of a column that begin with what the user has typed."""
        self._check_access(request, dataset)
        formatters = Worklist(dataset, request.GET, request.user).formatters
        formatter = formatters.get(request.GET.get("source", ""))
        column = formatter and formatter.source.bound.get(request.GET.get("column", ""))
        if not column:
            raise Http404
        typed = next((str(value) for name, value in request.GET.items() if name not in ("source", "column")), "")
        found = suggested_values.found_values(column, request.user, typed)
        return TemplateResponse(request, "curation/rejectedrow/suggestions.html", {"values": found})

    def _check_access(self, request: HttpRequest, dataset: str) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if dataset not in dataset_apps():
            raise Http404

    def _page(self, request: HttpRequest, worklist: Worklist, fixes: list[RowFix]) -> HttpResponse:
        may_change = request.user.has_perm(IMPORT)
        entries = worklist.entries({fix.row.pk: fix for fix in fixes}, may_change=may_change)
        accepted = sum(not fix.problems for fix in fixes)
        states = [(state.value, state.label) for state in RowState]
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"Rejected rows of {dataset_apps()[worklist.dataset].verbose_name}",
            "dataset": worklist.dataset,
            "worklist": worklist,
            "groups": [(group, worklist.address(problem=group.key)) for group in worklist.groups],
            "group_replaces": worklist.replaces_values,
            "without_group": worklist.address(problem=None),
            "states": states,
            "entries": entries,
            "group_suggestions": worklist.group_suggestions if may_change else None,
            "page": worklist.page,
            "pages": {"previous": worklist.page.number - 1, "next": worklist.page.number + 1},
            "query": worklist.address(),
            "may_change": may_change,
            "at_most": f"{AT_MOST:,}",
            "key_name": ACTION_CHECKBOX_NAME,
            "checked": len(fixes),
            "accepted": accepted,
            "remaining": row_fixes.frequent_problems(fixes, worklist.formatters),
            "posted": {name: request.POST.get(name, "") for name in ("old", "new")},
        }
        return TemplateResponse(request, "curation/rejectedrow/worklist.html", context)

    def _resolve(self, request: HttpRequest, worklist: Worklist) -> HttpResponse:
        """Ignore the selected rows or all rows of the list, or open them again."""
        rows = worklist.rows
        if request.POST.get("all") != "on":
            rows = rows.filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME))
        some = list(rows[:AT_MOST])
        if not some:
            messages.warning(request, "No rows are selected. Select rows, or select all rows of the list.")
        elif "_ignore" in request.POST:
            try:
                _ignore(some, request, posted_reason(request))
            except EditRefusedError as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, f"{_counted(some)} ignored.")
        else:
            identities = [row.identity for row in some]
            ResolvedRow.objects.filter(state=RowState.IGNORED, identity__in=identities).delete()
            messages.success(request, f"{_counted(some)} reopened.")
        return HttpResponseRedirect(worklist.address())


def _counted(rows: list[RejectedRow]) -> str:
    return f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"


def _ignore(rows: Iterable[RejectedRow], request: HttpRequest, reason: str) -> None:
    user = signed_in_user(request)
    ResolvedRow.objects.bulk_create(
        (
            ResolvedRow(
                source=row.file.source,
                name=row.file.name,
                identity=row.identity,
                state=RowState.IGNORED,
                user=user,
                reason=reason,
            )
            for row in rows
        ),
        ignore_conflicts=True,
    )


def _fixes(request: HttpRequest, worklist: Worklist) -> list[RowFix]:
    """Return the rows that the form changes: all rows of a group at once, then single cells."""
    fixes: dict[int, RowFix] = {}
    old, new, group = request.POST.get("old", ""), request.POST.get("new", "").strip(), worklist.group
    if new and group and group.column:
        found = row_fixes.replaced(worklist.rows[:AT_MOST], worklist.formatters, group.column, old, new)
        fixes = {fix.row.pk: fix for fix in found}
    typed: dict[int, dict[int, str]] = {}
    for name, text in request.POST.items():
        if match := INPUT.fullmatch(name):
            typed.setdefault(int(match[1]), {})[int(match[2])] = str(text)
    for row in worklist.rows.filter(pk__in=typed) if typed else ():
        if not row_fixes.is_fixable(row, worklist.formatters):
            continue
        cells = worklist.formatters[row.file.source].cells(row)
        changed = {
            cell["key"]: typed[row.pk][index]
            for index, cell in enumerate(cells)
            if index in typed[row.pk]
            and cell["value"] == row.values[cell["key"]]
            and typed[row.pk][index].strip() != (cell["value"] or "")
        }
        if changed:
            fix = fixes.setdefault(row.pk, RowFix(row, dict(row.values)))
            fix.cells = {**fix.cells, **changed}
    return [*fixes.values(), *_document_fixes(request, worklist)]


def _document_fixes(request: HttpRequest, worklist: Worklist) -> Iterator[RowFix]:
    """Yield the rows whose document the form changes."""
    posted = ((DOCUMENT_INPUT.fullmatch(name), str(text)) for name, text in request.POST.items())
    typed = {int(match[1]): text.replace("\r\n", "\n").strip() for match, text in posted if match}
    for row in worklist.rows.filter(pk__in=typed)[:PER_PAGE] if typed else ():
        text = row_fixes.changeable_document(row, worklist.formatters)
        if text is not None and typed[row.pk] != text.replace("\r\n", "\n").strip():
            yield RowFix(row, {}, typed[row.pk])


def _previewed(request: HttpRequest, worklist: Worklist, fixes: list[RowFix]) -> ImportRun:
    """Preview the import of fixed rows, as if their files had been uploaded; return the run."""
    with ExitStack() as unused:
        files = list(row_fixes.files_of(fixes, worklist.formatters))
        for file in files:
            unused.callback(file.path.unlink, missing_ok=True)
        check_quotas(request.user, sum(file.size or 0 for file in files))
        uploaded: MultiValueDict[str, UploadedFile[Any]] = MultiValueDict({"files": [*files]})
        form = ImportForm({"dataset": worklist.dataset, "encoding": "utf-8"}, uploaded)
        if not form.is_valid():
            raise BodyError(" ".join(str(message) for errors in form.errors.values() for message in errors))
        run = form.new_run(signed_in_user(request))
        tasks.preview(run)
    return run
