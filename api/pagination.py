"""Keyset pagination of the lists of imports and rejected rows."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.components import page_schema
from datasets.fields import field_of
from datasets.records.keyset_pagination import InvalidCursorError, SortKey, page
from datasets.records.query_params import InvalidParametersError


class KeyPagination(BasePagination):
    """Keyset pagination of a queryset in its own ordering, which must end with the primary key."""

    def page_of(self, queryset: models.QuerySet, request: Request, sent: Mapping[str, Any]) -> list[models.Model]:
        """Return the records of the page that the parameters *sent* select. Raises InvalidParametersError."""
        model, names = queryset.model, map(str, queryset.query.order_by)
        order = [SortKey(n.lstrip("-"), field_of(model, n.lstrip("-")), n.startswith("-")) for n in names]
        try:
            rows = page(queryset, ["id"], order, sent["page_size"], sent.get("cursor", ""))
        except InvalidCursorError:
            raise InvalidParametersError(
                {"cursor": ["Expected a cursor from this list's next or previous link."]}
            ) from None
        self.links = rows.links(request.build_absolute_uri())
        keys = [key for key, *_ in rows.rows]
        records = queryset.order_by().in_bulk(keys)
        return [records[key] for key in keys if key in records]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({**self.links, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema["items"])
