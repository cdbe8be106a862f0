"""Failed sign-ins, counted by django-axes: per account and IP address, and per IP address for all accounts."""

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_failure_limit
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import HttpRequest

from datasets.fields import field_of


def longest_name() -> int:
    """Return the maximum length of an account name."""
    model = get_user_model()
    return field_of(model, model.USERNAME_FIELD).max_length or 255  # as in the table of attempts


def name_counted(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """Return the account name of an attempt, cut to the maximum length of a name; None if there is none."""
    name = (credentials or request.POST).get(get_user_model().USERNAME_FIELD)
    return None if name is None else str(name).replace("\0", "")[: longest_name()]


class Attempts(AxesDatabaseHandler):  # type: ignore[misc]  # django-axes has no types
    """Count failures per account and address, and per address for all accounts."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the number of failures to compare with SIGN_IN_FAILURES.

        It is at least the limit if the address has reached SIGN_IN_FAILURES_OF_ADDRESS. A request without an address
        has no limit per address, because all such requests would share it.
        """
        failures: int = super().get_failures(request, credentials)
        most = settings.SIGN_IN_FAILURES_OF_ADDRESS
        address = request.axes_ip_address  # type: ignore[attr-defined]  # django-axes sets it
        if not most or address is None:
            return failures
        recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=get_cool_off_threshold(request))
        of_address = recent.aggregate(sum=Sum("failures_since_start"))["sum"] or 0
        return max(failures, get_failure_limit(request, credentials)) if of_address >= most else failures


class NamesOnly:
    """Authentication backend that rejects impossible account names before other backends look them up."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **credentials: Any) -> None:
        if username is not None and ("\0" in username or len(username) > longest_name()):
            raise PermissionDenied
