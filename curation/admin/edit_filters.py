"""The filter of the list of edits by undone run, and its search in reasons and comments."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db import models
from django.http import HttpRequest

from curation.admin.typed_texts import contains
from curation.models import Comment
from datasets.query_values import whole_number
from datasets.records.masking import Viewer
from datasets.records.search import words_of
from imports.models import Change, Edit

LARGEST_RUN = 10**9
MOST_COMMENTS = 500  # newest comments with a word whose edits a search finds


class RunFilter(admin.SimpleListFilter):
    """An input for the number of a run; the list has the edits that undid or redid it."""

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
        return queryset.filter(undone_run=run)


def check_edits(name: str, value: str) -> None:
    """Raise ValueError for a run's number that is not canonical."""
    if name == RunFilter.parameter_name and value:
        whole_number(value, 1, LARGEST_RUN)


def matching_edits(edits: models.QuerySet[Edit], text: str, user: Viewer) -> models.QuerySet[Edit]:
    """Return the *edits* with each word of *text* in their reason or in a comment, as far as *user* may read them."""
    for word in words_of(text):
        edits = edits.filter(contains("reason", word, user) | _has_comment(word, user))
    return edits


def _has_comment(word: str, user: Viewer) -> models.Q:
    """Return the condition that a comment on a changed record or on the undone run has *word*."""
    comments = Comment.objects.filter(contains("text", word, user)).values_list("run_id", "table", "record")
    runs, records_by_table = set[int](), defaultdict[str, set[str]](set)
    for run, table, record in comments[:MOST_COMMENTS]:
        if run is None:
            records_by_table[table].add(record)
        else:
            runs.add(run)
    condition = models.Q(undone_run__in=runs)
    for table, records in records_by_table.items():
        changes = Change.objects.filter(table=table, record__in=records, edit__isnull=False)
        condition |= models.Q(pk__in=changes.values("edit"))
    return condition
