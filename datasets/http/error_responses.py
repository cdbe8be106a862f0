"""Answers to requests that are refused before a view sees them: a problem document, or a page for a browser."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from datasets.http.problem_details import problem, respond


def wants_problem(request: HttpRequest) -> bool:
    """Tell whether a program asks: at an address of the API, or for JSON."""
    path = request.path_info
    return path == "/api" or path.startswith("/api/") or "json" in request.headers.get("Accept", "").lower()


def refused(request: HttpRequest, status: int, sentence: str, retry: int | None = None, **more: Any) -> HttpResponse:
    """Return the answer to a request that is refused; *more* is what a problem document says beside the sentence."""
    if wants_problem(request):
        answer = respond(problem(status, sentence, **more))
    else:
        page = render_to_string("datasets/refusal.html", {"heading": HTTPStatus(status).phrase, "said": sentence})
        answer = HttpResponse(page, status=status, headers={"Cache-Control": "no-store"})
    answer["Content-Length"] = len(answer.content)
    if retry is not None:
        answer["Retry-After"] = str(retry)
    return answer
