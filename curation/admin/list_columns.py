"""The columns of a dataset's list in the admin: those that an account has chosen, or else the default ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from curation.admin import list_defaults
from curation.admin.base_admin import Column, ListAdmin, M
from curation.models import ListColumns
from datasets.http.error_responses import refused
from datasets.http.signed_in import signed_in_user
from datasets.query_values import shown
from datasets.records.columns import DIRECTIONS, ListedColumn, columns_of, moved
from datasets.records.filter_widgets import title_of
from exports.columns import is_masked

FIELD = "columns"  # of the form: a checkbox for each column
CHOSEN = "_chosen_columns"  # attribute of a request: the columns of its list


@dataclass(frozen=True)
class ColumnChoice:
    """A column to show or hide in a list. The *first* and the *last* shown column cannot move further."""

    name: str
    title: str
    is_shown: bool
    first: bool = False
    last: bool = False


class ColumnsAdmin(ListAdmin[M]):
    """An admin whose list has the columns that the account has chosen. ``list_display`` has the default ones."""

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta
        view = self.admin_site.admin_view(self.columns_view)
        return [path("columns/", view, name=f"{meta.app_label}_{meta.model_name}_columns"), *super().get_urls()]

    def offered_columns(self, request: HttpRequest) -> list[Column]:
        """Return the columns to choose from: the default ones, the other fields, and columns of related records."""
        fields = [self.opts.pk.name, *(field.name for field in list_defaults.shown_fields(self.model))]
        allowed = [column.path for column in _joined(self.model) if not is_masked(column, request.user)]
        return list(dict.fromkeys([*self.list_display, *fields, *allowed]))

    def chosen_columns(self, request: HttpRequest) -> list[Column]:
        """Return the names of the list's columns, with one query for each request."""
        if not hasattr(request, CHOSEN):
            offered = self.offered_columns(request)
            chosen = [name for name in ListColumns.of(request.user, self.model) if name in offered]
            setattr(request, CHOSEN, chosen or list(self.list_display))
        columns: list[Column] = getattr(request, CHOSEN)
        return columns

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        return self._masked(self.chosen_columns(request), request)

    def column_choices(self, request: HttpRequest) -> list[ColumnChoice]:
        """Return all columns: first the shown ones in their order, then the others."""
        chosen = self.chosen_columns(request)
        others = [name for name in self.offered_columns(request) if name not in chosen]
        last = len(chosen) - 1
        return [
            *(
                ColumnChoice(name, column_title(self, name), is_shown=True, first=n == 0, last=n == last)
                for n, name in enumerate(chosen)
            ),
            *(ColumnChoice(name, column_title(self, name), is_shown=False) for name in others),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_columns")
        query = request.META["QUERY_STRING"]
        context = {
            "column_choices": self.column_choices(request) if self.has_view_or_change_permission(request) else [],
            "columns_address": f"{address}?{query}" if query else address,
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def columns_view(self, request: HttpRequest) -> HttpResponse:
        """Store the chosen columns, or forget them, and return to the list with the same filters and order."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        before, offered = self.chosen_columns(request), self.offered_columns(request)
        names = list(dict.fromkeys(request.POST.getlist(FIELD)))
        if problem := _problem(request.POST, offered):
            return refused(request, 400, problem)
        direction, _, target = request.POST.get("move", "").partition(":")
        chosen = [*(name for name in before if name in names), *(name for name in names if name not in before)]
        chosen = moved([name for name in chosen if name != request.POST.get("hide")], direction, target)
        if "reset" in request.POST or not chosen:
            chosen = list(self.list_display)
        ListColumns.keep(signed_in_user(request), self.model, chosen if chosen != list(self.list_display) else [])
        params = request.GET.copy()
        params.pop(PAGE_VAR, None)
        if ORDER_VAR in params:
            params[ORDER_VAR] = _order(str(params[ORDER_VAR]), before, chosen)
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return HttpResponseRedirect(f"{address}?{params.urlencode()}" if params else address)


def _problem(posted: QueryDict, offered: Sequence[Column]) -> str:
    """Return what is wrong with a posted choice, or ""."""
    direction, _, target = posted.get("move", "").partition(":")
    named = [(FIELD, name) for name in posted.getlist(FIELD)]
    named += [(field, name) for field, name in (("hide", posted.get("hide", "")), ("move", target)) if name]
    unknown = next((f"{field}: There is no column {shown(name)}." for field, name in named if name not in offered), "")
    if not unknown and direction and direction not in DIRECTIONS:
        return f"move: Expected earlier or later before the column, found {shown(direction)}."
    return unknown


def column_title(admin: ModelAdmin[Any], name: Column) -> str:
    """Return the title of the column *name* of a list."""
    joined = next((column for column in _joined(admin.model) if column.path == name), None)
    return capfirst(title_of(admin.model, joined) if joined else str(label_for_field(name, admin.model, admin)))


def _joined(model: type[models.Model]) -> list[ListedColumn]:
    """Return the columns of related records, without their labels and without provenance."""
    columns = [column for column in columns_of(model) if "__" in column.path]
    return [column for column in columns if column.path.split("__")[0] not in (column.name, "created_in", "changed_in")]


def _order(text: str, before: Sequence[Column], after: Sequence[Column]) -> str:
    """Return the order *text* of the columns *before*, such as ``2.-1``, by the positions of the columns *after*.

    Position 1 is the first column, because the checkboxes are before it.
    """
    keys = []
    for key in text.split("."):
        position = int(key.removeprefix("-") or 0)
        if 1 <= position <= len(before) and before[position - 1] in after:
            keys.append(f"{'-' if key.startswith('-') else ''}{after.index(before[position - 1]) + 1}")
    return ".".join(keys)
