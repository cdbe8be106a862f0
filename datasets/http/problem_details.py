"""Problem documents: the API returns every error as ``application/problem+json`` (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import orjson
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
SOON = 5  # seconds to wait before the next try


def problem(status: int, detail: str = "", **more: Any) -> dict[str, Any]:
    """Return the body of a problem document: type, title, status, detail, and the members in *more*."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return body | ({"detail": detail} if detail else {}) | more


def respond(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return a problem document as a response that caches must not store."""
    return HttpResponse(
        orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE),
        status=body["status"],
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def too_slow(seconds: float) -> str:
    """Return the message for queries that take more than *seconds*."""
    return (
        f"The database needs more than {seconds:g} seconds for this request. Add filters, search for fewer words, or "
        "sort and group by fewer columns."
    )


def failure(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """Return the response to an internal error, with an ID under which the log contains the traceback."""
    number = request.META.get("tabularium.request_id") or uuid4().hex
    logger.error("%s %s: error %s", request.method, request.path, number, exc_info=error or True)
    return respond(problem(500, f"Internal server error (reference {number}).", id=number))
