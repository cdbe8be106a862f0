"""The parts of the API's description (OpenAPI 3.1): values, records, problems, and parameters, as columns have them."""

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db import models

from api.summary import LARGEST_LIMIT, LIMIT
from datasets.records import aggregation
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.filters import LIMIT as LARGEST_NUMBER
from datasets.records.filters import DecimalNumberFilter, ManyFilter, WholeNumberFilter, record_filterset
from datasets.records.query_params import COUNTS, LARGEST_PAGE, MOST_KEYS, PAGE_SIZE, can_order_by

Schema = dict[str, Any]
WORD = {"type": "string", "pattern": r"^[^\x00]*[^\x00\s][^\x00]*$"}  # some text: neither empty nor blank
LINK = {"type": ["string", "null"], "format": "uri"}

PROBLEM: Schema = {
    "type": "object",
    "description": "What went wrong, and what to do about it (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was expected, and what was found."},
        "errors": {
            "type": "object",
            "description": "What is wrong with each parameter or field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
        "parameters": {
            "type": "array",
            "description": "The parameters that there are to choose from.",
            "items": {"type": "string"},
        },
        "id": {"type": "string", "description": "What the log has a fault of the site under."},
    },
    "required": ["type", "title", "status"],
}

OF_JSON = [
    (models.BooleanField, {"type": "boolean"}),
    (models.IntegerField, {"type": "integer"}),
    (models.FloatField, {"type": "number"}),
    (models.DateTimeField, {"type": "string", "format": "date-time"}),
    (models.DateField, {"type": "string", "format": "date"}),
    (models.JSONField, {}),
]


def value_schema(column: ListedColumn) -> Schema:
    """Return what a value of *column* is in JSON."""
    field = column.field
    if column.many:
        return {"type": "array", "items": _plain(field.related_model._meta.pk)}
    if column.is_list:
        return {"type": "array", "items": {"type": "integer"}}
    schema = _plain(field)
    if field.choices:
        schema["enum"] = [value for value, _ in field.flatchoices]
    if column.null and schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def record_schema(model: type[models.Model]) -> Schema:
    """Return what a record of *model* is: each column with what it means; ``fields`` and ``omit`` choose of them."""
    properties = {}
    for column in columns_of(model):
        told = [column.help_text]
        if column.permission:
            told.append(f"Personal data: masked for who has not the permission {column.permission}.")
        text = " ".join(part for part in told if part)
        properties[column.name] = value_schema(column) | ({"description": text} if text else {})
    return {"type": "object", "properties": properties, "additionalProperties": False}


def page_schema(record: Schema) -> Schema:
    """Return what a page of a list is."""
    return {
        "type": "object",
        "properties": {
            "next": LINK | {"description": "The page that follows; null at the end."},
            "previous": LINK | {"description": "The page before; null at the beginning."},
            "count": {"type": "integer", "minimum": 0, "description": "Of the whole list, where count asks for it."},
            "count_is": {"type": "string", "enum": ["exact", "estimated"]},
            "results": {"type": "array", "items": record, "maxItems": LARGEST_PAGE},
        },
        "required": ["next", "previous", "results"],
        "additionalProperties": False,
    }


def summary_schema() -> Schema:
    """Return what a summary is: its columns are those that were asked for."""
    value = {"type": ["string", "number", "boolean", "array", "null"], "items": {"type": ["string", "number"]}}
    return {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "truncated": {"type": "boolean", "description": "Whether there are more groups than limit."},
            "results": {
                "type": "array",
                "items": {"type": "object", "additionalProperties": value},
                "maxItems": LARGEST_LIMIT,
            },
        },
        "required": ["columns", "truncated", "results"],
        "additionalProperties": False,
    }


def filter_parameters(model: type[models.Model]) -> list[Schema]:
    """Return the parameters that narrow a list of *model*."""
    filterset = record_filterset(model)
    columns = {column.name: column for column in columns_of(model)}
    return [
        _filter(name, one, columns.get(name.split("__")[0])) | _permission(filterset.personal.get(name))
        for name, one in filterset.base_filters.items()
    ]


def column_parameters(model: type[models.Model]) -> list[Schema]:
    """Return the parameters that choose columns."""
    names = [column.name for column in columns_of(model)]
    return [
        _several("fields", names, "Columns to show; all of them otherwise. Not together with omit."),
        _several("omit", names, "Columns to leave out."),
    ]


def list_parameters(model: type[models.Model]) -> list[Schema]:
    """Return the parameters of a list beside its filters."""
    may = [column.name for column in columns_of(model) if can_order_by(column) and not column.permission]
    orders = [f"{sign}{name}" for name in may for sign in ("", "-")]
    size = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
    return [
        *filter_parameters(model),
        *column_parameters(model),
        _several("ordering", orders, "Columns to order by, - before those that fall.", most=MOST_KEYS),
        query_parameter("page_size", size, "Records of a page; other formats than JSON have the whole list."),
        query_parameter("cursor", WORD, "Where the page begins: as the links next and previous have it."),
        query_parameter("count", {"type": "string", "enum": COUNTS, "default": "none"}, "Whether to count the list."),
        query_parameter("compress", {"type": "string", "enum": ["gzip"]}, "How to pack a whole list; not for JSON."),
    ]


