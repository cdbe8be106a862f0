"""Whole lists as files: what exports.formats makes of them, as a response."""

from django.http import HttpResponseBase
from rest_framework.renderers import BaseRenderer

from api.problems import Unavailable
from datasets.http.head_requests import is_head
from datasets.records.query_params import Asked, InvalidParametersError
from exports.formats import FORMATS, ExportError, Format, TooManyStreamsError, export
from exports.responses import ExportResponse, headers_of


def _renderer(format: Format) -> type[BaseRenderer]:
    """A renderer by which the format is negotiated; what is sent does not come from it."""
    media_type = format.content_type.partition(";")[0]
    return type(f"{format.title}Renderer", (BaseRenderer,), {"media_type": media_type, "format": format.name})


# JSON is a page; a whole list as JSON is NDJSON.
STREAMED = [_renderer(format) for format in FORMATS.values() if format.name != "json"]
STREAMED_FORMATS = frozenset(renderer.format for renderer in STREAMED)


def streamed(request, records, asked: Asked) -> HttpResponseBase:
    """Return *records* as the file that *request* wants.

    Raises InvalidParametersError and Unavailable before anything is sent.
    """
    names = [column.name for column in asked.columns]
    ordered = records.order_by(*(key.expression(backwards=False) for key in asked.order))
    try:
        file = export(
            records.model, ordered, names, request.user, request.accepted_renderer.format, compress=asked.compress
        )
    except TooManyStreamsError as error:
        raise Unavailable(str(error), wait=error.retry_after) from None
    except ExportError as error:
        raise InvalidParametersError({"format": [str(error)]}) from None
    if is_head(request):
        return headers_of(file)
    return ExportResponse(file)
