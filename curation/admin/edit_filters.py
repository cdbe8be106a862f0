"""Filters of the list of edits that Django's admin does not have: the undone run, and the search for reasons."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db import models
from django.http import HttpRequest

from datasets.query_values import whole_number
from datasets.records.masking import Viewer
from datasets.records.search import words_of
from imports.masking import is_restricted_anywhere
from imports.models import Edit

LARGEST_RUN = 10**9


class RunFilter(admin.SimpleListFilter):
    """An input for the number of a run; the list has the edits that undid it."""

    title = parameter_name = "run"
    template = "curation/filter_form.html"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]  # of a form
        item = {"name": self.parameter_name, "label": "undone run", "kind": "number", "value": self.value() or ""}
        others = {self.parameter_name, PAGE_VAR}
        hidden = [(name, value) for name, value in changelist.params.items() if name not in others]
        yield {"form": True, "inputs": [item], "hidden": hidden}
        if self.value():
            yield {"display": "All", "query_string": changelist.get_query_string(remove=[self.parameter_name])}

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Edit]) -> models.QuerySet[Edit]:
        if not self.value():
            return queryset
        run = whole_number(self.value() or "", 1, LARGEST_RUN)
        return queryset.filter(models.Q(undone_run=run) | models.Q(undone_edit__undone_run=run))


def check_edits(name: str, value: str) -> None:
    """Raise ValueError for a run's number that is not canonical."""
    if name == RunFilter.parameter_name and value:
        whole_number(value, 1, LARGEST_RUN)


def with_reason(edits: models.QuerySet[Edit], text: str, user: Viewer) -> models.QuerySet[Edit]:
    """Return the *edits* whose reason has each word of *text*, as far as *user* may read it."""
    for word in words_of(text):
        edits = edits.filter(_contains("reason", word, user))
    return edits


def _contains(column: str, word: str, user: Viewer) -> models.Q:
    """Return the condition that a text has *word*; a search must not reveal an address that *user* may not see."""
    contains = models.Q(**{f"{column}__folded_contains": word})
    return contains & ~models.Q(**{f"{column}__contains": "@"}) if is_restricted_anywhere(user) else contains
