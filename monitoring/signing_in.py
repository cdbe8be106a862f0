"""Signing in: counted, and refused for a while to who guesses at a password; django-axes keeps the count."""

import logging

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from monitoring.metrics import Counter

logger = logging.getLogger(__name__)
SIGN_INS = Counter("tabularium_sign_ins", "Tries to sign in, by what came of them.", ["outcome"])


def watch() -> None:
    """Have sign-ins counted; who they were is not told."""
    for signal, outcome in ((user_logged_in, _accepted), (user_login_failed, _refused), (user_locked_out, _locked)):
        signal.connect(outcome, dispatch_uid="monitoring.signing_in")


def _accepted(**kwargs) -> None:
    SIGN_INS.labels("accepted").inc()


def _refused(**kwargs) -> None:
    SIGN_INS.labels("refused").inc()


def _locked(**kwargs) -> None:
    SIGN_INS.labels("locked_out").inc()
    logger.warning("Sign-in is locked from one address, for a name or for all, after too many wrong passwords.")


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials=None) -> HttpResponse:
    """Answer who has to wait with a sentence that says for how long."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    told = {"title": "Too many wrong passwords", "minutes": seconds // 60}
    page = render(request, "monitoring/locked_out.html", told, status=429)
    page["Retry-After"] = str(seconds)
    page["Cache-Control"] = "no-store"
    return page
