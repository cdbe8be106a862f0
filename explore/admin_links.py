"""Links from Explore to the same table and records in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.http import urlencode

from explore.url_state import State


def admin_page(state: State, page: str) -> str:
    """Return the URL name of the admin's *page* of the state's table, or "" if the user cannot open it."""
    model = state.model
    if not (state.user.is_staff and admin.site.is_registered(model)):
        return ""
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"


def list_address(state: State) -> str:
    """Return the address of the admin's list with the same filters, or "" if the user cannot open it."""
    name = admin_page(state, "changelist")
    if not name or state.errors:
        return ""
    params = [("q" if name == "search" else name, value) for name, value in state.filters.items()]
    return reverse(name) + (f"?{urlencode(params)}" if params else "")
