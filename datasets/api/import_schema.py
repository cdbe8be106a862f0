"""The description of imports over HTTP (OpenAPI 3.1): what each of their addresses takes, and what it answers."""

from typing import Any

from datasets.api.components import Schema, page_schema, query_parameter
from datasets.api.orders import CONFIGURED, FLAGS, KNOWN, MODES
from datasets.api.parameters import LARGEST_PAGE, PAGE_SIZE
from datasets.models import ImportRun, SourceFile
from datasets.sources import dataset_apps
from datasets.uploads import ENCODINGS

TEXT, FLAG = {"type": "string"}, {"type": "boolean"}
NUMBER, TIME = {"type": "integer", "minimum": 0}, {"type": ["string", "null"], "format": "date-time"}
TITLES = {
    "list": "List the imports, the newest first",
    "create": "Ask for an import of a dataset's own sources, or of files sent with it; a worker does it",
    "retrieve": "Tell how far an import has come, and what became of it",
    "apply": "Have a rehearsed import done for real",
    "cancel": "Stop an import that waits or goes on; one that goes on stops within seconds",
    "undo": "Take back what an import did to the tables, now",
    "rejections": "List the rows that an import could not use; as CSV or NDJSON, those of one file, to be mended",
}
WRONG = {
    "create": ("404", "408", "409", "411", "413", "415", "422", "507"),
    "retrieve": ("404",),
    "apply": ("404", "409", "413", "415"),
    "cancel": ("404", "409", "413", "415"),
    "undo": ("404", "409", "413", "415"),
    "rejections": ("404",),
}


def parameters(action: str, formats: list[str]) -> list[Schema]:
    """Return the parameters of an address where *action* is done."""
    found = []
    if action == "list":
        found = [
            query_parameter("dataset", {"type": "string", "enum": list(dataset_apps())}, "Of this dataset."),
            query_parameter("status", {"type": "string", "enum": ImportRun.Status.values}, "With this status."),
        ]
    if action == "rejections":
        found = [query_parameter("file", NUMBER, "Of this file, by its id among the sources of the import.")]
    if action in ("list", "rejections"):
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
        found.append(query_parameter("page_size", size, "Entries of a page."))
        found.append(query_parameter("cursor", {"type": "string"}, "Where the page begins, as next and previous say."))
    if action == "create":
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        text = "Such as a UUID: the same request with the same key is the same import."
        found.append({"name": "Idempotency-Key", "in": "header", "schema": key, "description": text})
    if action not in ("list", "create"):
        schema = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
        found.append({"name": "id", "in": "path", "required": True, "schema": schema})
    return [*found, query_parameter("format", {"type": "string", "enum": formats}, "In place of Accept.")]


def request_body() -> Schema:
    """Return what asks for an import: a document, or a form with files."""
    fields: Schema = {
        "dataset": {"type": "string", "enum": list(dataset_apps())},
        "sources": {
            "type": "string",
            "enum": [CONFIGURED],
            "description": "The site's own files, in place of files sent.",
        },
        "mode": {"type": "string", "enum": list(MODES)},
        "strict": FLAG | {"description": "A single rejected row stops the run."},
        "remove_missing": FLAG | {"description": "Records that their file no longer holds go."},
        "remove_most": FLAG | {"description": "Even where these are most of a table."},
        "allow_missing_columns": FLAG | {"description": "Files may lack most of the expected columns."},
        "known_as": TEXT | {"description": "The file that the one sent continues.", "maxLength": 255},
        "encoding": {"type": "string", "enum": list(ENCODINGS), "default": ENCODINGS[0]},
    }
    document = {
        "type": "object",
        "properties": {name: fields[name] for name in KNOWN},
        "required": ["dataset", "sources"],
        "additionalProperties": False,
    }
    # The format is OpenAPI 3.0's, by which generators of clients know a file.
    file = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    files = {"type": "array", "items": file, "description": "Together with mode; or sources, in place of files."}
    yes_or_no = {name: {"type": "string", "enum": ["true", "false"]} for name in FLAGS}
    form = document | {
        "properties": document["properties"] | yes_or_no | {"files": files},
        "required": ["dataset"],
    }
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": document,
                "example": {"dataset": next(iter(dataset_apps())), "sources": CONFIGURED},
            },
            "multipart/form-data": {"schema": form},
        },
    }


