"""Template tags of the admin's dashboard and of the pages of the datasets."""

from typing import Any

from django import template
from django.conf import settings

from curation.dashboard.activity import recent_events
from curation.dashboard.cards import cards_of, last_applied, tables_of, visible_models
from curation.dashboard.open_tasks import open_tasks
from datasets.listing import description_of
from imports.models import ImportRun

register = template.Library()


@register.simple_tag(takes_context=True)
def dashboard(context: template.Context) -> dict[str, Any]:
    """Return the open tasks, cards and recent events of all datasets, or the tables of the current one."""
    user, only = context["user"], context.get("app_label")
    visible = {app: tables for app, tables in visible_models(user).items() if only in (None, app.label)}
    names = {app.label: str(app.verbose_name) for app in visible}
    sees_runs = user.has_perm("imports.view_importrun")
    applied = last_applied(list(names)) if sees_runs else {}
    board = {
        "tasks": list(open_tasks(user, names, applied)) if sees_runs else [],
        "events": recent_events(user, names),
        "sees_runs": sees_runs,
    }
    if only:
        return board | {"groups": [group for app, tables in visible.items() for group in tables_of(app, tables)]}
    runs = ImportRun.objects.select_related("started_by").in_bulk(applied.values())
    return board | {"cards": list(cards_of(visible, {run.dataset: run for run in runs.values()}))}


@register.filter
def purpose(entry: dict[str, Any]) -> str:
    """Return the first sentence of the description of a model in the admin's list of apps."""
    sentence, stop, _ = description_of(entry["model"]).partition(". ")
    return sentence + stop.strip()


@register.simple_tag
def upload_limit() -> int:
    """Return the number of bytes that an upload can have."""
    limit: int = settings.UPLOAD_LIMIT
    return limit
