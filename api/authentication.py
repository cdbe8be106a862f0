"""Authentication of API requests with bearer tokens or browser sessions."""

import copy
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.request import Request

from api.throttling import AddressThrottle
from datasets.read_only import is_read_only
from datasets.tokens import ApiToken, digest_of
from imports.tasks import short_busy_timeout

SCHEME = "Bearer"
LONGEST = 200  # maximum length of a secret; valid ones have 54 characters
OFTEN = timedelta(minutes=1)  # minimum time between two updates of a token's last use


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <secret>``. The request has the permissions of the token's account."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() in ("", "basic"):  # basic authentication may be used by a proxy in front of the site
            return None
        if scheme.lower() != SCHEME.lower():
            raise self._refused(request, f"Expected “Authorization: {SCHEME} <token>”, found another scheme.")
        token = None
        if len(secret) <= LONGEST:
            token = ApiToken.objects.select_related("account").filter(digest=digest_of(secret.strip())).first()
        if token is None:
            raise self._refused(request, "Unknown token. Check that you copied the whole token.")
        if token.state == "revoked":
            raise self._refused(request, f"This token was revoked on {token.revoked:%Y-%m-%d}. Ask for a new one.")
        if token.state == "expired":
            raise self._refused(request, f"This token expired on {token.expires:%Y-%m-%d}. Ask for a new one.")
        if not token.account.is_active:
            raise self._refused(request, "The account of this token is not active.")
        _note_use(token)
        return token.account, token

    def authenticate_header(self, request: Request) -> str:
        return SCHEME

    def _refused(self, request: Request, sentence: str) -> AuthenticationFailed | Throttled:
        """Return the error. Failed attempts count toward the rate limit of their IP address."""
        throttle = AddressThrottle()
        return AuthenticationFailed(sentence) if throttle.allow_address(request) else Throttled(throttle.wait())


class BrowserAuthentication(SessionAuthentication):
    """Session authentication. Unsafe requests need the CSRF token in a header, not in a form field."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES  # saves a query for most clients
        return super().authenticate(request) if signed_in else None

    def enforce_csrf(self, request: Request) -> None:
        # The CSRF check would look for the token in the form's fields, and therefore read an upload of any size.
        unread = copy.copy(request._request)
        unread.POST = QueryDict()
        try:
            super().enforce_csrf(unread)  # type: ignore[arg-type]  # the check also accepts Django's requests
        except PermissionDenied:
            raise PermissionDenied(
                "A browser session must send the value of the csrftoken cookie in the X-CSRFToken header. "
                f"A program should use a token: “Authorization: {SCHEME} <token>”."
            ) from None


def _note_use(token: ApiToken) -> None:
    """Update the token's last use, at most once a minute. Skip the update if it would have to wait.

    That is so if SQLite is locked, or if the request can only read.
    """
    if is_read_only():
        return
    now = timezone.now()
    if token.last_used is None or token.last_used < now - OFTEN:
        due = Q(last_used=None) | Q(last_used__lt=now - OFTEN)
        with suppress(OperationalError), short_busy_timeout(), transaction.atomic():
            ApiToken.objects.filter(due, pk=token.pk).update(last_used=now)