def confirmation() -> Schema:
    """Return what an apply may bring."""
    schema = {
        "type": "object",
        "properties": {"remove_most": FLAG | {"description": "It is right that most of a table is deleted."}},
        "additionalProperties": False,
    }
    return {"required": False, "content": {"application/json": {"schema": schema}}}


def run_schema() -> Schema:
    """Return what is told of an import: in a list, without its sources."""
    counts = dict.fromkeys(SourceFile.COUNTS, NUMBER)
    told = {
        "id": {"type": "integer"},
        "url": {"type": "string", "format": "uri"},
        "dataset": TEXT,
        "status": {"type": "string", "enum": ImportRun.Status.values},
        "mode": {"type": "string", "enum": list(MODES)},
        "strict": FLAG,
        "remove_missing": FLAG,
        "remove_most": FLAG,
        "allow_missing_columns": FLAG,
        "encoding": TEXT,
        "known_as": TEXT,
        "uploads": {
            "type": "array",
            "items": {"type": "object", "properties": {"name": TEXT, "sha256": TEXT, "size": NUMBER}},
        },
        "started_by": {"type": ["string", "null"]},
        **dict.fromkeys(("started_at", "begun_at", "finished_at"), TIME),
        "progress": {
            "type": ["object", "null"],
            "properties": dict.fromkeys(("bytes_read", "bytes_total", "rows_read"), NUMBER)
            | {"rows_a_second": {"type": ["integer", "null"]}, "seconds_left": {"type": ["integer", "null"]}}
            | {"merging": FLAG},
            "description": "How far it has come, while it goes on.",
        },
        "error": TEXT | {"description": "Why it did not land."},
    }
    file = {"id": {"type": "integer"}, "name": TEXT, "sha256": TEXT, "size": NUMBER, "encoding": TEXT}
    files = {"type": "array", "items": {"type": "object", "properties": file | counts, "required": [*file, *counts]}}
    source = {"source": TEXT, **counts, "files": files}
    more = {
        "notes": {"type": "array", "items": TEXT},
        "new_lookups": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": TEXT},
            "description": "Look-up values that were new, by table.",
        },
        "sources": {"type": "array", "items": {"type": "object", "properties": source, "required": list(source)}},
        "links": {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}},
        "undone": {"type": "array", "items": TEXT, "description": "What an undo has just done, a line for each table."},
    }
    return {"type": "object", "properties": told | more, "required": list(told)}


def rejection_schema() -> Schema:
    """Return what is told of a row that could not be used."""
    problem = {"column": {"type": ["string", "null"]}, "value": {}, "message": TEXT}
    told = {
        "source": TEXT,
        "file": {"type": "integer"},
        "name": TEXT,
        "line": {"type": "integer"},
        "values": {"type": ["object", "string", "null"], "description": "Cells by column; text where it has none."},
        "problems": {"type": "array", "items": {"type": "object", "properties": problem}},
    }
    return {"type": "object", "properties": told, "required": list(told)}


def responses(action: str, run: Schema, rejection: Schema, media_types: list[str]) -> dict[str, Any]:
    """Return what is answered where all is well; *run* and *rejection* are where their schemas are to be found."""
    body = {"list": page_schema(run), "rejections": page_schema(rejection)}.get(action, run)
    content = {kind: {"schema": body if kind == "application/json" else TEXT} for kind in media_types}
    if action not in ("create", "apply", "cancel"):
        return {"200": {"description": TITLES[action], "content": content}}
    where = {"Location": {"description": "Where to follow the import.", "schema": {"type": "string", "format": "uri"}}}
    return {"202": {"description": TITLES[action], "headers": where, "content": content}}
