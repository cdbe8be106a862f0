"""Answers to requests that are refused before a view sees them: a problem document, or a page for a browser."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from datasets.api.problems import problem, respond


def wants_problem(path: str, accept: str) -> bool:
    """Tell whether a program asks: at an address of the API, or for JSON."""
    return path.startswith("/api/") or "json" in accept.lower()


def refused(request: HttpRequest, status: int, sentence: str, retry: int | None = None) -> HttpResponse:
    """Return the answer to a request that is refused; the connection is closed, for more of its body may come."""
    if wants_problem(request.path_info, request.META.get("HTTP_ACCEPT", "")):
        answer = respond(problem(status, sentence))
    else:
        told = {"heading": HTTPStatus(status).phrase, "said": sentence}
        answer = render(request, "datasets/refusal.html", told, status=status)
        answer["Cache-Control"] = "no-store"
    if retry is not None:
        answer["Retry-After"] = str(retry)
    return answer
