"""OpenAPI 3.1 schemas of values, records and problems, and the parameters derived from a model's columns."""

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db import models

from api.summary import LARGEST_LIMIT, LIMIT
from datasets.fields import related_model
from datasets.query_values import LARGEST as LARGEST_NUMBER
from datasets.records import aggregation
from datasets.records.aggregation_sql import PARTS
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.filters import DecimalNumberFilter, ManyFilter, WholeNumberFilter, record_filterset
from datasets.records.query_params import COUNTS, LARGEST_PAGE, MOST_KEYS, PAGE_SIZE, can_order_by

Schema = dict[str, Any]
WORD = {"type": "string", "pattern": r"^[^\x00]*[^\x00\s][^\x00]*$"}  # neither empty nor blank
LINK = {"type": ["string", "null"], "format": "uri"}

OF_JSON = [
    (models.BooleanField, {"type": "boolean"}),
    (models.IntegerField, {"type": "integer"}),
    (models.FloatField, {"type": "number"}),
    (models.DateTimeField, {"type": "string", "format": "date-time"}),
    (models.DateField, {"type": "string", "format": "date"}),
    (models.JSONField, {}),
]


def value_schema(column: ListedColumn) -> Schema:
    """Return the JSON schema of a value of *column*."""
    field = column.field
    if column.many:
        return {"type": "array", "items": _plain(related_model(field)._meta.pk)}
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
    """Return the schema of a record of *model*.

    No property is required, because ``fields`` and ``omit`` select columns.
    """
    properties = {}
    for column in columns_of(model):
        sentences = [column.help_text]
        if column.permission:
            sentences.append(f"Personal data: masked without the permission {column.permission}.")
        text = " ".join(sentence for sentence in sentences if sentence)
        properties[column.name] = value_schema(column) | ({"description": text} if text else {})
    return {"type": "object", "properties": properties, "additionalProperties": False}


def page_schema(record: Schema) -> Schema:
    """Return the schema of a page of a list."""
    return {
        "type": "object",
        "properties": {
            "next": LINK | {"description": "The next page; null on the last page."},
            "previous": LINK | {"description": "The previous page; null on the first page."},
            "count": {
                "type": "integer",
                "minimum": 0,
                "description": "The number of records, if the parameter count requests it.",
            },
            "count_is": {"type": "string", "enum": ["exact", "estimated"]},
            "results": {"type": "array", "items": record, "maxItems": LARGEST_PAGE},
        },
        "required": ["next", "previous", "results"],
        "additionalProperties": False,
    }


def summary_schema() -> Schema:
    """Return the schema of a summary, whose columns depend on the request."""
    value = {"type": ["string", "number", "boolean", "array", "null"], "items": {"type": ["string", "number"]}}
    return {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "truncated": {"type": "boolean", "description": "Whether the summary has more groups than limit allows."},
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
    """Return the filters of *model*'s list as parameters."""
    filterset = record_filterset(model)
    columns = {column.name: column for column in columns_of(model)}
    return [
        _filter(name, record_filter, columns.get(name.split("__")[0])) | _permission(filterset.personal.get(name))
        for name, record_filter in filterset.base_filters.items()
    ]


def column_parameters(model: type[models.Model]) -> list[Schema]:
    """Return the parameters that select columns: ``fields`` and ``omit``."""
    names = [column.name for column in columns_of(model)]
    return [
        _several("fields", names, "Columns to return (default: all). Cannot be combined with omit."),
        _several("omit", names, "Columns to leave out."),
    ]


def list_parameters(model: type[models.Model]) -> list[Schema]:
    """Return all parameters of *model*'s list: filters, columns, sorting and pagination."""
    sortable = [column.name for column in columns_of(model) if can_order_by(column) and not column.permission]
    orders = [f"{sign}{name}" for name in sortable for sign in ("", "-")]
    size = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
    return [
        *filter_parameters(model),
        *column_parameters(model),
        _several(
            "ordering", orders, 'Columns to sort by; prefix a column with "-" for descending order.', most=MOST_KEYS
        ),
        query_parameter("page_size", size, "Records per page of JSON; other formats return the whole list."),
        query_parameter("cursor", WORD, "The start of the page, from the links next and previous."),
        query_parameter("count", {"type": "string", "enum": COUNTS, "default": "none"}, "How to count the records."),
        query_parameter("compress", {"type": "string", "enum": ["gzip"]}, "Compression of a whole list; not for JSON."),
    ]


def summary_parameters(model: type[models.Model]) -> list[Schema]:
    """Return the parameters of a summary."""
    columns = [column for column in columns_of(model) if not column.permission]
    by, measures = [], ["count"]
    for column in filter(aggregation.can_group_by, columns):
        by.append(column.name)
        by += [f"{column.name}:{part}" for part in PARTS if isinstance(column.field, models.DateField)]
    for kind in aggregation.OF_COLUMNS:
        measures += [f"{kind}:{column.name}" for column in columns if aggregation.can_measure(kind, column)]
    bins = [column.name for column in columns if aggregation.can_be_parted(column)]
    names = {"anyOf": [{"enum": by}, *({"type": "string", "pattern": rf"^{name}:[1-9][0-9]{{0,8}}$"} for name in bins)]}
    order = (
        'Groups and measures to sort by, as in the parameters by and measure; prefix one with "-" for descending order.'
    )
    return [
        *filter_parameters(model),
        _array("by", names, f"Columns to group by{'; numbers in bins of a width, such as ' * bool(bins)}"
               f"{bins[0] + ':10' if bins else ''}.", aggregation.MOST_GROUPINGS, explode=True),
        _array("measure", {"enum": measures}, "Measures of each group (default: count).",
               aggregation.MOST_MEASURES, explode=True),
        query_parameter("ordering", WORD, f"{order} The default order is that of the groups."),
        query_parameter("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": LIMIT},
               "The maximum number of groups; truncated is true if there are more."),
    ]  # fmt: skip


