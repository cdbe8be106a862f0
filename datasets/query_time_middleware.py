"""Answer 503 with a sentence where the queries of a page, or the first row of an export, take too long."""

from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from datasets.api.problems import SOON, too_slow
from datasets.exports.responses import ExportResponse
from datasets.query_time import limited, unlimited, was_stopped
from datasets.refusals import refused


class LimitQueryTime:
    """Middleware: a limit for the queries of each request; for those of an export, until its first row."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with limited(settings.QUERY_SECONDS):
            response = self.get_response(request)
        if isinstance(response, ExportResponse):
            try:
                response.begin()
            except OperationalError as error:
                if not was_stopped(error):
                    raise
                return _refusal(request, settings.FIRST_ROW_SECONDS)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a view that answers no errors of the database itself."""
        return _refusal(request, settings.QUERY_SECONDS) if was_stopped(error) else None


def _refusal(request: HttpRequest, seconds: float) -> HttpResponse:
    with unlimited():  # the page asks who has signed in
        return refused(request, 503, too_slow(seconds), SOON)