def summary_parameters(model: type[models.Model]) -> list[Schema]:
    """Return the parameters of a summary."""
    columns = [column for column in columns_of(model) if not column.permission]
    by, measures = [], ["count"]
    for column in filter(aggregation.can_group_by, columns):
        by.append(column.name)
        by += [f"{column.name}:{part}" for part in aggregation.PARTS if isinstance(column.field, models.DateField)]
    for kind in aggregation.OF_COLUMNS:
        measures += [f"{kind}:{column.name}" for column in columns if aggregation.can_measure(kind, column)]
    bins = [column.name for column in columns if aggregation.can_be_parted(column)]
    names = {"anyOf": [{"enum": by}, *({"type": "string", "pattern": rf"^{name}:[1-9][0-9]{{0,8}}$"} for name in bins)]}
    order = "Names of groups and measures, as by and measure have them; - before those that fall."
    return [
        *filter_parameters(model),
        _array("by", names, f"What to group by{'; numbers in bins of a width, such as ' * bool(bins)}"
               f"{bins[0] + ':10' if bins else ''}.", aggregation.MOST_GROUPINGS, explode=True),
        _array("measure", {"enum": measures}, "What to measure of each group; count where nothing is said.",
               aggregation.MOST_MEASURES, explode=True),
        query_parameter("ordering", WORD, f"{order} Otherwise by the groups."),
        query_parameter("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": LIMIT},
               "The greatest number of groups; truncated says whether there are more."),
    ]  # fmt: skip


def key_parameter(model: type[models.Model], name: str) -> Schema:
    """Return the parameter in a record's address."""
    column = columns_of(model)[0]
    schema = _plain(column.field)
    if schema["type"] == "string":
        schema = {"type": "string", "minLength": 1}
    told = {"description": column.help_text} if column.help_text else {}
    return {"name": name, "in": "path", "required": True, "schema": schema, **told}


def format_parameter(formats: Iterable[str]) -> Schema:
    """Return the parameter that chooses a format."""
    return query_parameter("format", {"type": "string", "enum": list(dict.fromkeys(formats))}, "In place of Accept.")


def _plain(field: models.Field) -> Schema:
    return dict(next((schema for kind, schema in OF_JSON if isinstance(field, kind)), {"type": "string"}))


def _filter(name: str, one: django_filters.Filter, column: ListedColumn | None) -> Schema:
    _, _, lookup = name.rpartition("__")
    if isinstance(one, django_filters.ChoiceFilter | django_filters.TypedChoiceFilter):
        values = [value for value, _ in one.extra["choices"]]
        schema = {"type": "boolean"} if values == ["true", "false"] else {"type": "string", "enum": values}
    elif isinstance(one, ManyFilter | WholeNumberFilter):
        schema = {"type": "integer", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}
    elif isinstance(one, DecimalNumberFilter):
        schema = {"type": "number"}
    elif isinstance(one, django_filters.DateFilter):
        schema = {"type": "string", "format": "date"}
    else:
        schema = WORD
    told = TOLD.get(lookup if name != lookup else name, "")
    text = " ".join(part for part in (column.help_text if column else "", told) if part)
    if isinstance(one, django_filters.BaseInFilter):
        several = _array(name, schema, text, explode=True)
        del several["schema"]["uniqueItems"]
        return several
    return query_parameter(name, schema, text)


TOLD = {
    "in": "One of several values: the parameter as often, or once with commas between; a value that has a comma and is "
    "alone stands in double quotes.",
    "gte": "This, or more.",
    "lte": "This, or less.",
    "icontains": "Holds this, whatever its case.",
    "istartswith": "Begins with this, whatever its case.",
    "isnull": "Whether there is no value.",
    "search": "Each of these words begins a text of the record, whatever its case.",
    "corrected": "Whether a curator has corrected the record.",
}


def _permission(permission: str | None) -> Schema:
    return {"x-permission": permission} if permission else {}


def query_parameter(name: str, schema: Schema, text: str) -> Schema:
    """Return a parameter of an address."""
    return {"name": name, "in": "query", "schema": schema, **({"description": text} if text else {})}


def _several(name: str, values: list[str], text: str, most: int | None = None) -> Schema:
    return _array(name, {"type": "string", "enum": values}, text, most, explode=True)


def _array(name: str, items: Schema, text: str, most: int | None = None, explode: bool = False) -> Schema:
    schema = {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
    return query_parameter(name, schema | ({"maxItems": most} if most else {}), text) | {
        "style": "form",
        "explode": explode,
    }
