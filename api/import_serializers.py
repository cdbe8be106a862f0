"""Serializers for import runs: requests, progress, results and available actions."""

from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.import_requests import MODES
from datasets.registry import dataset_apps
from imports import reports, worklist
from imports.masking import RunTexts, readable
from imports.models import ImportRun, Problem, RejectedRow, ResolvedRow, SourceFile
from imports.rejected_rows import RejectedRowFormatter, line_file_name
from imports.resolved_rows import RowState
from imports.sources import sources_of
from imports.tasks import NOT_APPLIED

Status = ImportRun.Status
WORKING = (Status.WAITING, Status.RUNNING)


def address_of(request: HttpRequest, run: ImportRun, action: str = "detail") -> str:
    """Return the absolute URL of a run, or of one of its actions."""
    return request.build_absolute_uri(reverse(f"imports-{action}", args=[run.pk]))


class UploadedFileSerializer(serializers.Serializer):
    """An uploaded file."""

    name = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField(min_value=0)


class ImportProgressSerializer(serializers.Serializer):
    """The progress of a running import."""

    bytes_read = serializers.IntegerField(source="read", min_value=0)
    bytes_total = serializers.IntegerField(source="total", min_value=0)
    rows_read = serializers.IntegerField(source="rows", min_value=0)
    rows_a_second = serializers.IntegerField(allow_null=True)
    seconds_left = serializers.SerializerMethodField()
    merging = serializers.BooleanField()

    def get_seconds_left(self, progress: dict[str, Any]) -> int | None:
        return None if progress["left"] is None else int(progress["left"].total_seconds())


class CountsSerializer(serializers.Serializer):
    """The number of rows of a file or source for each outcome."""

    def get_fields(self) -> dict[str, serializers.Field]:
        counts = {name: serializers.IntegerField(min_value=0) for name in SourceFile.COUNTS}
        return {**counts, **super().get_fields()}


