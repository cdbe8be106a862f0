"""Permissions of the API: anonymous access if the site allows it, or else the admin's view permission and scopes."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from datasets.permissions import may
from datasets.tokens import ApiToken

if TYPE_CHECKING:  # it imports this module
    from rest_framework.views import APIView


class MayRead(BasePermission):
    """Allows everyone if API_ANONYMOUS_READ is on, or else requires the permission to view the table."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if settings.API_ANONYMOUS_READ:
            return True
        model = getattr(view, "model", None)
        if model is None or not request.user.is_authenticated:
            return request.user.is_authenticated
        return may(request.user, "view", model)


class HasScope(BasePermission):
    """Requires a token scope: ``read`` (or a view's ``scopes_to_read``) for safe methods, ``import`` for others."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        wanted = getattr(view, "scopes_to_read", ("read",)) if request.method in SAFE_METHODS else ("import",)
        if not set(wanted) & set(request.auth.scopes):
            has = ", ".join(request.auth.scopes)
            raise PermissionDenied(
                f"This request requires a token with the scope {' or '.join(wanted)}; yours has {has}."
            )
        return True


class HasActionPermission(BasePermission):
    """Requires the permission in the viewset's ``needed_permissions`` for the action, as the admin does."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        needed = getattr(view, "needed_permissions", {})
        action = getattr(view, "action", None)
        return request.user.is_authenticated and request.user.has_perm(needed.get(action, needed["list"]))
