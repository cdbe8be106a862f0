"""OpenAPI 3.1 descriptions of the import endpoints, in addition to those generated from their serializers."""

from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    Direction,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers

from api import import_changes, import_comments, import_requests, import_serializers, import_undo, strict_serializers

KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="A unique key, such as a UUID. A repeated request with the same key returns the same import.",
)
ID = OpenApiParameter("id", {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}, OpenApiParameter.PATH)
LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, description="The URL of the import's status.", response=[202]
)
JSON = import_requests.JSON
MEDIA_TYPES = {"json": JSON, "csv": "text/csv", "ndjson": "application/x-ndjson"}
FILES = {"csv": OpenApiTypes.STR, "ndjson": OpenApiTypes.STR}  # the formats of rejected rows
STOPPED = (404, 409, 413, 415)  # problems of requests that change an import
Body = serializers.BaseSerializer | type[serializers.BaseSerializer]


class StrictExtension(OpenApiSerializerExtension):
    """Forbids additional properties in a request body."""

    target_class = strict_serializers.StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return schema | {"additionalProperties": False}


class FlagExtension(OpenApiSerializerFieldExtension):
    """Describes the values true and false of a form as strings."""

    target_class = strict_serializers.Flag

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        is_form = isinstance(self.target.parent, import_requests.ImportUploadSerializer)
        return {"type": "string", "enum": ["true", "false"]} if is_form else {"type": "boolean"}


class ChoiceExtension(OpenApiSerializerFieldExtension):
    """Lists the choices as an inline enum instead of a component for each."""

    target_class = serializers.ChoiceField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.target.choices)}


# The title, response status and body, problems and parameters of each action.
ACTIONS: dict[str, tuple[str, int, Body, Iterable[int], list[Any]]] = {
    "list": (
        "List the imports",
        200,
        import_serializers.ImportSummarySerializer(many=True),
        (),
        [import_requests.ImportsParameters],
    ),
    "create": (
        "Start an import",
        202,
        import_serializers.ImportSerializer,
        (408, 411, 422, 507, *STOPPED),
        [KEY, LOCATION],
    ),
    "retrieve": ("Read an import", 200, import_serializers.ImportSerializer, [404], [ID]),
    "apply": ("Apply a previewed import", 202, import_serializers.ImportSerializer, STOPPED, [ID, LOCATION]),
    "preview": ("Preview an import again", 202, import_serializers.ImportSerializer, STOPPED, [ID, LOCATION]),
    "cancel": ("Cancel an import", 202, import_serializers.ImportSerializer, STOPPED, [ID, LOCATION]),
    "undo": ("Undo an import", 200, import_undo.ReversedImportSerializer, STOPPED, [ID]),
    "comments": (
        *("List the comments on an import", 200, import_comments.CommentSerializer(many=True), [404]),
        [ID, import_requests.PageParameters],
    ),
    "changes": (
        *("List the changes of an import", 200, import_changes.RecordChangeSerializer(many=True), [404]),
        [ID, import_changes.ChangesParameters],
    ),
    "redo": ("Redo an undone import", 200, import_undo.ReversedImportSerializer, STOPPED, [ID]),
    "rejections": (
        *("List the rejected rows of an import", 200, import_serializers.RejectionSerializer(many=True), [404]),
        [ID, import_requests.RejectionsParameters],
    ),
}
BODIES = {
    "create": {
        JSON: import_requests.ImportRequestSerializer,
        import_requests.MULTIPART: import_requests.ImportUploadSerializer,
    },
    "apply": {JSON: import_requests.ApplyRequestSerializer},
    "preview": {JSON: import_changes.PreviewRequestSerializer},
    "add_comment": {JSON: import_comments.CommentRequestSerializer},
    "undo": {JSON: import_undo.UndoRequestSerializer},
    "redo": {JSON: import_undo.UndoRequestSerializer},
}


def _described(
    name: str, title: str, status: int, body: Body, problems: Iterable[int], parameters: list[Any]
) -> Callable[[Any], Any]:
    kinds = {"json": OpenApiResponse(body, title)} | ({} if name != "rejections" else FILES)
    chosen = OpenApiParameter("format", enum=list(kinds), description="The format; overrides the Accept header.")
    return extend_schema(
        operation_id=f"imports_{name}",
        summary=f"{title}.",
        parameters=[*parameters, chosen],
        request=BODIES.get(name),
        responses={(status, MEDIA_TYPES[kind]): answer for kind, answer in kinds.items()} | dict.fromkeys(problems),
        tags=["imports"],
    )


described = extend_schema_view(**{name: _described(name, *parts) for name, parts in ACTIONS.items()})
# A second method of an action has its own decorator.
described_comment = _described(
    "add_comment", "Comment on an import", 201, import_comments.CommentSerializer, (404, 413, 415), [ID]
)
