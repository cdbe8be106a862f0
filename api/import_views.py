"""Views to start, follow, apply, cancel, undo and redo imports, and to list their rejected rows.

The views call the same functions and require the same permissions as the admin. A worker runs the imports.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, models
from django.http import HttpResponseBase
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api import import_changes, import_requests, import_serializers
from api.import_comments import CommentRequestSerializer, CommentSerializer
from api.import_requests import NotReceivedError, digest_of, idempotency_key, read_confirmation, read_import_request
from api.import_serializers import address_of
from api.import_undo import UndoRequestSerializer, reverse_run
from api.openapi.imports import described, described_comment
from api.pagination import KeyPagination, PositionPagination
from api.permissions import HasActionPermission, HasScope
from api.problems import Conflict
from api.streaming import STREAMED
from api.strict_serializers import Parameters
from datasets.http.request_bodies import BodyError
from datasets.http.signed_in import signed_in_user
from datasets.query_values import shown
from datasets.records.query_params import InvalidParametersError
from imports import reports, tasks, worklist
from imports.engine.interrupted import find_interrupted
from imports.models import ImportRun, SourceFile
from imports.rejected_rows import rejected_response
from imports.resolved_rows import RowState
from imports.upload_handlers import temporary_files

FILES = [renderer for renderer in STREAMED if renderer.format in ("csv", "ndjson")]  # the formats of rejected rows


class IdempotencyKeyReusedError(InvalidParametersError):
    """Another request has already used this Idempotency-Key."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


