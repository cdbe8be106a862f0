"""Error responses of the middleware: a problem document for programs, or a page for browsers."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from datasets.http.problem_details import problem, respond


def wants_problem(request: HttpRequest) -> bool:
    """Return whether the client is a program: the URL belongs to the API, or the client accepts JSON."""
    path = request.path_info
    return path == "/api" or path.startswith("/api/") or "json" in request.headers.get("Accept", "").lower()


def refused(request: HttpRequest, status: int, sentence: str, retry: int | None = None, **more: Any) -> HttpResponse:
    """Return the error response to a refused request. *more* adds members to a problem document."""
    if wants_problem(request):
        response = respond(problem(status, sentence, **more))
    else:
        context = {"heading": HTTPStatus(status).phrase.capitalize(), "message": sentence}
        page = render_to_string("datasets/refusal.html", context, request)
        response = HttpResponse(page, status=status, headers={"Cache-Control": "no-store"})
    response["Content-Length"] = len(response.content)
    if retry is not None:
        response["Retry-After"] = str(retry)
    return response