class SourceFileSerializer(CountsSerializer):
    """A file as read by the import for one source."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField(min_value=0)
    encoding = serializers.CharField()
    unknown_columns = serializers.SerializerMethodField(help_text="Ignored columns.")

    def to_representation(self, file: SourceFile) -> dict[str, Any]:
        return super().to_representation(file) | reports.counts(file, self.context["unseen"])

    def get_unknown_columns(self, file: SourceFile) -> list[str]:
        return self.context["texts"].unknown_columns(file)


class ImportSourceSerializer(CountsSerializer):
    """The files and counts of one source."""

    source = serializers.CharField()  # type: ignore[assignment]  # a field of the document, not the serializer's ``source`` attribute
    files = SourceFileSerializer(many=True)


class ImportSummarySerializer(serializers.ModelSerializer):
    """An import."""

    url = serializers.HyperlinkedIdentityField(view_name="imports-detail")
    mode = serializers.SerializerMethodField()
    uploads = UploadedFileSerializer(many=True)
    started_by: serializers.StringRelatedField[User] = serializers.StringRelatedField(allow_null=True)
    reason = serializers.SerializerMethodField(help_text="Why the files are imported; empty if no reason was given.")
    progress = serializers.SerializerMethodField(help_text="The progress of an unfinished import; otherwise null.")
    error = serializers.SerializerMethodField(help_text="Why the import failed; otherwise empty.")

    class Meta:
        model = ImportRun
        fields: tuple[str, ...] = (
            *("id", "url", "dataset", "status", "mode", "strict", "delete_missing", "delete_most", "pairing"),
            *("allow_missing_columns", "encoding", "known_as", "uploads", "reason", "started_by", "started_at"),
            *("begun_at", "finished_at", "progress", "error"),
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(MODES))
    def get_mode(self, run: ImportRun) -> str:
        return "preview" if run.dry_run else "apply"

    @extend_schema_field(ImportProgressSerializer(allow_null=True))
    def get_progress(self, run: ImportRun) -> dict[str, Any] | None:
        progress = reports.progress(run) | {"merging": run.merging}
        return ImportProgressSerializer(progress).data if run.status in WORKING else None

    def get_reason(self, run: ImportRun) -> str:
        return self._texts(run).reason

    def get_error(self, run: ImportRun) -> str:
        return self._texts(run).error

    def _texts(self, run: ImportRun) -> RunTexts:
        return RunTexts(run, self.context["request"].user)


class PairChoiceSerializer(serializers.Serializer):
    """A choice that a user made about a pair of a preview: a row of a file without a key, and a record."""

    source = serializers.CharField()  # type: ignore[assignment]  # as in ImportSourceSerializer
    file = serializers.CharField()
    sha256 = serializers.CharField(help_text="SHA-256 of the file in the preview.")
    line = serializers.IntegerField(min_value=1)
    record = serializers.CharField(help_text="Key of the record.")
    paired = serializers.BooleanField(help_text="Whether the row is a new version of the record.")


class ImportSerializer(ImportSummarySerializer):
    """An import with the results of each file and the available actions."""

    pair_choices = PairChoiceSerializer(many=True)
    notes = serializers.SerializerMethodField(help_text="Remarks on the run, one sentence each.")
    new_terms = serializers.SerializerMethodField(help_text="New terms of vocabularies, by table.")
    sources = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField(help_text="The URLs of the available actions.")

    class Meta(ImportSummarySerializer.Meta):
        fields = read_only_fields = (
            *ImportSummarySerializer.Meta.fields,
            *("notes", "new_terms", "pair_choices", "sources", "links"),
        )

    def get_notes(self, run: ImportRun) -> list[str]:
        return self._texts(run).notes

    def get_new_terms(self, run: ImportRun) -> dict[str, list[str]]:
        return self._texts(run).new_terms

    @extend_schema_field(ImportSourceSerializer(many=True))
    def get_sources(self, run: ImportRun) -> list[dict[str, Any]]:
        prefetch_related_objects([run], "files")
        user = self.context["request"].user
        unseen = reports.unseen_sources(user, run.dataset)
        context = {"unseen": unseen, "texts": self._texts(run)}
        loaded = reports.by_source(run).items()
        sources = [{"source": source, "files": files, **reports.totals(files, unseen)} for source, files in loaded]
        return [ImportSourceSerializer(source, context=context).data for source in sources]

    def get_links(self, run: ImportRun) -> dict[str, str]:
        available = {
            "rejections": run.status not in WORKING,
            "changes": run.status not in WORKING,
            "apply": run.status == Status.PREVIEWED,
            "preview": run.status in NOT_APPLIED and run.task_id is not None,
            "cancel": run.status in WORKING,
            "undo": run.status == Status.APPLIED,
            "redo": run.status == Status.UNDONE,
        }
        return {action: address_of(self.context["request"], run, action) for action in available if available[action]}


class RowProblemSerializer(serializers.Serializer):
    """A problem of a rejected row."""

    column = serializers.CharField(allow_null=True)
    value = serializers.JSONField()
    message = serializers.CharField()


class RejectionSerializer(serializers.Serializer):
    """A rejected row.

    Personal data is masked for accounts without permission to see it. If its source no longer exists, the row has no
    values.
    """

    source = serializers.CharField(source="file.source")  # type: ignore[assignment]  # as in ImportSourceSerializer
    file = serializers.IntegerField(source="file_id")
    name = serializers.SerializerMethodField()
    line = serializers.IntegerField()
    values = serializers.SerializerMethodField()
    problems = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField(help_text="The current state of the row across all imports of its file.")
    fixed_by = serializers.SerializerMethodField(help_text="The import that fixed the row; otherwise null.")
    record = serializers.SerializerMethodField(help_text="The key of the record that the row became; otherwise null.")
    reason = serializers.SerializerMethodField(help_text="Why the row is ignored; otherwise empty.")

    @extend_schema_field({"type": "string", "enum": list(RowState.values)})
    def get_state(self, row: RejectedRow) -> str:
        resolution = self._resolution(row)
        return resolution.state if resolution else RowState.OPEN.value

    def get_fixed_by(self, row: RejectedRow) -> int | None:
        resolution = self._resolution(row)
        return resolution.run_id if resolution else None

    def get_record(self, row: RejectedRow) -> str | None:
        resolution = self._resolution(row)
        return (resolution.record or None) if resolution else None

    def get_reason(self, row: RejectedRow) -> str:
        resolution = self._resolution(row)
        return readable(resolution.reason, self.context["request"].user) if resolution else ""

    def _resolution(self, row: RejectedRow) -> ResolvedRow | None:
        return self._resolutions.get(bytes(row.identity))

    @cached_property
    def _resolutions(self) -> dict[bytes, ResolvedRow]:
        """The resolutions of the rows on this page, by identity."""
        rows = list(self.parent.instance or [])
        return worklist.resolutions(rows[0].file.run.dataset, rows)

    def get_name(self, row: RejectedRow) -> str:
        return line_file_name(row.file)

    @extend_schema_field(
        {
            "type": ["object", "string", "null"],
            "description": "Cells by column, or the raw line if it could not be split.",
        }
    )
    def get_values(self, row: RejectedRow) -> dict[str, Any] | str | None:
        reader = self._reader(row)
        if reader is None:
            return None
        is_raw = not isinstance(row.values, dict)
        return reader.raw(row) if is_raw else {cell["heading"]: cell["value"] for cell in reader.cells(row)}

    @extend_schema_field(RowProblemSerializer(many=True))
    def get_problems(self, row: RejectedRow) -> list[Problem]:
        reader = self._reader(row)
        return reader.problems(row) if reader else []

    def _reader(self, row: RejectedRow) -> RejectedRowFormatter | None:
        dataset = row.file.run.dataset
        if dataset not in self._readers:
            known = sources_of(dataset) if dataset in dataset_apps() else []
            self._readers[dataset] = {
                source.name: RejectedRowFormatter(source, self.context["request"].user) for source in known
            }
        return self._readers[dataset].get(row.file.source)

    @cached_property
    def _readers(self) -> dict[str, dict[str, RejectedRowFormatter]]:
        """The formatters of the rows serialized so far, by dataset and source."""
        return {}
