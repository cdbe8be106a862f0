"""Failed sign-ins as django-axes counts them: bounded in size, by name and address, and by address across names."""

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_failure_limit
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import HttpRequest


def longest_name() -> int:
    """Return the most characters that the name of an account has."""
    model = get_user_model()
    return model._meta.get_field(model.USERNAME_FIELD).max_length


def name_counted(request: HttpRequest, credentials: dict | None = None) -> str | None:
    """Return the name under which an attempt is counted, cut to the length of a name.

    No account has a longer name, whatever door it comes through.
    """
    said = (credentials or request.POST).get(get_user_model().USERNAME_FIELD)
    return None if said is None else str(said).replace("\0", "")[: longest_name()]


class Attempts(AxesDatabaseHandler):
    """Counts the failures of a name from an address, and those of an address whatever the name."""

    def get_failures(self, request: HttpRequest, credentials: dict | None = None) -> int:
        """Return the failures that count against SIGN_IN_FAILURES; at least as many where the address is at its own
        limit. A request without an address has no limit of its own: all such requests would share it."""
        failures = super().get_failures(request, credentials)
        most, address = settings.SIGN_IN_FAILURES_OF_ADDRESS, request.axes_ip_address
        if not most or address is None:
            return failures
        recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=get_cool_off_threshold(request))
        of_address = recent.aggregate(sum=Sum("failures_since_start"))["sum"] or 0
        return max(failures, get_failure_limit(request, credentials)) if of_address >= most else failures


class NamesOnly:
    """An authentication backend that knows nobody, and asks no other backend about what can be no account's name."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **credentials) -> None:
        if username is not None and ("\0" in username or len(username) > longest_name()):
            raise PermissionDenied
