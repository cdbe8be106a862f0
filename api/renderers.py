"""The browsable API: responses as HTML pages with indented JSON and breadcrumbs."""

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.urls import Resolver404, resolve
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

if TYPE_CHECKING:  # it imports this module
    from rest_framework.views import APIView

NOWHERE = "Not found"  # the title of the 404 page
LINK = re.compile(r'<a href="([^"]*)" rel="nofollow">(.*?)</a>')  # the format of Django's urlize


class PageRenderer(BrowsableAPIRenderer):
    """A page whose breadcrumbs and links contain only URLs that support GET."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        page = super().render(data, accepted_media_type, renderer_context)
        return LINK.sub(lambda link: link[0] if _can_be_followed(unescape(link[1])) else link[2], page)

    def get_breadcrumbs(self, request: Request) -> list[tuple[str, str]]:
        """Return names and URLs. The name of a record is its key, and that of a summary is "Summary"."""
        breadcrumbs = {}
        for name, address in super().get_breadcrumbs(request):
            if name != NOWHERE and _can_be_followed(address):
                word = unquote(address.partition("?")[0].rstrip("/").rpartition("/")[2])
                breadcrumbs[word.capitalize() if name.partition(":")[0] in breadcrumbs else name] = address
        return list(breadcrumbs.items())

    def show_form_for_method(self, view: "APIView", method: str, request: Request, obj: Any) -> bool:
        """Return False. No page has a form, because POST requests need either files or no body."""
        return False

    def get_raw_data_form(self, data: Any, view: "APIView", method: str, request: Request) -> None:
        return None


def _can_be_followed(address: str) -> bool:
    """Return whether *address* supports GET. Return True for addresses outside this site."""
    try:
        view = resolve(unquote(urlsplit(address).path)).func
    except Resolver404:
        return True
    return "get" in getattr(view, "actions", ["get"])
