"""The API's exception handler, which converts every error to a problem document (RFC 9457)."""

import logging
from collections.abc import Mapping
from math import ceil
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from rest_framework.exceptions import APIException, NotAuthenticated, NotFound, ParseError, Throttled, ValidationError
from rest_framework.exceptions import PermissionDenied as Forbidden
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from datasets.http.problem_details import SOON, failure, problem, respond, too_slow
from datasets.sql.query_timeout import was_stopped
from imports.stored_entry import AWAY, StorageError

logger = logging.getLogger(__name__)


class Unavailable(APIException):
    """A temporary failure. The client should try again after *wait* seconds."""

    status_code = 503
    default_detail = "The site is busy. Try again in a moment."

    def __init__(self, detail: str | None = None, wait: int = SOON):
        super().__init__(detail)
        self.wait = wait


class Conflict(APIException):
    """The request conflicts with the current state. *more* adds members, such as reasons, to the problem document."""

    status_code = 409

    def __init__(self, detail: str, **more: Any):
        super().__init__(detail)
        self.more = more


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Return the response to *error*. An unexpected error is logged with an ID, and the client receives only the ID."""
    set_rollback()
    request = context["request"]
    if isinstance(error, Http404):
        error = NotFound(str(error) if error.args and isinstance(error.args[0], str) else None)
    elif isinstance(error, PermissionDenied):
        error = Forbidden()
    elif isinstance(error, SuspiciousOperation):
        error = ParseError("Malformed request.")
    elif was_stopped(error):
        error = Unavailable(too_slow(settings.QUERY_SECONDS))
    elif isinstance(error, OperationalError):
        logger.warning("%s %s: database error: %s", request.method, request.path, error)
        error = Unavailable("The database is not available. Try again in a moment.")
    elif isinstance(error, StorageError):
        logger.error("%s %s: %s", request.method, request.path, error.strerror)
        error = Unavailable(AWAY)
    if not isinstance(error, APIException):
        return failure(request, error)
    return _answer(request, error)


def _answer(request: Request, error: APIException) -> HttpResponse:
    headers = {}
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, ceil(wait)))
    if isinstance(error, ValidationError):
        errors = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        texts = {name: [str(message) for message in messages] for name, messages in errors.items()}
        detail = "; ".join(f"{name}: {message}" if name else message for name, (message, *_) in texts.items())
        body = problem(error.status_code, detail, errors=texts, **getattr(error, "more", {}))
    else:
        body = problem(error.status_code, str(error.detail), **getattr(error, "more", {}))
    if isinstance(error, Throttled) and wait is not None:
        seconds = headers["Retry-After"]
        body["detail"] = f"Too many requests. Try again in {seconds} second{'' if seconds == '1' else 's'}."
    if isinstance(error, NotAuthenticated):
        body["detail"] = "Authentication required. Sign in, or send “Authorization: Bearer <token>”."
        if "text/html" in request.headers.get("Accept", ""):  # a person in a browser
            page = render_to_string("api/signed_out.html", request=request._request)
            return HttpResponse(page, status=error.status_code, headers=headers)
    if getattr(getattr(request, "accepted_renderer", None), "format", "") == "api":  # render it as a page
        return Response(body, status=error.status_code, headers=headers)
    return respond(body, headers)
