"""Undo and redo of imports over HTTP: the request, the steps that it takes, and the changes that block it."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from api.import_requests import MODES, Reason
from api.import_serializers import ImportSerializer, ImportSummarySerializer, address_of
from api.problems import Conflict
from api.strict_serializers import Choice, Flag, StrictSerializer, Text
from curation.history import undo_result
from curation.history.undo_first import seal_of_steps, undo_or_redo
from curation.history.undo_result import UndoForbiddenError, Undone, UndoOvertakenError, UndoRefusedError
from datasets.http.signed_in import signed_in_user
from datasets.permissions import may
from datasets.registry import served_name
from imports.models import Edit, ImportRun


class UndoRequestSerializer(StrictSerializer):
    """A request to undo or redo an import."""

    reason = Reason(help_text="Why the import is undone or redone.")
    mode = Choice(MODES, required=False, help_text="preview only returns the steps. The default is apply.")
    blockers_first = Flag(
        required=False, help_text="First undo the imports and edits that block it: all of them, or none."
    )
    digest = Text(
        required=False,
        max_length=64,
        help_text="The digest of a preview. If the steps have changed since the preview, the response is 409.",
    )


class ActionSerializer(serializers.Serializer):
    """An import or an edit."""

    kind = serializers.SerializerMethodField()
    id = serializers.IntegerField(source="pk")
    url = serializers.SerializerMethodField(
        help_text="The URL of an import, or of the page of an edit; null without the permission to view it."
    )

    @extend_schema_field({"type": "string", "enum": ["run", "edit"]})
    def get_kind(self, action: ImportRun | Edit) -> str:
        return "run" if isinstance(action, ImportRun) else "edit"

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_url(self, action: ImportRun | Edit) -> str | None:
        request = self.context["request"]
        if not may(request.user, "view", type(action)):
            return None
        if isinstance(action, ImportRun):
            return address_of(request, action)
        return request.build_absolute_uri(reverse("admin:imports_edit_change", args=[action.pk]))


class StepSerializer(serializers.Serializer):
    """The undo or redo of an import or an edit."""

    step = serializers.SerializerMethodField()
    target = ActionSerializer(source="action")
    effects = serializers.SerializerMethodField(help_text="The numbers of changed records, by table.")

    @extend_schema_field({"type": "string", "enum": ["undo", "redo"]})
    def get_step(self, undone: Undone) -> str:
        return "redo" if undone.redo else "undo"

    def get_effects(self, undone: Undone) -> list[str]:
        return undone.planned() if self.context["preview"] else undone.done()


class ReversedImportSerializer(ImportSerializer):
    """An import after it was undone or redone, or after a preview of this."""

    steps = serializers.SerializerMethodField(help_text="The undo and redo steps, in order. The import is last.")
    digest = serializers.SerializerMethodField(
        help_text="In a preview: send it with the same request to take exactly these steps. Otherwise null."
    )

    class Meta(ImportSummarySerializer.Meta):
        fields = read_only_fields = (*ImportSerializer.Meta.fields, "steps", "digest")

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, run: ImportRun) -> list[dict[str, Any]]:
        return [StepSerializer(step, context=self.context).data for step in self.context["steps"]]

    def get_digest(self, run: ImportRun) -> str | None:
        return seal_of_steps(self.context["steps"]) if self.context["preview"] else None


def reverse_run(request: HttpRequest, run: ImportRun, sent: dict[str, Any], *, redo: bool) -> dict[str, Any]:
    """Undo or redo *run* as the request *sent* asks, and return the serialized run.

    Raises Conflict, and PermissionDenied if the user may not undo the changes that block it.
    """
    preview, user = sent.get("mode") == "preview", signed_in_user(request)
    options = {"reason": sent.get("reason", ""), "dry_run": preview, "expecting": sent.get("digest", "")}
    try:
        steps = undo_or_redo(run, user, redo=redo, blockers_first=sent.get("blockers_first", False), **options)
    except UndoForbiddenError as refusal:
        raise PermissionDenied(" ".join(refusal.reasons)) from None
    except UndoRefusedError as refusal:
        raise _conflict(request, run, refusal, unblocking=sent.get("blockers_first", False)) from None
    run.refresh_from_db()
    context = {"request": request, "steps": steps, "preview": preview}
    return ReversedImportSerializer(run, context=context).data


def _conflict(request: HttpRequest, run: ImportRun, refusal: UndoRefusedError, *, unblocking: bool) -> Conflict:
    detail = str(refusal)
    if isinstance(refusal, UndoOvertakenError):
        detail += " Preview it again, and send the new digest."
    elif refusal.conflicts and not unblocking:
        detail += " To undo the changes that block it first, send blockers_first."
    conflicts = [_described(request, conflict) for conflict in refusal.conflicts]
    return Conflict(detail, reasons=refusal.reasons, run=address_of(request, run), conflicts=conflicts)


def _described(request: HttpRequest, conflict: undo_result.Conflict) -> dict[str, Any]:
    """Return the records of a conflict, and the imports and edits that block, with their numbers and URLs."""
    seen = may(request.user, "view", conflict.model)
    blockers = [
        {**ActionSerializer(blocker.action, context={"request": request}).data, "records": blocker.records}
        for blocker in conflict.blockers
    ]
    return {
        "reason": conflict.sentence,
        "records": list(_addressed(request, conflict)) if seen else [],
        "records_total": conflict.count,
        "blockers": blockers,
        "blockers_total": len(blockers) + conflict.more,
    }


def _addressed(request: HttpRequest, conflict: undo_result.Conflict) -> Iterator[dict[str, Any]]:
    """Yield the first records of *conflict* with their URLs in the API, or null if the API does not serve the table."""
    name = served_name(conflict.model).replace("/", "-")
    for key in conflict.keys:
        try:
            address = request.build_absolute_uri(reverse(f"{name}-detail", args=[key])) if name else None
        except NoReverseMatch:
            address = None
        yield {"id": key, "url": address}
