"""Headers of every response, except static files."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from datasets.http.middleware import GetResponse


def add_headers(get_response: GetResponse) -> GetResponse:
    """Keep responses to identified clients out of shared caches, and announce that range requests are not supported.

    A ``Cache-Control`` header set by a view stays. A client counts as identified if it sends a session cookie or an
    ``Authorization`` header, even if the server does not accept them.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Accept-Ranges", "none")
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware
