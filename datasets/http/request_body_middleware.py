"""Refuse a request whose body did not come whole, or is larger than it may be, before a view sees it."""

from collections.abc import Callable
from io import BytesIO

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.template.defaultfilters import filesizeformat

from datasets.http.error_responses import refused
from datasets.http.multipart import boundary_of
from datasets.http.request_bodies import Body, BodyError, expect_utf8, too_many
from datasets.http.upload_paths import is_upload
from datasets.query_values import shown


def whole_bodies(get_response: Callable) -> Callable[[HttpRequest], HttpResponseBase]:
    """Read the body of every request that is no upload before anything is done, and refuse one that is not whole."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            return refused(
                request, 415, f"Expected a body without Content-Encoding, found {shown(encoding)}. Send it as it is."
            )
        if not is_upload(request.method, request.path_info):
            try:
                _read(request)
                if not request.path_info.startswith("/api/"):
                    request.POST  # noqa: B018 - a form with too many fields is an error here, and not in a view
            except (TooManyFieldsSent, TooManyFilesSent) as error:
                return refused(request, 400, f"The form cannot be read: {too_many(error)}")
            except BodyError as error:
                return refused(request, error.status, str(error))
            except MultiPartParserError as error:
                return refused(request, 400, f"The form cannot be read: {error}")
        return get_response(request)

    return middleware


def _read(request: HttpRequest) -> None:
    body = Body(request)
    if body.announced == 0:
        return
    if boundary := boundary_of(request.META.get("CONTENT_TYPE", "")):
        body.scan(boundary)
    limit = settings.BODY_LIMIT
    content = body.read_all(
        limit, f"The body of a request to this address may have {filesizeformat(limit)}. Upload files at /api/imports/."
    )
    if request.content_type == "application/x-www-form-urlencoded":
        expect_utf8(content)
    request._stream = BytesIO(content)
    request._read_started = False
    request.META["CONTENT_LENGTH"] = str(len(content))