def key_parameter(model: type[models.Model], name: str) -> Schema:
    """Return the path parameter of a record's URL, which is its primary key."""
    column = columns_of(model)[0]
    schema = _plain(column.field)
    if schema["type"] == "string":
        schema = {"type": "string", "minLength": 1}
    description = {"description": column.help_text} if column.help_text else {}
    return {"name": name, "in": "path", "required": True, "schema": schema, **description}


def format_parameter(formats: Iterable[str]) -> Schema:
    """Return the parameter that selects a format."""
    return query_parameter(
        "format", {"type": "string", "enum": list(dict.fromkeys(formats))}, "The format; overrides the Accept header."
    )


def _plain(field: models.Field) -> Schema:
    return dict(next((schema for kind, schema in OF_JSON if isinstance(field, kind)), {"type": "string"}))


def _filter(name: str, record_filter: django_filters.Filter, column: ListedColumn | None) -> Schema:
    _, _, lookup = name.rpartition("__")
    if isinstance(record_filter, django_filters.ChoiceFilter | django_filters.TypedChoiceFilter):
        values = [value for value, _ in record_filter.extra["choices"]]
        schema: Schema = {"type": "boolean"} if values == ["true", "false"] else {"type": "string", "enum": values}
    elif isinstance(record_filter, ManyFilter | WholeNumberFilter):
        schema = {"type": "integer", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}
    elif isinstance(record_filter, DecimalNumberFilter):
        schema = {"type": "number"}
    elif isinstance(record_filter, django_filters.DateFilter):
        schema = {"type": "string", "format": "date"}
    else:
        schema = WORD
    meaning = MEANINGS.get(lookup if name != lookup else name, "")
    text = " ".join(part for part in (column.help_text if column else "", meaning) if part)
    if isinstance(record_filter, django_filters.BaseInFilter):
        several = _array(name, schema, text, explode=True)
        del several["schema"]["uniqueItems"]
        return several
    return query_parameter(name, schema, text)


MEANINGS = {
    "in": "Equals one of several values: repeat the parameter, or separate the values with commas. Enclose a single "
    "value that contains a comma in double quotes.",
    "gte": "Greater than or equal to this value.",
    "lte": "Less than or equal to this value.",
    "icontains": "Contains this text (case-insensitive).",
    "istartswith": "Starts with this text (case-insensitive).",
    "isnull": "Whether the value is missing.",
    "search": "Prefix search: every word must match the beginning of a word of the record (case-insensitive).",
    "corrected": "Whether a curator has corrected the record.",
}


def _permission(permission: str | None) -> Schema:
    return {"x-permission": permission} if permission else {}


def query_parameter(name: str, schema: Schema, text: str) -> Schema:
    """Return a parameter of the query string."""
    return {"name": name, "in": "query", "schema": schema, **({"description": text} if text else {})}


def _several(name: str, values: list[str], text: str, most: int | None = None) -> Schema:
    return _array(name, {"type": "string", "enum": values}, text, most, explode=True)


def _array(name: str, items: Schema, text: str, most: int | None = None, *, explode: bool = False) -> Schema:
    schema = {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
    return query_parameter(name, schema | ({"maxItems": most} if most else {}), text) | {
        "style": "form",
        "explode": explode,
    }
