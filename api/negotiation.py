"""Formats: which one a request asks for, by ``Accept`` or ``?format=``, and JSON as orjson writes it."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

from datasets import exact_json
from datasets.query_values import shown
from datasets.records.query_params import InvalidParametersError


class ORJSONRenderer(BaseRenderer):
    """JSON in UTF-8, dates as ISO 8601 writes them."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        return exact_json.dumps(data, indent=bool(renderer_context and "indent" in renderer_context))  # on a page


class Negotiation(DefaultContentNegotiation):
    """Negotiation as in Django REST framework, with the known formats in the error of an unknown or empty one."""

    def select_renderer(self, request, renderers, format_suffix=None):
        """Return the renderer that ``?format=`` or ``Accept`` names, and its media type.

        Raises InvalidParametersError.
        """
        if request.method == "OPTIONS":  # what a list has to say of itself is JSON, whatever form its records take
            return renderers[0], renderers[0].media_type
        if request.query_params.get(self.settings.URL_FORMAT_OVERRIDE) == "":
            self.filter_renderers(renderers, "")
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(self, renderers, format):
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = dict.fromkeys(renderer.format for renderer in renderers)
            raise InvalidParametersError({"format": [f"Expected one of {', '.join(known)}; found {shown(format)}."]})
        return found
