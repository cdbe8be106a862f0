"""Records of a list as a CSV file, written while they are read."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.http import StreamingHttpResponse

from datasets.listing import columns_of
from datasets.personal import masked

CHUNK = 2000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet takes for the beginning of one


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_response(model: type[models.Model], queryset: models.QuerySet, user) -> StreamingHttpResponse:
    """Return *queryset* as a CSV file with the columns of *model*'s list, as *user* may see them."""
    response = StreamingHttpResponse(_lines(model, queryset, user), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{model._meta.db_table}.csv"'
    return response


def _lines(model: type[models.Model], queryset: models.QuerySet, user) -> Iterator[str]:
    writer = csv.writer(_Echo())
    columns = columns_of(model)
    hidden = {column.name for column in columns if column.permission and not user.has_perm(column.permission)}
    yield writer.writerow([column.name for column in columns])
    paths = [column.path for column in columns if not column.many]
    for rows in _chunks(queryset.select_related(None).values(*{*paths, model._meta.pk.attname})):
        lists = {column.name: _lists(column.field, rows) for column in columns if column.many}
        for row in rows:
            key = row[model._meta.pk.attname]
            values = [lists[one.name][key] if one.many else row[one.path] for one in columns]
            yield writer.writerow(
                [
                    cell(masked(value) if one.name in hidden else value)
                    for one, value in zip(columns, values, strict=True)
                ]
            )


def cell(value: Any) -> Any:
    """Return *value* as a cell: a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return cell(json.dumps(value, ensure_ascii=False))
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _chunks(rows: models.QuerySet) -> Iterator[list[dict]]:
    chunk = []
    for row in rows.iterator(chunk_size=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _lists(field: models.ManyToManyField, rows: list[dict]) -> dict[Any, str]:
    """Return the ids that each of the rows has in *field*, the lowest first, with semicolons between."""
    of, to = (f"{name}_id" for name in (field.m2m_field_name(), field.m2m_reverse_field_name()))
    keys = [row[field.model._meta.pk.attname] for row in rows]
    lists = defaultdict(list)
    for key, value in (
        field.remote_field.through._default_manager.filter(**{f"{of}__in": keys}).order_by(to).values_list(of, to)
    ):
        lists[key].append(str(value))
    return defaultdict(str, {key: ";".join(values) for key, values in lists.items()})
