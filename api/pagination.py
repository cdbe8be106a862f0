"""Pagination of the lists of imports, rejected rows and changes."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.components import page_schema
from datasets.fields import field_of
from datasets.query_values import whole_number
from datasets.records.keyset_pagination import InvalidCursorError, Page, SortKey, page
from datasets.records.query_params import InvalidParametersError


class KeyPagination(BasePagination):
    """Keyset pagination of a queryset in its own ordering, which must end with the primary key."""

    def page_of(self, queryset: models.QuerySet, request: Request, sent: Mapping[str, Any]) -> Sequence[Any]:
        """Return the records of the page that the parameters *sent* select. Raises InvalidParametersError."""
        model, names = queryset.model, map(str, queryset.query.order_by)
        order = [SortKey(n.lstrip("-"), field_of(model, n.lstrip("-")), n.startswith("-")) for n in names]
        try:
            rows = page(queryset, ["id"], order, sent["page_size"], sent.get("cursor", ""))
        except InvalidCursorError:
            raise _invalid_cursor() from None
        self.links = rows.links(request.build_absolute_uri())
        keys = [key for key, *_ in rows.rows]
        records = queryset.order_by().in_bulk(keys)
        return [records[key] for key in keys if key in records]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({**self.links, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema["items"])


class PositionPagination(KeyPagination):
    """Pagination by position, of a sequence that does not change."""

    def page_of(self, entries: Any, request: Request, sent: Mapping[str, Any]) -> Sequence[Any]:
        """Return the part of *entries* that the parameters *sent* select. Raises InvalidParametersError."""
        size, count = sent["page_size"], len(entries)
        try:
            start = whole_number(sent.get("cursor", "0"), 0, max(count - 1, 0))
        except ValueError:
            raise _invalid_cursor() from None
        following = str(start + size) if start + size < count else None
        previous = str(max(start - size, 0)) if start else None
        self.links = Page([], following, previous).links(request.build_absolute_uri())
        part: Sequence[Any] = entries[start : start + size]
        return part


def _invalid_cursor() -> InvalidParametersError:
    return InvalidParametersError({"cursor": ["Expected a cursor from this list's next or previous link."]})
