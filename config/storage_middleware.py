"""Return 503 with a message if a page needs the bucket of stored files, and the bucket cannot be used."""

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from datasets.http.error_responses import refused
from datasets.http.middleware import GetResponse
from datasets.http.problem_details import SOON
from imports.stored_entry import AWAY, StorageError

logger = logging.getLogger(__name__)


class StorageAnswer:
    """Middleware for views that do not handle StorageError themselves."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, StorageError):
            return None
        logger.error("%s", error.strerror)
        return refused(request, 503, AWAY, SOON)
