"""Imports over HTTP: ask for one, follow it, read what it could not use, apply, cancel and undo it.

What is done is done by the same functions as in the admin, in the background, with the same permissions.
"""

from collections.abc import Sequence

from django.db import IntegrityError, models
from django.http import HttpResponseBase
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.settings import api_settings

from datasets import tasks
from datasets.api.authentication import HasScope
from datasets.api.orders import NotReceivedError, digest_of, key_of, read_confirmation, read_order
from datasets.api.pages import BadCursor, OrderKey, page
from datasets.api.parameters import LARGEST_PAGE, PAGE_SIZE, Refused
from datasets.api.problems import Conflict
from datasets.api.runs import address_of, body_of, rejections_of, summary_of
from datasets.api.streams import STREAMED
from datasets.bodies import BodyError
from datasets.history.undoing import UndoRefused, undo_run
from datasets.models import ImportRun, RejectedRow, SourceFile
from datasets.receiving import temporary_files
from datasets.rejected import rejected_response
from datasets.sources import dataset_apps
from datasets.spelling import shown, whole_number

NEEDED = {
    "create": "datasets.add_importrun",
    "apply": "datasets.add_importrun",
    "cancel": "datasets.add_importrun",
    "undo": "datasets.undo_importrun",
    "rejections": "datasets.view_rejectedrow",
}
PAGING = ("cursor", "page_size")
FILES = [renderer for renderer in STREAMED if renderer.format in ("csv", "ndjson")]  # that rejected rows come in


class MaySteerImports(BasePermission):
    """Accounts with the permission that the same thing needs in the admin."""

    def has_permission(self, request, view) -> bool:
        needed = NEEDED.get(view.action, "datasets.view_importrun")
        return request.user.is_authenticated and request.user.has_perm(needed)


class KeyReused(Refused):
    """An Idempotency-Key that has come before, with another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


class ImportViewSet(viewsets.ViewSet):
    """Imports: POST asks for one, with the dataset's own sources or with files, and an import's address tells of it."""

    permission_classes = [HasScope, MaySteerImports]
    scopes_to_read = ("read", "import")  # who may start an import may follow it
    lookup_value_regex = "[1-9][0-9]{0,17}"

    def get_view_name(self) -> str:
        return f"Imports: {self.name.lower()}" if getattr(self, "name", None) else "Imports"

    def list(self, request) -> HttpResponseBase:
        """List the imports, the newest first; ``dataset`` and ``status`` narrow it."""
        choices = {"dataset": list(dataset_apps()), "status": list(ImportRun.Status.values)}
        asked = _asked(request, *choices, *PAGING)
        errors = {
            name: [f"Expected one of {', '.join(choices[name])}; found {shown(asked[name])}."]
            for name in choices
            if name in asked and asked[name] not in choices[name]
        }
        if errors:
            raise Refused(errors)
        runs = ImportRun.objects.filter(**{name: asked[name] for name in choices if name in asked})
        runs = runs.order_by()
        order = [OrderKey("id", ImportRun._meta.pk, descending=True)]
        keys, around = _page(request, asked, runs, order)
        found = ImportRun.objects.select_related("started_by").in_bulk(keys)
        return _told({**around, "results": [summary_of(request, found[key]) for key in keys if key in found]})

    def create(self, request) -> HttpResponseBase:
        """Ask for an import of a dataset's own sources, or of files sent with it; a worker does it."""
        _asked(request)
        key = key_of(request)
        with temporary_files(request._request):
            run, mode = read_order(request)
            if key:
                run.request_key, run.request_digest = key, digest_of(run, mode)
            tasks.find_interrupted()
            try:
                return self._started(request, self._repeated(run) or self._new(run, mode))
            except BodyError as error:
                raise NotReceivedError(error) from None

    def retrieve(self, request, pk: str) -> HttpResponseBase:
        """Tell how far an import has come, and what became of it."""
        _asked(request)
        tasks.find_interrupted()
        return _told(body_of(request, _run(pk)))

    @action(detail=True, methods=["post"])
    def apply(self, request, pk: str) -> HttpResponseBase:
        """Have a rehearsed import done for real; remove_most confirms that most of a table is deleted."""
        _asked(request)
        remove_most = read_confirmation(request, ["remove_most"]).get("remove_most", False)
        tasks.find_interrupted()
        run = _run(pk)
        try:
            with tasks.alone(run):
                tasks.apply(run, remove_most=remove_most)
        except tasks.NotNow as error:
            raise _conflict(request, error, run) from None
        return self._started(request, run)

    @action(detail=True, methods=["post"])
    def cancel(self, request, pk: str) -> HttpResponseBase:
        """Stop an import that waits or goes on; one that goes on stops within seconds."""
        _asked(request)
        read_confirmation(request)
        tasks.find_interrupted()
        run = _run(pk)
        try:
            tasks.cancel(run)
        except tasks.NotNow as error:
            raise _conflict(request, error, run) from None
        run.refresh_from_db()
        return self._started(request, run)

    @action(detail=True, methods=["post"])
    def undo(self, request, pk: str) -> HttpResponseBase:
        """Take back what an import did to the tables, now."""
        _asked(request)
        read_confirmation(request)
        run = _run(pk)
        try:
            undone = undo_run(run, request.user)
        except UndoRefused as refusal:
            raise Conflict(str(refusal), reasons=refusal.reasons, run=address_of(request, run)) from None
        return _told(body_of(request, run) | {"undone": undone.told()})

    @action(detail=True, renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, *FILES])
    def rejections(self, request, pk: str) -> HttpResponseBase:
        """List the rows that an import could not use; as CSV or NDJSON, those of one file, to be mended."""
        asked = _asked(request, "file", *PAGING)
        run = _run(pk)
        file = _file(run, asked)
        format = request.accepted_renderer.format
        if format in ("csv", "ndjson"):
            response = self._download(request, run, file, format)
        else:
            rows = RejectedRow.objects.filter(**{"file": file} if file else {"file__run": run}).order_by()
            order = [OrderKey(name, RejectedRow._meta.get_field(name)) for name in ("file_id", "line", "id")]
            keys, around = _page(request, asked, rows, order)
            found = RejectedRow.objects.select_related("file__run").in_bulk(keys)
            shown = rejections_of(run, [found[key] for key in keys if key in found], request.user)
            response = _told({**around, "results": shown})
        response["Cache-Control"] = "no-store"
        return response

    def _new(self, run: ImportRun, mode: str) -> ImportRun:
        try:
            with tasks.alone(run):
                (tasks.land if mode == "apply" else tasks.rehearse)(run)
        except (tasks.Underway, IntegrityError) as error:
            if repeated := self._repeated(run):  # it came twice at once
                return repeated
            if isinstance(error, IntegrityError):
                raise
            raise _conflict(self.request, error, run) from None
        return run

    def _repeated(self, run: ImportRun) -> ImportRun | None:
        """Return the run that the same request, by its key, has started before; raises KeyReused."""
        if not run.request_key:
            return None
        known = ImportRun.objects.filter(started_by=run.started_by, request_key=run.request_key).first()
        if known and known.request_digest != run.request_digest:
            raise KeyReused(
                {"Idempotency-Key": [f"It came before, with another request, for run {known.pk}. Take a new key."]},
                run=address_of(self.request, known),
            )
        return known

    def _started(self, request, run: ImportRun) -> Response:
        """Tell of a run that a worker goes on with, and where to follow it."""
        response = _told(body_of(request, run), status.HTTP_202_ACCEPTED)
        response["Location"] = address_of(request, run)
        return response

    def _download(self, request, run: ImportRun, file: SourceFile | None, format: str) -> HttpResponseBase:
        files = [file] if file else list(run.files.filter(rejected__gt=0)) or list(run.files.all()[:1])
        if len(files) != 1:
            told = ", ".join(f"{one.pk} ({one.name}, {one.source})" for one in files[:20])
            found = f"several have rejected rows: {told}" if files else "the run has read none"
            raise Refused({"file": [f"Expected the id of one file; {found}."]})
        try:
            return rejected_response(files[0], request.user, format)
        except ValueError as error:
            raise Refused({"format": [str(error)]}) from None


