"""Answer 503 with a sentence where the queries of a page, or the first row of an export, take too long."""

from django.conf import settings
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from datasets.http.error_responses import refused
from datasets.http.middleware import GetResponse
from datasets.http.problem_details import SOON, too_slow
from datasets.sql.query_timeout import limited, unlimited, was_stopped
from exports.responses import ExportResponse


class LimitQueryTime:
    """Middleware: a limit for the queries of each request, until its answer begins."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with limited(settings.QUERY_SECONDS):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a view that answers no errors of the database itself."""
        return too_slow_answer(request, settings.QUERY_SECONDS) if was_stopped(error) else None


class Handler(WSGIHandler):
    """Django's WSGI handler, except that an export starts only after its first row has been read."""

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        return begun(request, super().get_response(request))


def too_slow_answer(request: HttpRequest, seconds: float) -> HttpResponse:
    """Return the answer to a request whose queries take more than *seconds*."""
    with unlimited():  # the page asks who has signed in
        return refused(request, 503, too_slow(seconds), SOON)


def begun(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Read the first row of an export, and return its response, or the answer to the error that this has met.

    So an export that fails at its start is no 200 that breaks off. It is the server's last act before it sends: from
    then on the export has the connection to the database for itself.
    """
    if not isinstance(response, ExportResponse):
        return response
    try:
        response.file.begin()
    except DatabaseError as error:
        if was_stopped(error):
            answer = too_slow_answer(request, settings.FIRST_ROW_SECONDS)
        else:
            answer = response_for_exception(request, error)
        for name, value in response.items():  # what every answer has, such as the id of the request
            if not name.lower().startswith(("content-", "etag", "masked-")) or name == "Content-Security-Policy":
                answer.headers.setdefault(name, value)
        return answer
    return response
