"""Recent runs and edits, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.urls import reverse

from curation.dashboard.addresses import run_page
from datasets.models import Record, Vocabulary
from datasets.permissions import may
from datasets.records.masking import Viewer
from imports.masking import readable
from imports.models import Edit, ImportRun

SHOWN = 8


@dataclass(frozen=True)
class Event:
    """A run or an edit. *status* is that of a run, and *address* is "" if the user may not open its page."""

    at: datetime
    text: str
    dataset: str
    who: Any
    address: str
    reason: str
    status: str = ""
    status_text: str = ""


def recent_events(user: Viewer, names: Mapping[str, str]) -> list[Event]:
    """Return the last runs and edits in datasets, given by label and name, that *user* may see."""
    events: list[Event] = []
    if user.has_perm("imports.view_importrun"):
        runs = ImportRun.objects.filter(dataset__in=names).select_related("started_by").order_by("-pk")[:SHOWN]
        events += [
            Event(
                run.started_at,
                f"Run {run.pk}",
                names[run.dataset],
                run.started_by,
                run_page(run.pk),
                readable(run.reason, user),
                run.status,
                run.get_status_display(),
            )
            for run in runs
        ]
    if user.has_perm("imports.view_edit"):
        edits = Edit.objects.filter(dataset__in=names).select_related("user").order_by("-pk")[:SHOWN]
        events += [
            Event(
                edit.at,
                f"Edit {edit.pk}: {edit.get_action_display()}",
                names[edit.dataset],
                edit.user,
                reverse("admin:imports_edit_change", args=[edit.pk]) if _may_view_all(user, edit.dataset) else "",
                readable(edit.reason, user),
            )
            for edit in edits
        ]
    return sorted(events, key=lambda event: event.at, reverse=True)[:SHOWN]


def _may_view_all(user: Viewer, dataset: str) -> bool:
    """Return whether *user* may view every table that an edit of *dataset* can change."""
    tables: list[type[models.Model]] = [
        model for model in apps.get_app_config(dataset).get_models() if issubclass(model, Record | Vocabulary)
    ]
    return all(may(user, "view", model) for model in tables)
