"""Middleware that refuses requests whose body is incomplete or too large."""

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.template.defaultfilters import filesizeformat

from datasets.http.error_responses import refused
from datasets.http.middleware import GetResponse
from datasets.http.multipart import boundary_of
from datasets.http.request_bodies import Body, BodyError, expect_utf8, set_body, too_many
from datasets.http.upload_paths import is_upload
from datasets.query_values import shown


def whole_bodies(get_response: GetResponse) -> GetResponse:
    """Read the whole body of every request before the view runs, except for uploads, and refuse incomplete bodies."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            sentence = f"Expected a body without Content-Encoding, found {shown(encoding)}. Send it uncompressed."
            return refused(request, 415, sentence)
        if not is_upload(request.method, request.path_info):
            try:
                _read(request)
                if not request.path_info.startswith("/api/"):
                    request.POST  # noqa: B018 - raises the error of too many fields here, and not in a view
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
    size = filesizeformat(limit)
    content = body.read_all(limit, f"The request body is larger than {size}. Upload files to /api/imports/.")
    if request.content_type == "application/x-www-form-urlencoded":
        expect_utf8(content)
    set_body(request, content)
