"""Metrics of sign-ins, and the page for a locked account; django-axes counts the failures."""

import logging
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import pluralize

from monitoring.metrics import Counter

logger = logging.getLogger(__name__)
SIGN_INS = Counter("tabularium_sign_ins", "Sign-in attempts by outcome.", ["outcome"])


def watch() -> None:
    """Count sign-ins by outcome, without names."""
    for signal, outcome in ((user_logged_in, _accepted), (user_login_failed, _refused), (user_locked_out, _locked)):
        signal.connect(outcome, dispatch_uid="monitoring.login_metrics")


def _accepted(**kwargs: Any) -> None:
    SIGN_INS.labels("accepted").inc()


def _refused(**kwargs: Any) -> None:
    SIGN_INS.labels("refused").inc()


def _locked(**kwargs: Any) -> None:
    SIGN_INS.labels("locked_out").inc()
    logger.warning("Sign-in locked for an IP address, for one account or for all, after too many failed attempts.")


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Return the page for a locked account, with the waiting time."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    minutes = seconds // 60
    message = (
        f"There were too many failed sign-ins from your network. Wait {minutes} minute{pluralize(minutes)} and try "
        "again, or ask an administrator of this site to unlock your account."
    )
    context = {"heading": "Too many failed sign-ins", "message": message}
    page = render(request, "monitoring/sign_in_refused.html", context, status=429)
    page["Retry-After"] = str(seconds)
    page["Cache-Control"] = "no-store"
    return page
