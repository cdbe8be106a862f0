"""The records that an import changes, and the choices about its pairs, over HTTP."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request

from api.import_requests import PageParameters
from api.strict_serializers import Choice, Flag, JSONWholeNumber, StrictSerializer, Text
from datasets.records.query_params import InvalidParametersError
from imports import pair_choices, reports
from imports.engine import run_diff
from imports.models import ImportRun
from imports.pair_choices import LAST_LINE, MOST_CHOICES
from imports.rejected_rows import RejectedRowFormatter
from imports.run_diff_file import Entry
from imports.sources import sources_of
from imports.tasks import InvalidRunStateError

LONGEST_NAME = 255  # of a file, a source or a key
STORED = (ImportRun.Status.APPLIED, ImportRun.Status.UNDONE)


class ChangesParameters(PageParameters):
    """The parameters of the list of changes."""

    kind = Choice(
        run_diff.KINDS,
        default="changed",
        help_text="changed records (the default), new records, records missing from their file, or kept corrections "
        "and deletions.",
    )


class PairChoiceRequestSerializer(StrictSerializer):
    """A choice about a row and a record of a preview: a new pair, or without a line, a wrong pair."""

    source = Text(max_length=LONGEST_NAME)  # type: ignore[assignment]  # as in ImportSourceSerializer
    record = Text(max_length=LONGEST_NAME, help_text="The key of the record, from the list of changes.")
    line = JSONWholeNumber(
        min_value=1,
        max_value=LAST_LINE,
        required=False,
        allow_null=True,
        help_text="The line of the new row that is the new version of the missing record. Without a line, or null: the "
        "record and the row with which the preview pairs it are different.",
    )
    file = Text(
        max_length=LONGEST_NAME,
        required=False,
        help_text="The name of the row's file. The default is the file of the record; no other file is accepted.",
    )


class PreviewRequestSerializer(StrictSerializer):
    """A request to preview an import again, with other options."""

    delete_missing = Flag(required=False, help_text="Delete records that are no longer in the file.")
    pairing = Choice(
        [ImportRun.Pairing.OFF.value],
        required=False,
        help_text="Import edited rows as new records, except for pairs that were chosen.",
    )
    pair_choices = serializers.ListField(
        child=PairChoiceRequestSerializer(),
        required=False,
        allow_null=True,
        max_length=MOST_CHOICES,
        help_text="Choices about pairs, in addition to earlier ones. null withdraws all choices.",
    )


class RecordChangeSerializer(serializers.Serializer):
    """A record that an import changes, creates or keeps, or that is missing from its file. It contains no values."""

    source = serializers.CharField()  # type: ignore[assignment]  # as in ImportSourceSerializer
    record = serializers.SerializerMethodField(help_text="The key of the record; null if it does not exist.")
    file = serializers.CharField(allow_null=True)
    line = serializers.IntegerField(allow_null=True)
    columns = serializers.SerializerMethodField(help_text="The columns that differ, without hidden personal data.")
    pair = serializers.SerializerMethodField(
        help_text="How the row and the record became a pair: paired by the import, or chosen. null for other records."
    )
    likeness = serializers.SerializerMethodField(
        help_text="The likeness of a row and its record, from 0 to 1. null without the permission to see all values."
    )

    @extend_schema_field({"type": ["string", "null"]})
    def get_record(self, entry: Entry) -> str | None:
        if self.context["kind"] == "new" and self.context["run"].status not in STORED:
            return None
        key = entry.get("pk") if self.context["kind"] == "missing" else entry["record"]
        return None if key is None else str(key)

    def get_columns(self, entry: Entry) -> list[str]:
        reader = self._reader(entry)
        return [c["column"] for c in entry.get("cells", ()) if c["differs"] and reader.may_see(c["column"])]

    @extend_schema_field({"type": ["string", "null"], "enum": ["paired", "chosen", None]})
    def get_pair(self, entry: Entry) -> str | None:
        return entry.get("pair")

    @extend_schema_field({"type": ["number", "null"]})
    def get_likeness(self, entry: Entry) -> float | None:
        return None if self._reader(entry).restricted else entry.get("likeness")

    def _reader(self, entry: Entry) -> RejectedRowFormatter:
        reader: RejectedRowFormatter = self.context["readers"][entry["source"]]
        return reader


def changes_of(request: Request, run: ImportRun, kind: str) -> tuple[Any, dict[str, Any]]:
    """Return the changes of *run* of a kind, and the context of their serializer.

    Raises PermissionDenied, and NotFound if the changes were not stored.
    """
    _expect_to_view(request, run)
    entries = run_diff.entries(run, kind, reports.unseen_sources(request.user, run.dataset))
    if entries is None:
        raise NotFound(
            f"The changes of import {run.pk} are not stored. Only a previewed or an applied import has changes."
        )
    readers = {source.name: RejectedRowFormatter(source, request.user) for source in sources_of(run.dataset)}
    return entries, {"run": run, "kind": kind, "readers": readers}


def preview_options(request: Request, run: ImportRun, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of :func:`imports.tasks.preview` that a request *sent*.

    Raises PermissionDenied, and InvalidParametersError or InvalidRunStateError for choices that do not fit the run.
    """
    options: dict[str, Any] = {"unpaired": "pairing" in sent}
    if "delete_missing" in sent:
        options["delete_missing"] = sent["delete_missing"]
    if "pair_choices" in sent:
        _expect_to_view(request, run)
        choices = [
            pair_choices.Choice(c["source"], c["record"], str(c["line"]) if c.get("line") else None, c.get("file"))
            for c in sent["pair_choices"] or ()
        ]
        try:
            unseen = reports.unseen_sources(request.user, run.dataset)
            withdrawn = sent["pair_choices"] is None
            options["pair_choices"] = [] if withdrawn else pair_choices.with_choices(run, choices, unseen)
        except pair_choices.PairChoiceError as error:
            if run.status != ImportRun.Status.PREVIEWED:
                raise InvalidRunStateError(str(error)) from None
            raise InvalidParametersError({"pair_choices": [str(error)]}) from None
    return options


def _expect_to_view(request: Request, run: ImportRun) -> None:
    if not reports.may_view_records(request.user, run.dataset):
        raise PermissionDenied("This requires the permission to view every table of the dataset.")
