"""Conditional requests: ETags that are computed before any row is read, and 304 responses."""

import hashlib
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework import viewsets
from rest_framework.request import Request

from datasets.matviews import summary_of
from datasets.records.columns import columns_of
from datasets.records.masking import hidden_fields
from datasets.versions import versions_behind

VARIES = ("Accept", "Authorization", "Cookie")


class VersionedView(viewsets.ViewSet):
    """A view for the records of *model*."""

    model: type[models.Model]
    version: str  # the version of the data, which conditional() reads before the rows


def conditional(answer: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """If the client's ETag matches, return 304 without calling the view.

    Otherwise, add the ETag to the view's response.
    """

    @wraps(answer)
    def answered(view: VersionedView, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        tag = ETag(request, view.model, request.accepted_renderer.format)
        if tag.is_known:
            return tag.not_modified()
        view.version = tag.version
        response = answer(view, request, *args, **kwargs)
        if not tag.is_any:
            return tag.mark(response)
        if response.streaming:
            response.close()
        return tag.not_modified()  # If-None-Match: * matches, because the view has raised no error

    return answered


@cache
def release() -> str:
    """Return a digest of the site's code, because a new release may render the same data differently."""
    digest = hashlib.sha256()
    for app in apps.get_app_configs():
        if Path(app.path).parent == settings.BASE_DIR:
            for path in sorted(Path(app.path).rglob("*")):
                if path.suffix in (".py", ".html"):  # templates render the parts of pages
                    digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class ETag:
    """The ETag of the response to *request* for *model*, computed before any row is read.

    It is a keyed hash of the data's version, the release, the format, the URL and the columns hidden from the user. A
    client cannot forge an ETag. If it matches, the same request has succeeded before and does not have to be validated
    again.
    """

    def __init__(self, request: HttpRequest, model: type[models.Model], file_format: str):
        self.version = versions_behind(model)
        summary = summary_of(model)
        self.as_of = summary.headers if summary else {}
        hidden = ",".join(sorted(hidden_fields(model, request.user)))
        needed = {column.permission for column in columns_of(model) if column.permission}
        self.shows_personal = any(map(request.user.has_perm, needed))
        parts = [self.version, release(), file_format, request.get_full_path(), request.get_host(), hidden]
        content = "\n".join(parts).encode(errors="surrogatepass")
        key = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
        self.opaque = f'"{hashlib.blake2b(content, digest_size=16, key=key, person=b"ETag").hexdigest()}"'
        self.private = request.user.is_authenticated
        wanted = [tag.removeprefix("W/") for tag in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
        self.is_known = self.opaque in wanted
        self.is_any = "*" in wanted

    def not_modified(self) -> HttpResponseBase:
        """Return a 304 response."""
        response = self.mark(HttpResponse(status=304))
        del response["Content-Type"]
        return response

    def mark(self, response: HttpResponseBase) -> HttpResponseBase:
        """Add ETag, Cache-Control and Vary to *response*, and Data-As-Of if a summary table is behind.

        Caches must revalidate it and must not store personal data.
        """
        response["ETag"] = f"W/{self.opaque}"
        for name, value in self.as_of.items():
            response[name] = value
        if self.shows_personal:
            response["Cache-Control"] = "private, no-store"
        else:
            response["Cache-Control"] = "private, no-cache" if self.private else "public, no-cache"
        patch_vary_headers(response, VARIES)
        return response
