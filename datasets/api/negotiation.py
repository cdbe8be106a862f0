"""Formats: which one a request asks for, by ``Accept`` or ``?format=``, and JSON as orjson writes it."""

from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.mediatypes import _MediaType

from datasets import exact_json
from datasets.api.parameters import Refused
from datasets.spelling import shown

ANYTHING = "*/*"


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
    """Django REST framework's own, which weighs what is accepted, and refuses an unknown ``?format=`` by name."""

    def select_renderer(self, request, renderers, format_suffix=None):
        """Return the renderer that the request likes best, by the ``q`` of what it accepts, and its media type."""
        if request.query_params.get(self.settings.URL_FORMAT_OVERRIDE) == "":
            self.filter_renderers(renderers, "")
        accept = request.META.get("HTTP_ACCEPT", ANYTHING)
        if accept != ANYTHING and "q=" not in accept:
            return super().select_renderer(request, renderers, format_suffix)
        if format := request.query_params.get(self.settings.URL_FORMAT_OVERRIDE):
            renderers = self.filter_renderers(renderers, format)
        if accept == ANYTHING:  # as most programs say: there is nothing to weigh
            return renderers[0], renderers[0].media_type
        accepted = sorted(map(_MediaType, self.get_accept_list(request)), key=lambda one: -one.precedence)
        found = []
        for renderer in renderers:
            offered = _MediaType(renderer.media_type)
            if wanted := next((one for one in accepted if offered.match(one)), None):
                found.append((_quality(wanted), wanted.precedence, renderer))
        quality, _, renderer = max(found, key=lambda one: one[:2], default=(0, 0, None))
        if not quality:
            raise NotAcceptable(available_renderers=renderers)
        return renderer, renderer.media_type

    def get_accept_list(self, request):
        return [one.strip() for one in request.META.get("HTTP_ACCEPT", ANYTHING).split(",")]  # reading no other header

    def filter_renderers(self, renderers, format):
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = dict.fromkeys(renderer.format for renderer in renderers)
            raise Refused({"format": [f"Expected one of {', '.join(known)}; found {shown(format)}."]})
        return found


def _quality(media_type: _MediaType) -> float:
    """Return how much a media type is liked, from 0 (not at all) to 1; 1 where that cannot be read."""
    try:
        return min(max(float(media_type.params.get("q", 1)), 0), 1)
    except ValueError:
        return 1
