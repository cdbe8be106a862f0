"""HEAD requests: the views see GET, so that the status and the headers are those of GET. The server sends no body."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

IS_HEAD = "tabularium.is_head"


def answer_as_get(get_response: Callable) -> Callable[[HttpRequest], HttpResponseBase]:
    """Let views answer HEAD as they answer GET. A download asks :func:`is_head`, and is not begun."""

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
    """Tell whether the client asks for the headers only."""
    return request.META.get(IS_HEAD, False)
