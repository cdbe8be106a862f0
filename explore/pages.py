"""The common parts of explore's pages: access checks, tabs, the form beside them, and error pages."""

from collections.abc import Callable, Collection
from functools import wraps
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from datasets.records.columns import columns_of
from datasets.records.formatting import describe_filters
from datasets.records.masking import Viewer
from explore.admin_links import list_address
from explore.filter_form import Form
from explore.tables import Table, TableNotFoundError, nearest_table, table_or_refuse, tables_for
from explore.url_state import State

FORBIDDEN = ("You don't have access to this table", "Ask an administrator of this site for access.")
NO_TABLES = ("You don't have access to any table", "Ask an administrator of this site for access.")
View = Callable[..., HttpResponseBase]
TABS = {"table": "Table", "chart": "Chart", "export": "Export"}


def explored(own: Collection[str] = (), *, simplified: bool = False) -> Callable[[View], View]:
    """Turn ``view(request, state)`` into a view of a table that requires login and the view permission.

    *own* are the parameters for which the page has form fields. *simplified* redirects an address with empty form
    fields to the canonical one without them.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, dataset: str, name: str, **more: str) -> HttpResponseBase:
            try:
                state = State(request, table_or_refuse(request.user, dataset, name), own)
            except TableNotFoundError as error:
                return no_such_table(request, error)
            except PermissionDenied:
                return refused(request, 403, *FORBIDDEN)
            if simplified and not state.is_simple and "move" not in state.errors:
                return redirect(request.path + state.query(cursor=state.data.get("cursor")).removesuffix("?"))
            return view(request, state, **more)

        return require_safe(login_required(shown))

    return wrap


def page(
    request: HttpRequest, state: State, tab: str, template: str, *, picks_columns: bool = False, **more: Any
) -> HttpResponse:
    """Render a tab; the status is 400 if the URL has unknown or invalid parameters.

    The template context is ``state``, ``table``, ``form`` (the filter form), ``filters`` (each filter that is set, with
    the query string without it), ``counted`` (the number of records as text), and *more*.
    """
    filters = [
        (description.text, state.query(**{description.parameter: None}))
        for description in describe_filters(state.model, state.filters)
    ]
    context = {
        "title": state.table.title,
        "subtitle": TABS.get(tab),
        "state": state,
        "table": state.table,
        "tables": _grouped(tables_for(request.user)),
        "tab": tab,
        "tabs": [
            (name, label, state.table.address(name) + state.query().removesuffix("?")) for name, label in TABS.items()
        ],
        "form": Form(state, picks_columns=picks_columns),
        "filters": filters,
        "admin_list": list_address(state),
        "usual_columns": state.query(columns=None),
        "all_columns": state.query(columns=",".join(column.name for column in columns_of(state.model))),
        "without_errors": state.query(**dict.fromkeys(state.errors)),
        "without_filters": state.query(**dict.fromkeys(state.filters)),
        "count_part": "" if state.errors or state.paginator.is_counted else _count_address(state),
        "counted": "" if state.errors else state.paginator.display_count,
        "record": state.model._meta.verbose_name,
        "records": state.model._meta.verbose_name_plural,
        "summary": state.summary,
    }
    status = 400 if state.errors else 200
    return render(request, template, {**admin.site.each_context(request), **context, **more}, status=status)


def _count_address(state: State) -> str:
    return reverse("explore:count", args=[state.table.dataset, state.table.name]) + state.filter_query


def no_such_table(request: HttpRequest, error: TableNotFoundError) -> HttpResponse:
    """Render the 404 page of an unknown table; for the address of a dataset, list its tables."""
    if of_dataset := [table for table in tables_for(request.user) if table.dataset == error.name]:
        message = f"The dataset {of_dataset[0].dataset_title} has several tables."
        return refused(request, 404, "Which table?", message, offered=of_dataset)
    return refused(request, 404, "Table not found", f"There is no table {error.name[:100]}.", nearest=error.nearest)


def refused(
    request: HttpRequest,
    status: int,
    title: str,
    message: str,
    nearest: Table | None = None,
    offered: list[Table] | None = None,
) -> HttpResponse:
    """Render an error page with links to the *offered* tables, or to all tables of the user."""
    tables = _grouped(tables_for(request.user))
    context = {"title": title, "message": message, "nearest": nearest, "tables": tables, "tab": "table"}
    context["offered"] = _grouped(offered) if offered else tables
    return render(request, "explore/refused.html", {**admin.site.each_context(request), **context}, status=status)


def table_named(request: HttpRequest, path: str) -> Table:
    """Return the table with a name such as ``census/respondents``; raises PermissionDenied and TableNotFoundError."""
    dataset, _, name = path.partition("/")
    if not name:
        raise TableNotFoundError(path, nearest_table(request.user, path))
    return table_or_refuse(request.user, dataset, name)


def nearest(user: Viewer, path: str) -> Table | None:
    """Return the table whose name is closest to the first two parts of an address, or None."""
    parts = path.strip("/").split("/")
    return nearest_table(user, "/".join(parts[:2]))


def _grouped(tables: list[Table]) -> list[tuple[str, list[Table]]]:
    return [(title, list(members)) for title, members in groupby(tables, key=lambda table: table.dataset_title)]
