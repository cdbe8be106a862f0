"""Headers that every answer of the site carries, except its static files."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def add_headers(get_response: Callable) -> Callable[[HttpRequest], HttpResponseBase]:
    """Keep answers to a known reader out of caches, and say that no part of an answer can be requested.

    A view that sets ``Cache-Control`` itself decides for itself. A reader is known by a session cookie or by an
    ``Authorization`` header, whether or not the server accepts them.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Accept-Ranges", "none")
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware
