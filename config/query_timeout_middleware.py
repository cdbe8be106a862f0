"""Return 503 with a message if the queries of a page, or the first row of an export, take too long or must wait."""

from django.conf import settings
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from config.replicas import View, read_from_replica
from datasets.http.error_responses import refused
from datasets.http.middleware import GetResponse
from datasets.http.problem_details import SOON, too_slow
from datasets.read_only import REPLICA
from datasets.sql.query_timeout import is_locked_out, limited, unlimited, was_stopped
from exports.responses import ExportResponse

BUSY = "An import is writing to the database. Nothing was changed. Try again in a moment."


class LimitQueryTime:
    """Middleware that limits the time of the queries of each request, until the response begins."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with limited(settings.QUERY_SECONDS):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the response for a view that does not handle database errors itself."""
        if is_locked_out(error):
            return refused(request, 503, BUSY, SOON)
        seconds = getattr(error, "seconds", settings.QUERY_SECONDS)
        return too_slow_answer(request, seconds) if was_stopped(error) else None


class Handler(WSGIHandler):
    """Django's WSGI handler, except that an export starts only after its first row has been read.

    If there is a read replica, views read datasets from it.
    """

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        return begun(request, super().get_response(request))

    def make_view_atomic(self, view: View) -> View:
        atomic = super().make_view_atomic(view)
        return read_from_replica(atomic) if REPLICA in settings.DATABASES else atomic


def too_slow_answer(request: HttpRequest, seconds: float) -> HttpResponse:
    """Return the response to a request whose queries take more than *seconds*."""
    with unlimited():  # the page queries the signed-in user
        return refused(request, 503, too_slow(seconds), SOON)


def begun(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Read the first row of an export, and return its response, or an error response if the first row cannot be read.

    So an export that fails at its start gets an error status, not an incomplete response with status 200. The server
    calls this function last, because from then on only the export uses the database connection.
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
        for name, value in response.items():  # headers of every response, such as the id of the request
            if not name.lower().startswith(("content-", "etag", "masked-")) or name == "Content-Security-Policy":
                answer.headers.setdefault(name, value)
        return answer
    return response
