"""Who may read what: everybody, where the site says so; otherwise those who may view the table in the admin."""

from django.conf import settings
from rest_framework.permissions import BasePermission


class MayRead(BasePermission):
    """Anonymous readers where API_ANONYMOUS_READ is on, and accounts with the permission to view the table."""

    def has_permission(self, request, view) -> bool:
        if settings.API_ANONYMOUS_READ:
            return True
        model = getattr(view, "model", None)
        if model is None or not request.user.is_authenticated:
            return request.user.is_authenticated
        return request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
