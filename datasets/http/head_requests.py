"""Let views handle HEAD requests as GET, so the status and headers are the same. The server sends no body."""

from django.http import HttpRequest, HttpResponseBase

from datasets.http.middleware import GetResponse

IS_HEAD = "tabularium.is_head"


def answer_as_get(get_response: GetResponse) -> GetResponse:
    """Pass HEAD requests to the views as GET.

    Views of downloads call :func:`is_head`, and do not start the download.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method != "HEAD":
            return get_response(request)
        request.META |= {IS_HEAD: True, "REQUEST_METHOD": "GET"}
        request.method = "GET"
        try:
            return get_response(request)
        finally:
            request.method = request.META["REQUEST_METHOD"] = "HEAD"

    return middleware


def is_head(request: HttpRequest) -> bool:
    """Return whether the client has requested only the headers."""
    return IS_HEAD in request.META
