"""Stream whole lists as files in the formats of exports.formats."""

from django.db import models
from django.http import HttpResponseBase
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from api.problems import Unavailable
from datasets.http.head_requests import is_head
from datasets.records.filters import record_filterset
from datasets.records.query_params import InvalidParametersError, ListQuery
from exports.formats import FORMATS, ExportError, Format, TooManyStreamsError, export
from exports.responses import ExportResponse, headers_of


def _renderer(file_format: Format) -> type[BaseRenderer]:
    """Return a renderer class that is used only for content negotiation, because the export writes the response."""
    media_type = file_format.content_type.partition(";")[0]
    return type(f"{file_format.title}Renderer", (BaseRenderer,), {"media_type": media_type, "format": file_format.name})


# JSON returns one page; NDJSON returns the whole list.
STREAMED = [_renderer(known) for known in FORMATS.values() if known.name != "json"]
STREAMED_FORMATS = frozenset(renderer.format for renderer in STREAMED)


def filters_of(request: Request, model: type[models.Model]) -> dict[str, str]:
    """Return the filters in the URL of a list, for the name of a file."""
    known = record_filterset(model).base_filters
    return {name: str(value) for name, value in request.query_params.items() if name in known}


def streamed(request: Request, records: models.QuerySet, query: ListQuery) -> HttpResponseBase:
    """Return *records* as a file in the negotiated format.

    Raises InvalidParametersError and Unavailable before any data is sent.
    """
    names = [column.name for column in query.columns]
    model: type[models.Model] = records.model
    ordered = records.order_by(*(key.expression(backwards=False) for key in query.order))
    try:
        file = export(
            model,
            ordered,
            names,
            request.user,
            request.accepted_renderer.format,
            compress=query.compress,
            filters=filters_of(request, model),
            source=request.build_absolute_uri(),
        )
    except TooManyStreamsError as error:
        raise Unavailable(str(error), wait=error.retry_after) from None
    except ExportError as error:
        raise InvalidParametersError({"format": [str(error)]}) from None
    if is_head(request):
        return headers_of(file)
    return ExportResponse(file)
