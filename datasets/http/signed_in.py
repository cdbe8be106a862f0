"""The account of a signed-in user."""

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


def signed_in_user(request: HttpRequest) -> User:
    """Return the user of *request*. Raises PermissionDenied if the user is anonymous."""
    if isinstance(request.user, AnonymousUser):
        raise PermissionDenied
    return request.user
