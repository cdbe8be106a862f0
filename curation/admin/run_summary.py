"""The top of the run page: the state in words, one sentence about the effect, and links to the tables in Explore."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from curation.admin.explore_links import explore_address
from datasets.permissions import may
from datasets.registry import dataset_apps
from imports import reports
from imports.models import ImportRun
from imports.sources import sources_of

Status = ImportRun.Status

# The counts in the sentence, each with its infinitive and its past tense.
EFFECTS = {
    "created": ("add", "added"),
    "updated": ("change", "changed"),
    "deleted": ("delete", "deleted"),
    "unchanged": ("leave", "left"),
    "rejected": ("reject", "rejected"),
}
# The start of the sentence, and whether the past tense follows it.
SENTENCES = {
    Status.PREVIEWED: ("This import would", False),
    Status.APPLIED: ("This import", True),
    Status.UNDONE: ("Before it was undone, this import had", True),
    Status.DISCARDED: ("This import would have", True),
}


def state(run: ImportRun) -> str:
    """Return the state of *run* for the title of the document."""
    if run.status == Status.PREVIEWED and run.task_id is not None:
        return "Ready to review"
    if run.status != Status.RUNNING:
        return run.get_status_display()
    progress = reports.progress(run)
    return f"{progress['phase']} {progress['per_mille'] // 10} %"


def effect(run: ImportRun, user: User | AnonymousUser) -> dict[str, Any]:
    """Return the sentence about the effect of *run*: its start, and its verbs with their counts; empty if unknown."""
    if run.status not in SENTENCES:
        return {}
    start, is_past = SENTENCES[Status(run.status)]
    totals = reports.totals(run.files.all(), reports.unseen_sources(user, run.dataset))
    parts = [(verbs[is_past], f"{totals[name]:,}") for name, verbs in EFFECTS.items() if totals[name]]
    return {"start": start, "parts": parts or [("changed" if is_past else "change", "nothing")]}


def explored(run: ImportRun, user: User | AnonymousUser) -> Iterator[dict[str, str]]:
    """Yield the tables that *run* filled and that *user* may view, with their addresses in Explore."""
    if run.dataset not in dataset_apps():
        return
    changed = {file.source for file in run.files.all() if file.created or file.updated or file.deleted}
    for source in sources_of(run.dataset):
        address = explore_address(source.model, {})
        if source.name in changed and address and may(user, "view", source.model):
            yield {"name": str(source.model._meta.verbose_name_plural), "address": address}
