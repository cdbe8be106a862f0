"""What programs read: every table and view as JSON under ``/api/<dataset>/``, a page at a time, filtered."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db import models
from django.shortcuts import get_object_or_404
from rest_framework import filters, metadata, pagination, routers, viewsets
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response

from datasets.filters import UnknownParameters, form_field, record_filterset
from datasets.listing import columns_of
from datasets.personal import masked

Row = dict[str, Any]
Rows = list[Row]

router = routers.DefaultRouter()
router.include_format_suffixes = False  # a key may hold a dot


def register(model: type[models.Model], viewset: type["RecordViewSet"] | None = None, path: str | None = None) -> None:
    """Serve *model* under ``/api/<dataset>/<path>/``, the path being its table's name with dashes."""
    path = path or model._meta.db_table.replace("_", "-")
    viewset = viewset or type(f"{model.__name__}ViewSet", (RecordViewSet,), {"model": model})
    router.register(f"{model._meta.app_label}/{path}", viewset, basename=f"{model._meta.app_label}-{path}")


class RecordPagination(pagination.CursorPagination):
    """Pages by primary key, each beginning where the one before ended: the last is as fast as the first."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"

    def get_ordering(self, request, queryset, view):
        return (queryset.model._meta.pk.attname,)

    def get_page_size(self, request):
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (text.isascii() and text.isdigit() and int(text[:10]) > 0):
            raise ValidationError({"page_size": [f"Expected a whole number between 1 and {self.max_page_size}."]})
        return min(int(text[:10]), self.max_page_size)

    def paginate_queryset(self, queryset, request, view=None):
        self.key = form_field(columns_of(queryset.model)[0].field)
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request):
        try:
            cursor = super().decode_cursor(request)
            if cursor and cursor.position is not None:
                self.key.clean(cursor.position)
        except (NotFound, forms.ValidationError):
            raise ValidationError({"cursor": ["Expected a cursor of this list's next or previous link."]}) from None
        return cursor


class RecordFilterBackend(filters.BaseFilterBackend):
    """Narrows a list by the model's FilterSet; what it does not know is refused, for it would give back everything."""

    def filter_queryset(self, request, queryset, view):
        filterset_class = record_filterset(queryset.model)
        try:
            filterset_class.check_parameters(request.query_params, request.user, besides=view.other_parameters)
        except UnknownParameters as error:
            raise ValidationError(error.messages) from None
        filterset = filterset_class(request.query_params, queryset, request=request)
        if not filterset.is_valid():
            raise ValidationError(filterset.errors)
        return filterset.qs


class RecordMetadata(metadata.BaseMetadata):
    """What OPTIONS answers: the columns of a list, what they mean, and the parameters that filter by them."""

    def determine_metadata(self, request, view):
        known = list(record_filterset(view.model).base_filters)
        return {
            "name": view.get_view_name(),
            "description": view.get_view_description(),
            "columns": {
                column.name: {
                    "type": self.type_of(column.field),
                    "may_be_null": column.null,
                    "help": view.column_help.get(column.name, column.help_text),
                    "filters": [name for name in known if name.split("__")[0] == column.name],
                }
                for column in columns_of(view.model)
            },
        }

    def type_of(self, field: models.Field) -> str:
        """Return what programs would call the values of *field*."""
        kinds = [
            (models.ManyToManyField, "list of ids"),
            (models.BooleanField, "true or false"),
            (models.IntegerField, "whole number"),
            (models.FloatField, "number"),
            (models.DateField, "date"),
            (models.JSONField, "JSON"),
        ]
        return next((name for kind, name in kinds if isinstance(field, kind)), "text")


class RecordViewSet(viewsets.GenericViewSet):
    """A model's records, to be read: as rows, without making a model instance of each."""

    model: type[models.Model]
    column_help: dict[str, str] = {}
    filter_backends = [RecordFilterBackend]
    pagination_class = RecordPagination
    metadata_class = RecordMetadata
    lookup_value_regex = "[^/]+"

    def list(self, request):
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.represent(page))

    def retrieve(self, request, pk):
        try:
            key = form_field(columns_of(self.model)[0].field).clean(pk)
        except forms.ValidationError:
            raise NotFound() from None
        row = get_object_or_404(self.filter_queryset(self.get_queryset()), pk=key)
        return Response(self.represent([row])[0])

    def get_queryset(self):
        return self.model._default_manager.values(
            *(column.path for column in columns_of(self.model) if not column.many)
        )

    @property
    def other_parameters(self) -> tuple[str, ...]:
        """Parameters that are taken beside the filters."""
        return ("format",) if self.detail else ("format", "cursor", "page_size")

    def get_view_name(self):
        return str(self.model._meta.verbose_name_plural).capitalize()

    def get_view_description(self, html=False):
        text = " ".join((self.model.__doc__ or "").split())
        return "" if text.startswith(f"{self.model.__name__}(") else text  # Django's own for a model without one

    def represent(self, rows: Rows) -> Rows:
        """Return database rows as they are served."""
        lists = {column.name: self._lists(column.field, rows) for column in columns_of(self.model) if column.many}
        return [self.represent_row(row, lists) for row in rows]

    def represent_row(self, row: Row, lists: Mapping[str, Mapping]) -> Row:
        """Return one database row as it is served, *lists* being those of its page by the key of the row."""
        served = {}
        for column in columns_of(self.model):
            if column.many:
                served[column.name] = lists[column.name][row[self.model._meta.pk.attname]]
            elif column.permission and not self.request.user.has_perm(column.permission):
                served[column.name] = masked(row[column.path])
            else:
                served[column.name] = row[column.path]
        return served

    def _lists(self, field: models.ManyToManyField, rows: Rows) -> Mapping[Any, Sequence]:
        """Return the ids that each of the rows has in *field*, the lowest first, with one query for the page."""
        lists = defaultdict(list)
        of, to = (f"{name}_id" for name in (field.m2m_field_name(), field.m2m_reverse_field_name()))
        keys = [row[self.model._meta.pk.attname] for row in rows]
        for key, value in (
            field.remote_field.through._default_manager.filter(**{f"{of}__in": keys}).order_by(to).values_list(of, to)
        ):
            lists[key].append(value)
        return lists
