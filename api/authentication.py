"""Who asks: a token in the Authorization header, or a browser that has signed in; and what a token is good for."""

import copy
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled

from api.throttling import AddressThrottle
from datasets.tokens import ApiToken, digest_of
from imports.tasks import short_busy_timeout

SCHEME = "Bearer"
LONGEST = 200  # characters of a secret; ours have 54
OFTEN = timedelta(minutes=1)  # at most as often it is noted that a token was used


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer`` and the secret of a token, which acts as its account."""

    def authenticate(self, request):
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() in ("", "basic"):  # a proxy in front may ask for a password of its own
            return None
        if scheme.lower() != SCHEME.lower():
            raise self._refused(request, f"Expected Authorization: {SCHEME} and a token, found another scheme.")
        token = None
        if len(secret) <= LONGEST:
            token = ApiToken.objects.select_related("account").filter(digest=digest_of(secret.strip())).first()
        if token is None:
            raise self._refused(request, "There is no such token. See that it is copied whole.")
        if token.state == "revoked":
            raise self._refused(request, f"This token was revoked on {token.revoked:%Y-%m-%d}. Ask for a new one.")
        if token.state == "expired":
            raise self._refused(request, f"This token expired on {token.expires:%Y-%m-%d}. Ask for a new one.")
        if not token.account.is_active:
            raise self._refused(request, "The account of this token is not active.")
        _note_use(token)
        return token.account, token

    def authenticate_header(self, request) -> str:
        return SCHEME

    def _refused(self, request, sentence: str) -> AuthenticationFailed | Throttled:
        """Return the error, which counts as a request of its address: guesses are not free."""
        throttle = AddressThrottle()
        return AuthenticationFailed(sentence) if throttle.allow_address(request) else Throttled(throttle.wait())


class BrowserAuthentication(SessionAuthentication):
    """A browser that has signed in; what it changes has to carry the token against forgery in a header."""

    def authenticate(self, request):
        signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES  # most who come have none: no session to look for
        return super().authenticate(request) if signed_in else None

    def enforce_csrf(self, request) -> None:
        # The check would look for the token among the fields of a form, and so read an upload of any size.
        unread = copy.copy(request._request)
        unread._post, unread._files = QueryDict(), MultiValueDict()
        try:
            super().enforce_csrf(unread)
        except PermissionDenied:
            raise PermissionDenied(
                "A browser's session needs the X-CSRFToken header, with what the csrftoken cookie holds. "
                f"For a program, take a token: Authorization: {SCHEME}."
            ) from None


def _note_use(token: ApiToken) -> None:
    """Note when the token was used, now and then, and without waiting for whoever writes to SQLite."""
    now = timezone.now()
    if token.last_used is None or token.last_used < now - OFTEN:
        due = Q(last_used=None) | Q(last_used__lt=now - OFTEN)
        with suppress(OperationalError), short_busy_timeout(), transaction.atomic():
            ApiToken.objects.filter(due, pk=token.pk).update(last_used=now)