@described
class ImportViewSet(viewsets.ViewSet):
    """Start imports of the site's own files or of uploads with POST, and follow each import at its URL."""

    permission_classes = [HasScope, HasActionPermission]
    needed_permissions = {
        "list": "imports.view_importrun",
        "retrieve": "imports.view_importrun",
        "rejections": "imports.view_rejectedrow",
        "changes": "imports.view_importrun",
        "create": "imports.add_importrun",
        "apply": "imports.add_importrun",
        "preview": "imports.add_importrun",
        "cancel": "imports.add_importrun",
        "undo": "imports.undo_importrun",
        "comments": "imports.view_importrun",
        "add_comment": "curation.add_comment",
        "redo": "imports.undo_importrun",
    }
    scopes_to_read = ("read", "import")  # tokens that can start imports can also follow them
    parameters: dict[str, Any]
    lookup_value_regex = "[1-9][0-9]{0,17}"
    pagination_class = KeyPagination
    parameter_classes = {
        "list": import_requests.ImportsParameters,
        "rejections": import_requests.RejectionsParameters,
        "changes": import_changes.ChangesParameters,
        "comments": import_requests.PageParameters,
    }

    def get_view_name(self) -> str:
        return f"Imports: {self.name.lower()}" if self.name else "Imports"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action not in (None, "metadata"):  # the method is allowed, and it is not OPTIONS
            serializer = self.parameter_classes.get(self.action, Parameters)
            self.parameters = serializer(data=request.query_params).read()

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"  # a run's status changes
        return response

    def list(self, request: Request) -> HttpResponseBase:
        """List imports, newest first, optionally filtered by ``dataset`` and ``status``."""
        filters = {name: self.parameters[name] for name in ("dataset", "status") if name in self.parameters}
        runs = ImportRun.objects.filter(**filters).select_related("started_by").order_by("-id")
        return self._page(runs, import_serializers.ImportSummarySerializer)

    def create(self, request: Request) -> HttpResponseBase:
        """Start an import of the site's own files or of uploads. It runs in the background."""
        key = idempotency_key(request)
        with temporary_files(request._request):
            run, mode = read_import_request(request)
            if key:
                run.request_key, run.request_digest = key, digest_of(run, mode)
            find_interrupted()
            try:
                return self._started(self._repeated(run) or self._new(run, mode))
            except BodyError as error:
                raise NotReceivedError(error) from None

    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """Return the progress and the results of an import."""
        find_interrupted()
        return self._run_response(self._run(pk))

    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: str) -> HttpResponseBase:
        """Apply a previewed import.

        delete_most allows deleting more than half of a table. pairing=on pairs edited rows with their records even if
        less than half of a file still matches.
        """
        options = read_confirmation(request, import_requests.ApplyRequestSerializer)
        find_interrupted()
        run = self._run(pk)
        with self._no_conflict(run), tasks.alone(run):
            pair = options.pop("pairing", None) is not None
            tasks.apply(run, pair=pair, **options)
        return self._started(run)

    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: str) -> HttpResponseBase:
        """Preview an import again, with other choices about its pairs or its missing records.

        Each preview shows the result of the choices so far. Apply the last one.
        """
        sent = read_confirmation(request, import_changes.PreviewRequestSerializer)
        find_interrupted()
        run = self._run(pk)
        with self._no_conflict(run), tasks.alone(run):
            tasks.preview(run, **import_changes.preview_options(request, run, sent))
        return self._started(run)

    @action(detail=True)
    def changes(self, request: Request, pk: str) -> HttpResponseBase:
        """List the records that an import changes, creates or keeps, or that are missing from its files."""
        entries, context = import_changes.changes_of(request, self._run(pk), self.parameters["kind"])
        pages = PositionPagination()
        page = pages.page_of(entries, request, self.parameters)
        return pages.get_paginated_response(
            import_changes.RecordChangeSerializer(page, many=True, context=context).data
        )

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> HttpResponseBase:
        """Cancel a waiting or running import. A running one stops within seconds."""
        read_confirmation(request)
        find_interrupted()
        run = self._run(pk)
        with self._no_conflict(run):
            tasks.cancel(run)
        run.refresh_from_db()
        return self._started(run)

    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> HttpResponseBase:
        """Undo an import and restore the tables to their state before it.

        The response is sent when the undo is complete. If later changes block it, the response is 409 and lists them;
        blockers_first undoes them too. mode=preview only returns the steps.
        """
        return self._reversed(pk, redo=False)

    @action(detail=True, methods=["post"])
    def redo(self, request: Request, pk: str) -> HttpResponseBase:
        """Apply an undone import again, with the same keys, values and origins.

        The response is sent when the redo is complete. It is blocked, previewed and unblocked like an undo.
        """
        return self._reversed(pk, redo=True)

    @action(detail=True, renderer_classes=[*viewsets.ViewSet.renderer_classes, *FILES])
    def rejections(self, request: Request, pk: str) -> HttpResponseBase:
        """List the rejected rows of an import.

        The formats CSV and NDJSON return the open rows of one file, which can be fixed and imported again.
        """
        run = self._run(pk)
        file = self._file(run)
        if (file_format := request.accepted_renderer.format) in ("csv", "ndjson"):
            if self.parameters.get("state", RowState.OPEN) != RowState.OPEN:
                raise InvalidParametersError({"state": ["Expected open: a file to fix contains only open rows."]})
            return self._download(run, file, file_format)
        rows = reports.rejected_rows_of(run).select_related("file__run").order_by("file_id", "line", "id")
        rows = rows.filter(file=file) if file else rows
        if state := self.parameters.get("state"):
            rows = worklist.in_state(rows, run.dataset, state)
        return self._page(rows, import_serializers.RejectionSerializer)

    @action(detail=True)
    def comments(self, request: Request, pk: str) -> HttpResponseBase:
        """List the comments on an import, newest first."""
        return self._page(self._run(pk).comments.select_related("user").order_by("-id"), CommentSerializer)

    @comments.mapping.post
    @described_comment
    def add_comment(self, request: Request, pk: str) -> HttpResponseBase:
        """Add a comment to an import. This changes no data."""
        sent = read_confirmation(request, CommentRequestSerializer)
        run = self._run(pk)
        comment = run.comments.create(dataset=run.dataset, user=signed_in_user(request), **sent)
        document = CommentSerializer(comment, context={"request": request}).data
        return Response(document, status.HTTP_201_CREATED)

    def _reversed(self, pk: str, *, redo: bool) -> Response:
        """Undo or redo a run, or preview this, and return the run with the steps. Raises Conflict."""
        sent = read_confirmation(self.request, UndoRequestSerializer)
        return Response(reverse_run(self.request, self._run(pk), sent, redo=redo))

    def _run(self, pk: str) -> ImportRun:
        run = ImportRun.objects.select_related("started_by").filter(pk=int(pk)).first()
        if run is None:
            raise NotFound(f"There is no import {pk}.")
        return run

    def _page(self, records: models.QuerySet, serializer: type[Serializer]) -> Response:
        pages = self.pagination_class()
        instances = pages.page_of(records, self.request, self.parameters)
        return pages.get_paginated_response(serializer(instances, many=True, context={"request": self.request}).data)

    def _new(self, run: ImportRun, mode: str) -> ImportRun:
        try:
            with self._no_conflict(run), tasks.alone(run):
                (tasks.apply_directly if mode == "apply" else tasks.preview)(run)
        except (Conflict, IntegrityError):
            if duplicates := self._repeated(run):  # an identical request has arrived at the same time
                return duplicates
            raise
        return run

    def _repeated(self, run: ImportRun) -> ImportRun | None:
        """Return the run started by an earlier request with the same key. Raises IdempotencyKeyReusedError."""
        if not run.request_key:
            return None
        known = ImportRun.objects.filter(started_by=run.started_by, request_key=run.request_key).first()
        if known and known.request_digest != run.request_digest:
            raise IdempotencyKeyReusedError(
                {"Idempotency-Key": [f"Another request has already used this key (run {known.pk}). Use a new key."]},
                run=address_of(self.request, known),
            )
        return known

    def _run_response(
        self,
        run: ImportRun,
        code: int = status.HTTP_200_OK,
    ) -> Response:
        return Response(import_serializers.ImportSerializer(run, context={"request": self.request}).data, code)

    def _started(self, run: ImportRun) -> Response:
        """Return 202 with the run, and its URL in the Location header."""
        response = self._run_response(run, status.HTTP_202_ACCEPTED)
        response["Location"] = address_of(self.request, run)
        return response

    @contextmanager
    def _no_conflict(self, run: ImportRun) -> Iterator[None]:
        """Convert errors about the run's state to 409 responses with the URL of the conflicting run."""
        try:
            yield
        except tasks.InvalidRunStateError as error:
            raise Conflict(str(error), run=address_of(self.request, getattr(error, "run", run))) from None

    def _file(self, run: ImportRun) -> SourceFile | None:
        """Return the file of *run* that the parameter ``file`` selects, or None. Raises InvalidParametersError."""
        file_id = self.parameters.get("file")
        if file_id is None:
            return None
        files = {str(file.pk): file for file in run.files.select_related("run")}
        if file_id not in files:
            message = f"Expected the id of a file from the import's sources, found {shown(file_id)}."
            raise InvalidParametersError({"file": [message]})
        return files[file_id]

    def _download(self, run: ImportRun, file: SourceFile | None, file_format: str) -> HttpResponseBase:
        files = [file] if file else list(run.files.filter(rejected__gt=0)) or list(run.files.all()[:1])
        if len(files) != 1:
            names = ", ".join(f"{file.pk} ({file.name}, {file.source})" for file in files[:20])
            reason = f"several files have rejected rows: {names}" if files else "the run has not read any file"
            raise InvalidParametersError({"file": [f"Expected the id of one file; {reason}."]})
        try:
            return rejected_response(files[0], self.request.user, file_format)
        except ValueError as error:
            raise InvalidParametersError({"format": [str(error)]}) from None
