"""Template tags of the frame of every page: the sections of the header, the account menu, and the sidebar."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django import template
from django.contrib import admin
from django.db import DatabaseError
from django.http import HttpRequest

from datasets.navigation import Paths, Section, may_use_admin, sections
from datasets.read_only import MESSAGE, is_read_only
from datasets.registry import TITLES, dataset_apps

if TYPE_CHECKING:
    from datasets.navigation import Account

register = template.Library()
Entry = dict[str, Any]  # of the admin's list of apps: an app, or one of its models
Listed = list[tuple[Section, Paths]]


@dataclass(frozen=True)
class Link:
    """A link of the frame; *current* is the value of its ``aria-current``, or ""."""

    label: str
    address: str
    current: str


@register.simple_tag
def site_title() -> str:
    """Return the name of the site."""
    return str(admin.site.site_title)


@register.simple_tag
def read_only_message() -> str:
    """Return why the site can only be read at the moment, or an empty string."""
    return MESSAGE if is_read_only() else ""


@register.simple_tag(takes_context=True)
def frame(context: template.Context) -> dict[str, Any]:
    """Return the sections that the account may open, and the pages for the administration of the site.

    The account is None if it is unknown: before the middleware that identifies it, or without a database.
    """
    request = context.get("request")
    try:
        account = cast("Account | None", getattr(request, "user", None))
        if request is None or account is None:
            return {"account": None}
        listed = [(section, section.paths()) for section in sections()]
        shown, others = _sections(request, account, listed), _pages(context, request, listed)
        return {"account": account, "sections": shown, "administration": others}
    except DatabaseError:
        return {"account": None}


@register.inclusion_tag("datasets/side_bar.html", takes_context=True)
def side_bar(context: template.Context, label: str = "") -> dict[str, Any]:
    """Return the tables that the account may open of the app *label*, by default the app of the page's model."""
    request: HttpRequest | None = context.get("request")
    opts = context.get("opts")
    label = label or (opts.app_label if opts else "")
    if request is None:
        return {}
    app = next((app for app in _admin_apps(context, request) if app["app_label"] == label), None)
    if app is None:
        return {}
    models = [model for model in app["models"] if model["admin_url"]]
    groups = _groups(models) if label in dataset_apps() else [("", models)]
    return {"app": app, "groups": [(title, [_link(request, model) for model in group]) for title, group in groups]}


def _sections(request: HttpRequest, account: "Account", listed: Listed) -> list[Link]:
    path = request.path_info
    matches = [(section, paths.page, paths.match(path)) for section, paths in listed]
    longest = max((length for *_, length in matches), default=0) or 1  # 0: a page of no section
    return [
        Link(section.label, page, "" if length < longest else "page" if path == page else "true")
        for section, page, length in matches
        if section.is_allowed(account)
    ]


def _pages(context: template.Context, request: HttpRequest, listed: Listed) -> list[Link]:
    """Return the lists of the admin that belong to no section, such as users and groups."""
    models = [model for app in _admin_apps(context, request) for model in app["models"] if model["admin_url"]]
    return [
        _link(request, model) for model in models if not any(paths.match(model["admin_url"]) for _, paths in listed)
    ]


def _groups(models: list[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    for kind, title in TITLES.items():
        if group := [model for model in models if issubclass(model["model"], kind)]:
            yield title, group


def _link(request: HttpRequest, model: Entry) -> Link:
    address = str(model["admin_url"])
    return Link(str(model["name"]), address, _current(request.path_info, address))


def _current(path: str, address: str) -> str:
    return "page" if path == address else "true" if path.startswith(address) else ""


def _admin_apps(context: template.Context, request: HttpRequest) -> list[Entry]:
    """Return the admin's list of apps for the account; the pages of the admin have it already."""
    if "available_apps" in context:
        return cast(list[Entry], context["available_apps"])
    account = cast("Account | None", getattr(request, "user", None))
    return cast(list[Entry], admin.site.get_app_list(request)) if account and may_use_admin(account) else []
