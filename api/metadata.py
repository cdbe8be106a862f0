"""Responses to OPTIONS: a list's columns, with their types, descriptions and filters."""

from typing import Any

from django.db import models
from rest_framework import metadata
from rest_framework.request import Request
from rest_framework.views import APIView

from api.etags import VersionedView
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.filters import record_filterset

KINDS = [
    (models.BooleanField, "true or false"),
    (models.IntegerField, "whole number"),
    (models.FloatField, "number"),
    (models.DateField, "date"),
    (models.JSONField, "JSON"),
]


class RecordMetadata(metadata.BaseMetadata):
    """Describes the columns of a list, with their types, descriptions and filters."""

    def determine_metadata(self, request: Request, view: APIView) -> dict[str, Any]:
        if not isinstance(view, VersionedView):
            return super().determine_metadata(request, view)
        filters = list(record_filterset(view.model).base_filters)
        return {
            "name": view.get_view_name(),
            "description": view.get_view_description(),
            "columns": {
                column.name: {
                    "type": type_of(column),
                    "may_be_null": column.null,
                    "help": column.help_text,
                    "filters": [name for name in filters if name.split("__")[0] == column.name],
                }
                for column in columns_of(view.model)
            },
        }


def type_of(column: ListedColumn) -> str:
    """Return the name of the type of *column*."""
    if column.many or column.is_list:
        return "list of ids"
    return next((name for kind, name in KINDS if isinstance(column.field, kind)), "text")
