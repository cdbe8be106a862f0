"""Content negotiation with ``Accept`` or ``?format=``, and the JSON renderer, which uses orjson."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from datasets import exact_json
from datasets.query_values import shown
from datasets.records.query_params import InvalidParametersError


class ORJSONRenderer(BaseRenderer):
    """JSON in UTF-8, with dates in ISO 8601."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        return exact_json.dumps(data, indent=bool(renderer_context and "indent" in renderer_context))


class Negotiation(DefaultContentNegotiation):
    """Django REST framework's negotiation, with an error for unknown or empty formats that lists the known ones."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer that ``?format=`` or ``Accept`` selects, and its media type.

        Raises InvalidParametersError.
        """
        if request.method == "OPTIONS":  # metadata is always JSON
            first = next(iter(renderers))
            return first, first.media_type
        if request.query_params.get(self.settings.URL_FORMAT_OVERRIDE) == "":
            self.filter_renderers(renderers, "")
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(self, renderers: Iterable[BaseRenderer], file_format: str) -> list[BaseRenderer]:
        matches = [renderer for renderer in renderers if renderer.format == file_format]
        if not matches:
            known = dict.fromkeys(renderer.format for renderer in renderers)
            raise InvalidParametersError(
                {"format": [f"Expected one of {', '.join(known)}; found {shown(file_format)}."]}
            )
        return matches
