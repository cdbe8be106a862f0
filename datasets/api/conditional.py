"""Conditional requests: a tag for what an address shows, by which a reader who has it is told so and no more."""

import hashlib
from functools import cache
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from datasets.personal import hidden_fields
from datasets.versions import versions_behind

VARIES = ("Accept", "Authorization", "Cookie")


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

    It is made of the version of the data, the release, the format, the address and what the reader may see.
    """

    def __init__(self, request, model: type[models.Model], format: str):
        self.version = versions_behind(model)
        hidden = ",".join(sorted(hidden_fields(model, request.user)))
        parts = [self.version, release(), format, request.get_full_path(), request.get_host(), hidden]
        digest = hashlib.blake2b("\n".join(parts).encode(errors="surrogatepass"), digest_size=16).hexdigest()
        self.text = f'W/"{digest}"'
        self.private = request.user.is_authenticated
        wanted = [tag.removeprefix("W/") for tag in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
        self.is_known = "*" in wanted or self.text.removeprefix("W/") in wanted

    def not_modified(self) -> HttpResponse:
        """Answer a reader who has it."""
        response = self.mark(HttpResponse(status=304))
        del response["Content-Type"]
        return response

    def mark(self, response: HttpResponseBase) -> HttpResponseBase:
        """Say in *response* what its tag is, and who may keep it: to be asked about each time."""
        response["ETag"] = self.text
        response["Cache-Control"] = "private, no-cache" if self.private else "public, no-cache"
        patch_vary_headers(response, VARIES)
        return response
