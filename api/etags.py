"""Conditional requests: a tag for what an address shows, by which a reader who has it is told so and no more."""

import hashlib
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from datasets.records.columns import columns_of
from datasets.records.personal_data import hidden_fields
from datasets.versions import versions_behind

VARIES = ("Accept", "Authorization", "Cookie")


def conditional(answer: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a method of a view of records answer only who does not have what it shows; others are told so.

    That is done before the question is looked at and any row is read. The method finds ``self.version``, the version
    of the data, which was read before them.
    """

    @wraps(answer)
    def answered(view, request, *args, **kwargs) -> HttpResponseBase:
        tag = Tag(request, view.model, request.accepted_renderer.format)
        if tag.is_known:
            return tag.not_modified()
        view.version = tag.version
        response = answer(view, request, *args, **kwargs)
        if not tag.is_any:
            return tag.mark(response)
        if response.streaming:
            response.close()
        return tag.not_modified()  # there is something, which is all that had to be found out

    return answered


@cache
def release() -> str:
    """Return what tells this release of the site from others: what its code says, and so how it shows things."""
    digest = hashlib.sha256()
    for app in apps.get_app_configs():
        if Path(app.path).parent == settings.BASE_DIR:
            for path in sorted(Path(app.path).rglob("*.py")):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Tag:
    """The tag of what *request* asks for of *model*: read before any row is.

    It is made of the version of the data, the release, the format, the address and what the reader may see, and signed:
    who has it was sent an answer to the same question about the same data, so that there is nothing to refuse in it.
    """

    def __init__(self, request, model: type[models.Model], format: str):
        self.version = versions_behind(model)
        hidden = ",".join(sorted(hidden_fields(model, request.user)))
        needed = {column.permission for column in columns_of(model) if column.permission}
        self.shows_personal = any(map(request.user.has_perm, needed))
        parts = [self.version, release(), format, request.get_full_path(), request.get_host(), hidden]
        told = "\n".join(parts).encode(errors="surrogatepass")
        key = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
        self.opaque = f'"{hashlib.blake2b(told, digest_size=16, key=key, person=b"ETag").hexdigest()}"'
        self.private = request.user.is_authenticated
        wanted = [tag.removeprefix("W/") for tag in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
        self.is_known = self.opaque in wanted
        self.is_any = "*" in wanted

    def not_modified(self) -> HttpResponse:
        """Answer a reader who has it."""
        response = self.mark(HttpResponse(status=304))
        del response["Content-Type"]
        return response

    def mark(self, response: HttpResponseBase) -> HttpResponseBase:
        """Say in *response* what its tag is, and who may keep it: to be asked about each time.

        Nobody keeps an answer to a reader who sees personal data of the table.
        """
        response["ETag"] = f"W/{self.opaque}"
        if self.shows_personal:
            response["Cache-Control"] = "private, no-store"
        else:
            response["Cache-Control"] = "private, no-cache" if self.private else "public, no-cache"
        patch_vary_headers(response, VARIES)
        return response
