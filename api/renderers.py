"""The API's answers as pages for whoever works on the site: JSON set out in lines, with a way back to what is above."""

import re
from html import unescape
from typing import Any
from urllib.parse import unquote, urlsplit

from django.urls import Resolver404, resolve
from rest_framework.renderers import BrowsableAPIRenderer

NOWHERE = "Nothing here"  # the name of addresses at which there is nothing
LINK = re.compile(r'<a href="([^"]*)" rel="nofollow">(.*?)</a>')  # as Django makes one of an address in a text


class PageRenderer(BrowsableAPIRenderer):
    """A page whose way back has every address above it that answers, and which links none that only takes POST."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        page = super().render(data, accepted_media_type, renderer_context)
        return LINK.sub(lambda link: link[0] if _can_be_followed(unescape(link[1])) else link[2], page)

    def get_breadcrumbs(self, request) -> list[tuple[str, str]]:
        """Return names and addresses; below a list, a record is called by its key and a summary by that word."""
        found = {}
        for name, address in super().get_breadcrumbs(request):
            if name != NOWHERE and _can_be_followed(address):
                word = unquote(address.partition("?")[0].rstrip("/").rpartition("/")[2])
                found[word.capitalize() if name.partition(":")[0] in found else name] = address
        return list(found.items())

    def show_form_for_method(self, view, method, request, obj) -> bool:
        """Tell whether the page has a form: none has, for what changes something takes files or nothing at all."""
        return False

    def get_raw_data_form(self, data, view, method, request) -> None:
        return None


def _can_be_followed(address: str) -> bool:
    """Tell whether *address* answers GET, as far as is known here."""
    try:
        view = resolve(unquote(urlsplit(address).path)).func
    except Resolver404:
        return True
    return "get" in getattr(view, "actions", ["get"])
