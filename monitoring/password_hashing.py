"""Limits for passwords: their length, and how many are hashed at the same time."""

import threading
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

LONGEST = 4096  # characters
SECONDS = 2  # Retry-After


class TooManyAtOnceError(Exception):
    """This process already hashes the maximum number of passwords."""


class Slots:
    """Limit of simultaneous password hashes in this process: SIGN_INS_AT_ONCE."""

    def __init__(self) -> None:
        self._lock, self._taken = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if self._taken >= settings.SIGN_INS_AT_ONCE:
                raise TooManyAtOnceError
            self._taken += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._taken -= 1


slots = Slots()


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's PBKDF2 hasher with a limit on simultaneous use.

    A hash takes half a second of processor time by design. Everything that hashes a password is limited: signing in
    (also with an unknown name), setting and changing a password. Raises TooManyAtOnceError.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with slots:
            return super().encode(password, salt, iterations)


class MaximumLength:
    """Password validator: maximum length."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if the password is too long."""
        if len(password) > LONGEST:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return f"Your password can have at most {LONGEST:,} characters."


class BusyAnswer:
    """Middleware: respond with 429 at once if too many passwords are being hashed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooManyAtOnceError):
            return None
        message = "The server is busy checking passwords. Wait a few seconds and try again."
        context = {"heading": "Too many sign-ins at once", "message": message}
        page = render(request, "monitoring/sign_in_refused.html", context, status=429)
        page["Retry-After"] = str(SECONDS)
        page["Cache-Control"] = "no-store"
        return page
