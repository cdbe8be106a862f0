"""OpenAPI 3.1 schemas of problem documents."""

from typing import Any

from curation.history.conflicts import SHOWN

Schema = dict[str, Any]
URL = {"type": ["string", "null"], "format": "uri"}
COUNT = {"type": "integer", "minimum": 1}

PROBLEM: Schema = {
    "type": "object",
    "description": "A problem document (RFC 9457): the error and its remedy.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "The expected and the received value, and the remedy."},
        "errors": {
            "type": "object",
            "description": "The error messages of each parameter or field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
        "parameters": {
            "type": "array",
            "description": "The parameters that this address accepts.",
            "items": {"type": "string"},
        },
        "id": {
            "type": "string",
            "description": "The reference of an internal server error in the site's log.",
        },
        "run": {"type": "string", "format": "uri", "description": "The import that the request conflicts with."},
        "reasons": {
            "type": "array",
            "description": "Why an import cannot be undone or redone.",
            "items": {"type": "string"},
        },
        "conflicts": {
            "type": "array",
            "description": "The runs and edits that block the undo or redo of an import.",
            "items": {"$ref": "#/components/schemas/Conflict"},
        },
    },
    "required": ["type", "title", "status"],
}

CONFLICT: Schema = {
    "type": "object",
    "description": "Records that block the undo or redo of an import.",
    "properties": {
        "reason": {"type": "string"},
        "records": {
            "type": "array",
            "description": "The first records; an empty list without the permission to view them.",
            "maxItems": SHOWN,
            "items": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "url": URL},
                "required": ["id", "url"],
            },
        },
        "records_total": COUNT,
        "blockers": {
            "type": "array",
            "description": "The imports and edits that last changed these records, newest first.",
            "maxItems": SHOWN,
            "items": {
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "enum": ["run", "edit"]},
                    "id": {"type": "integer"},
                    "url": URL | {"description": "Null without the permission to view it."},
                    "records": COUNT,
                },
                "required": ["kind", "id", "url", "records"],
            },
        },
        "blockers_total": {"type": "integer", "minimum": 0},
    },
    "required": ["reason", "records", "records_total", "blockers", "blockers_total"],
}
