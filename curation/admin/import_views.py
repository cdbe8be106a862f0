"""Imports in the browser: the upload form, the run page, and the actions on a run."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from curation.admin import pair_choices, run_detail, run_summary, undo_pages
from curation.admin.base_admin import ReadOnlyAdmin
from curation.admin.comments import ADD, add_comment, comments_section
from curation.admin.form_params import PostedError, check_single
from curation.admin.reasons import posted_reason
from curation.admin.stored_files import may_read_files
from curation.history.edits import EditRefusedError
from curation.history.undo_permissions import UNDO_RUN
from datasets.http.request_bodies import BodyError
from datasets.http.signed_in import signed_in_user
from datasets.registry import dataset_apps
from imports import reports, tasks
from imports.engine import missing_records
from imports.engine.doubtful_pairs import doubtful
from imports.engine.interrupted import find_interrupted
from imports.fitting_datasets import NoSingleDatasetError, dataset_of
from imports.masking import RunTexts
from imports.models import ImportRun, SourceFile
from imports.pair_choices import PairChoiceError
from imports.rejected_rows import rejected_response
from imports.stored_uploads import StoredImportForm, received_files
from imports.upload_handlers import receive, temporary_files

Status = ImportRun.Status
IMPORT, UNDO = "imports.add_importrun", UNDO_RUN
LOST = " No file of this upload was kept: choose them again. If the form listed uploaded files, go back to it."


def _require(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def _expect_files_as_files(request: HttpRequest) -> None:
    """Raise BodyError for a file in another field, or a text in the field "files": the form would ignore it."""
    others = [name for name in request.FILES if name != "files"] + ["files"] * any(request.POST.getlist("files"))
    if others:
        raise BodyError(
            f"The field “{others[0][:100]}” contains unexpected files, or text instead of a file. Send files in the "
            "field “files”. Nothing was imported."
        )


def _expect_one_of_each(request: HttpRequest) -> None:
    """Raise BodyError for a repeated field."""
    try:
        check_single(request.POST, {"files", "stored"})
    except PostedError as error:
        raise BodyError(str(error)) from error


class ImportViews(ReadOnlyAdmin[ImportRun]):
    """The views of imports."""

    change_list_template = "curation/importrun/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        urls = [
            path("import/", wrap(csrf_exempt(self.import_view)), name="imports_importrun_import"),
            path("<number:pk>/progress/", wrap(self.progress_view), name="imports_importrun_progress"),
            path("<number:pk>/comment/", wrap(self.comment_view), name="imports_importrun_comment"),
            *undo_pages.urls(wrap(self.undo_view), "imports_importrun"),
            path("file/<number:pk>/rejected/", wrap(self.rejected_view), name="imports_importrun_rejected"),
        ]
        for verb, action in _ACTIONS.items():
            view = partial(self.action_view, action=action)
            urls.append(path(f"<number:pk>/{verb}/", wrap(view), name=f"imports_importrun_{verb}"))
        return urls + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the progress or the result of a run."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied  # the actions on a run have their own URLs
        if not self.has_view_permission(request):
            raise PermissionDenied
        find_interrupted()
        return self._run_page(request, get_object_or_404(ImportRun.objects.select_related("started_by"), pk=object_id))

    def _run_page(self, request: HttpRequest, run: ImportRun, problem: str = "") -> TemplateResponse:
        """Return the page of a run. With a *problem* of the posted choices, the page shows both."""
        user, values = request.user, request.POST if problem else request.GET
        context = self._context(request, run) | {
            "title": f"Run {run.pk} of {run.dataset}",
            "sources": run_detail.counts(run, user),
            "counted_as": reports.counted_as(run),
            "most": missing_records.most_of_previewed(run) if not run.delete_most else [],
            "doubted": doubtful(run, run.files.all()),
            "missing": _missing(run),
            "may_undo": user.has_perm(UNDO) and run.status == Status.APPLIED,
            "may_redo": user.has_perm(UNDO) and run.status == Status.UNDONE,
            "may_repeat": user.has_perm(IMPORT)
            and run.task_id
            and run.status in run_detail.STOPPED
            and not run_detail.is_of_a_file(run)
            and not run.copy_of,
            "stopped": run.status in run_detail.STOPPED,
            "problem": problem,
            "chosen": pair_choices.described(run),
            "effect": run_summary.effect(run, user),
            "explored": list(run_summary.explored(run, user)) if run.status == Status.APPLIED else [],
        }
        address = reverse("admin:imports_importrun_comment", args=[run.pk])
        if may_read_files(user, run.dataset):
            context["downloads"] = run_detail.downloads(run)
        context |= comments_section({"run_id": run.pk}, address, may_add=user.has_perm(ADD))
        if not context["working"]:
            context |= run_detail.tabs(run, user, values, request.POST)
        return TemplateResponse(request, "curation/importrun/run.html", context, status=400 if problem else 200)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the progress of a run, which its page polls; when the run ends, the page reloads."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        find_interrupted()
        context = self._context(request, get_object_or_404(ImportRun, pk=pk)) | {"refreshed": True}
        response = TemplateResponse(request, "curation/importrun/progress.html", context)
        if not context["working"]:
            response["HX-Refresh"] = "true"
        return response

    def _context(self, request: HttpRequest, run: ImportRun) -> dict[str, Any]:
        progress = reports.progress(run)
        formatted = {"row_count": f"{progress['rows']:,}", "pace": f"{progress['rows_a_second'] or 0:,}"}
        return self.admin_site.each_context(request) | {
            "opts": self.opts,
            "run": run,
            "state": run_summary.state(run),
            "texts": RunTexts(run, request.user),
            "working": run.status in (Status.WAITING, Status.RUNNING),
            "progress": progress | formatted,
            "phases": reports.PHASES,
            "dataset_name": dataset_apps()[run.dataset].verbose_name if run.dataset in dataset_apps() else run.dataset,
            "may_import": request.user.has_perm(IMPORT),
        }

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Receive files; check permissions before reading the request body."""
        _require(request, IMPORT)
        if request.method != "POST":
            return self._import_view(request)
        with temporary_files(request):
            try:
                receive(request)
                return self._import_view(request)
            except BodyError as error:
                # Not through CSRF protection, which would read the whole body.
                form = StoredImportForm(user=signed_in_user(request))
                return self._form(request, form, problem=f"{error}{LOST}", status=error.status)

    @method_decorator(csrf_protect)
    def _import_view(self, request: HttpRequest) -> HttpResponse:
        user = signed_in_user(request)
        if request.method != "POST":
            form = StoredImportForm(initial=request.GET.dict(), user=user)
            if request.GET.get("run"):
                form.of_run(get_object_or_404(ImportRun, pk=request.GET["run"]), request.GET.get("file", ""))
            return self._form(request, form, status=200)
        _expect_files_as_files(request)
        _expect_one_of_each(request)
        if "dataset" not in request.POST and "stored" not in request.POST:
            return self._find_dataset(request, user)
        form = StoredImportForm(request.POST, request.FILES, user=user)
        if form.is_valid():
            run = form.new_run(user)
            tasks.preview(run)
            return self._to(run)
        form.keep_files(request.POST, request.FILES)
        return self._form(request, form, status=400)

    def _find_dataset(self, request: HttpRequest, user: User) -> HttpResponse:
        """Show the form with the files that the dashboard sends, and with the dataset that they fit."""
        files, dataset, problem = received_files(request.FILES), "", "Choose a file that is not empty."
        if files:
            try:
                dataset, problem = dataset_of(files), ""
            except NoSingleDatasetError as error:
                problem = str(error)
        form = StoredImportForm(user=user)
        form.start_with(files, dataset)
        return self._form(request, form, problem=problem, status=400 if problem else 200)

    def _form(
        self, request: HttpRequest, form: StoredImportForm, *, status: int, problem: str = ""
    ) -> TemplateResponse:
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": "Import",
            "form": form,
            "problem": problem,
        }
        return TemplateResponse(request, "curation/importrun/import.html", context, status=status)

    def action_view(self, request: HttpRequest, pk: int, action: Callable[..., object]) -> HttpResponse:
        """Perform an action on a run, POST only."""
        _require(request, IMPORT)
        if request.method != "POST":
            return HttpResponse("Use the button on the run's page.", status=405, headers={"Allow": "POST"})
        run = get_object_or_404(ImportRun, pk=pk)
        options: dict[str, Any] = {}
        try:
            if action is tasks.preview:
                options = {"unpaired": request.POST.get("unpaired") == "on"}
                if "delete_missing" in request.POST:
                    options["delete_missing"] = request.POST["delete_missing"] == "on"
                if "known_as" in request.POST:
                    options["known_as"] = request.POST["known_as"]
                if "choices" in request.POST:
                    options["pair_choices"] = pair_choices.posted_choices(run, request.user, request.POST)
            if action is tasks.apply:
                options = {name: request.POST.get(name) == "on" for name in ("delete_most", "pair")}
                options["reason"] = posted_reason(request)
            action(run, **options)
        except PairChoiceError as error:
            return self._run_page(request, run, problem=str(error))
        except (tasks.InvalidRunStateError, EditRefusedError) as error:
            messages.warning(request, str(error))
        except OperationalError:
            messages.warning(request, "The database is busy. Try again in a moment.")
        return self._to(run, request.POST.get("tab", ""))

    def undo_view(self, request: HttpRequest, pk: int, **options: bool) -> HttpResponse:
        """Show the effect of undoing or redoing a run or its conflicts; do it when the user confirms."""
        _require(request, UNDO)
        return undo_pages.undo_page(request, self, get_object_or_404(ImportRun, pk=pk), **options)

    def comment_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a comment to a run, POST only."""
        _require(request, "imports.view_importrun", ADD)
        if request.method != "POST":
            return HttpResponse("Use the form on the run's page.", status=405, headers={"Allow": "POST"})
        run = get_object_or_404(ImportRun, pk=pk)
        add_comment(request, run.dataset, {"run_id": run.pk})
        return self._to(run)

    def rejected_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send the rejected rows of one file, for fixing and importing again."""
        _require(request, "imports.view_rejectedrow")
        file = get_object_or_404(SourceFile.objects.select_related("run"), pk=pk)
        return rejected_response(file, request.user, spreadsheet=True)

    def _to(self, run: ImportRun, tab: str = "") -> HttpResponseRedirect:
        address = reverse("admin:imports_importrun_change", args=[run.pk])
        return HttpResponseRedirect(f"{address}?tab={tab}" if tab in run_detail.TABS else address)


_ACTIONS = {"cancel": tasks.cancel, "apply": tasks.apply, "discard": tasks.discard, "preview": tasks.preview}


def _missing(run: ImportRun) -> list[SourceFile]:
    """Return the files of a preview from which records are missing."""
    if run.status != Status.PREVIEWED or run.task_id is None:
        return []
    return [file for file in run.files.all() if file.missing]