def _run(pk: str) -> ImportRun:
    run = ImportRun.objects.select_related("started_by").filter(pk=int(pk)).first()
    if run is None:
        raise NotFound(f"There is no import {pk}.")
    return run


def _file(run: ImportRun, asked: dict[str, str]) -> SourceFile | None:
    """Return the file of *run* that is asked for, if one is; raises Refused."""
    if "file" not in asked:
        return None
    wanted = asked["file"]
    files = {str(file.pk): file for file in run.files.select_related("run")}
    if wanted not in files:
        raise Refused(
            {"file": [f"Expected the id of a file of this import, as its sources tell it; found {shown(wanted)}."]}
        )
    return files[wanted]


def _conflict(request, error: tasks.NotNow, run: ImportRun) -> Conflict:
    return Conflict(str(error), run=address_of(request, getattr(error, "run", run)))


def _told(body: dict, code: int = status.HTTP_200_OK) -> Response:
    """Return a response that nobody keeps: a run goes on."""
    return Response(body, status=code, headers={"Cache-Control": "no-store"})


def _asked(request, *known: str) -> dict[str, str]:
    """Return the parameters of the address; raises Refused for unknown ones, and for what comes twice or empty."""
    known, errors = ("format", *known), {}
    for name, values in request.query_params.lists():
        if name not in known:
            errors[name] = [f"Unknown parameter. Known ones: {', '.join(known)}."]
        elif len(values) > 1:
            errors[name] = [f"Expected once, found {len(values)} times."]
        elif not values[0].strip():
            errors[name] = ["Expected a value, found none."]
    if errors:
        raise Refused(errors)
    return request.query_params.dict()


def _page(
    request, asked: dict[str, str], records: models.QuerySet, order: Sequence[OrderKey]
) -> tuple[list[int], dict[str, str | None]]:
    """Return the keys of the records of a page, and the addresses of those around it; raises Refused."""
    try:
        size = whole_number(asked.get("page_size", str(PAGE_SIZE)), 1, LARGEST_PAGE)
    except ValueError as error:
        raise Refused({"page_size": [str(error)]}) from None
    try:
        found = page(records, ["id"], order, size, asked.get("cursor", ""))
    except BadCursor:
        raise Refused({"cursor": ["Expected a cursor of this list's next or previous link."]}) from None
    return [key for key, *_ in found.rows], found.links(request.build_absolute_uri())
