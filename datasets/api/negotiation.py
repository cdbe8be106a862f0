"""Formats: which one a request asks for, by ``Accept`` or ``?format=``, and JSON as orjson writes it."""

from typing import Any

import orjson
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

from datasets.api.parameters import Refused


class ORJSONRenderer(BaseRenderer):
    """JSON in UTF-8, dates as ISO 8601 writes them."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)


class Negotiation(DefaultContentNegotiation):
    """Django REST framework's own, which refuses an unknown ``?format=`` by name."""

    def filter_renderers(self, renderers, format):
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = dict.fromkeys(renderer.format for renderer in renderers)
            raise Refused({"format": [f"Expected one of {', '.join(known)}; found {format}."]})
        return found
