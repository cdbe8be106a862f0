"""The viewset for records: list, retrieve, streaming and conditional GET."""

from typing import Any

from django import forms
from django.db import models
from django.http import HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.exceptions import NotFound
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.etags import conditional
from api.metadata import RecordMetadata
from api.streaming import STREAMED, STREAMED_FORMATS, filters_of, streamed
from api.summary import Summaries
from datasets.listing import description_of
from datasets.query_values import shown
from datasets.records.columns import columns_of
from datasets.records.filters import form_field
from datasets.records.keyset_pagination import InvalidCursorError, page
from datasets.records.masking import masked_name
from datasets.records.pagination import estimated_count
from datasets.records.query_params import InvalidParametersError, ListQuery, parse_list_query, parse_record_query
from datasets.records.serialization import RowSerializer
from datasets.text import clean, composed
from exports.columns import is_masked
from exports.file_names import file_stem
from exports.formats import MASKED_HEADER

Renderers = list[BaseRenderer]  # inside the class, ``list`` is the action


class RecordViewSet(Summaries):
    """Read-only views for a model's records. They serialize rows without creating a model instance for each record."""

    metadata_class = RecordMetadata
    lookup_value_regex = "[^/]+"

    @conditional
    def list(self, request: Request) -> HttpResponseBase:
        whole = request.accepted_renderer.format in STREAMED_FORMATS
        query, records = parse_list_query(self.model, request.query_params, request.user, whole=whole)
        if whole:
            return streamed(request, records, query)
        serializer = RowSerializer(self.model, query.columns)
        try:
            rows = page(records, serializer.selected, query.order, query.page_size, query.cursor)
        except InvalidCursorError:
            raise InvalidParametersError(
                {"cursor": ["Expected a cursor from this list's next or previous link."]}
            ) from None
        body = rows.links(request.build_absolute_uri()) | self._count(query, records)
        results = serializer.serialize(rows.rows, request.user, self.version)
        return Response({**body, "results": results}, headers=self._masked(request, query))

    @conditional
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        query = parse_record_query(self.model, request.query_params, request.user)
        serializer = RowSerializer(self.model, query.columns)
        records = self.model._default_manager.filter(pk__in=_keys(self.model, pk))
        rows = [*records.values_list(*serializer.selected)[:1]]
        if not rows:
            raise NotFound(self._nothing(pk))
        [record] = serializer.serialize(rows, request.user, self.version)
        return Response(record, headers=self._masked(request, query))

    def get_renderers(self) -> Renderers:
        """Return the renderers, JSON first. Lists also have the streamed formats."""
        json, *others = super().get_renderers()
        return [json, *(renderer() for renderer in STREAMED if self.action == "list"), *others]

    def get_view_name(self) -> str:
        plural = str(self.model._meta.verbose_name_plural).capitalize()
        return f"{plural}: {self.name.lower()}" if self.name else plural

    def get_view_description(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - as APIView declares it
        return description_of(self.model)

    def _nothing(self, key: str) -> str:
        return f"There is no {self.model._meta.verbose_name} {shown(key)}."

    def _masked(self, request: Request, query: ListQuery) -> dict[str, str]:
        """Return the headers that name the masked columns. The file name of a saved page also indicates them."""
        masked = ";".join(column.name for column in query.columns if is_masked(column, request.user))
        if not masked:
            return {}
        headers = {MASKED_HEADER: masked}
        if request.accepted_renderer.format == "json":
            name = masked_name(f"{file_stem(self.model, filters_of(request, self.model))}.json")
            headers["Content-Disposition"] = content_disposition_header(as_attachment=False, filename=name) or ""
        return headers

    def _count(self, query: ListQuery, records: models.QuerySet) -> dict:
        if query.count == "none":
            return {}
        estimate = estimated_count(records) if query.count == "estimated" else None
        if estimate is None:
            return {"count": records.order_by().count(), "count_is": "exact"}
        return {"count": estimate, "count_is": "estimated"}


def has_text_key(model: type[models.Model]) -> bool:
    """Return whether the primary key of *model* is text, which may contain any character."""
    return isinstance(columns_of(model)[0].field, models.CharField | models.TextField)


def _keys(model: type[models.Model], text: str) -> list[Any]:
    """Return the possible primary keys for *text* from a URL. For a text key, these include the cleaned *text*."""
    if has_text_key(model):
        return [] if "\x00" in text else [*{text, composed(text), clean(text)}]
    try:
        return [form_field(columns_of(model)[0].field).clean(text)]
    except forms.ValidationError:
        return []
