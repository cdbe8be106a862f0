"""Checks of URLs before any view: invalid URLs get a 4xx response with a message."""

import re
import sys
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import get_bytes_from_wsgi
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from datasets.http.error_responses import refused, wants_problem
from datasets.http.middleware import GetResponse
from datasets.http.problem_details import failure

PORT = re.compile(r":([0-9]+)\Z", re.ASCII)
MOST_BYTES = 7000  # of a query string, without the cursor of the next page
MOST_BYTES_WITH_CURSOR = 8100  # gunicorn accepts a request line of 8,190 bytes
MOST_PARAMETERS = 1000


def check_address(get_response: GetResponse) -> GetResponse:
    """Refuse a request if its URL is too long or not valid UTF-8, or if its host is not served here."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _refusal_of(request) or get_response(request)

    return middleware


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to requests that Django finds suspicious."""
    return refused(request, 400, "The server cannot read this request.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Respond to exceptions that no view handles."""
    if wants_problem(request):
        return failure(request, sys.exc_info()[1])
    try:
        page = render_to_string("500.html", request=request)
    except Exception:  # the frame of the page may need the part that has failed
        page = render_to_string("500.html")
    return HttpResponse(page, status=500)


def _refusal_of(request: HttpRequest) -> HttpResponse | None:
    try:
        host = request.get_host()
    except DisallowedHost:
        return refused(request, 400, "The Host header names a host that this site does not serve.")
    if (port := PORT.search(host)) and not 1 <= int(port[1]) <= 65535:
        return refused(request, 400, "The Host header has an invalid port: expected a number from 1 to 65535.")
    query, raw = get_bytes_from_wsgi(request.META, "QUERY_STRING", ""), request.META.get("RAW_URI", "")
    if not raw.isascii():  # as received by gunicorn
        return refused(
            request,
            400,
            "The URL must be ASCII (found other characters). Percent-encode them: é is %C3%A9.",
        )
    # Django decodes the path, but keeps percent-encoded bytes that are not UTF-8.
    path = unquote_to_bytes(raw.partition("?")[0] or request.path_info) if "%" in request.path_info else b""
    if not _is_text(path):
        return refused(request, 400, "The path of the URL must be percent-encoded UTF-8 (found other bytes).")
    if "\x00" in request.path_info:
        return refused(request, 404, "Page not found: the URL contains a null character.")
    if not query:
        return None
    length = len(query) - sum(len(part) + 1 for part in query.split(b"&") if part.startswith(b"cursor="))
    if length > MOST_BYTES or len(query) > MOST_BYTES_WITH_CURSOR:
        return refused(
            request,
            414,
            f"The query string must be at most {MOST_BYTES:,} bytes long (found {len(query):,}). "
            "Request less at once, for example fewer values in a list.",
        )
    if (count := query.count(b"&") + 1) > MOST_PARAMETERS:
        return refused(
            request, 400, f"The query string must have at most {MOST_PARAMETERS:,} parameters (found {count:,})."
        )
    if b"%" in query and (errors := dict(_unreadable(query))):
        detail = "; ".join(f"{name}: {message}" for name, [message] in errors.items())
        return refused(request, 400, detail, errors=errors)
    return None


def _unreadable(query: bytes) -> Iterator[tuple[str, list[str]]]:
    """Yield each parameter that is not valid text, with its errors."""
    for part in query.split(b"&"):
        decoded = unquote_to_bytes(part)
        name = unquote_to_bytes(part.partition(b"=")[0]).decode(errors="replace").replace("\x00", "\ufffd")[:100]
        if not _is_text(decoded):
            yield name, ["Must be UTF-8 text (found other bytes)."]
        elif b"\x00" in decoded:
            yield name, ["Null characters are not allowed."]


def _is_text(encoded: bytes) -> bool:
    try:
        encoded.decode()
    except UnicodeDecodeError:
        return False
    return True
