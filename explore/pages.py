"""What every page of explore is made of: who may see it, the tabs, the form beside it, and how errors are told."""

from collections.abc import Callable, Iterable
from functools import wraps
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from datasets.records.columns import columns_of
from explore.filter_form import Form
from explore.formatting import filters_told
from explore.tables import Table, TableNotFoundError, nearest_table, table_or_refuse, tables_for
from explore.url_state import State

FORBIDDEN = ("You may not see this", "Ask whoever keeps this site for the permission.")
TABS = {"table": "Table", "chart": "Chart", "export": "Export"}


def explored(own: Iterable[str] = (), simplified: bool = False) -> Callable:
    """Make ``view(request, state)`` a view of a table: for those who have signed in and may see it.

    *own* are the parameters that the page has boxes for itself. *simplified* leads an address with empty boxes of a
    form in it to the plain one, which is the one to send to others.
    """

    def wrap(view: Callable[[HttpRequest, State], HttpResponseBase]) -> Callable:
        @wraps(view)
        def shown(request: HttpRequest, dataset: str, name: str, **more: str) -> HttpResponseBase:
            try:
                state = State(request, table_or_refuse(request.user, dataset, name), own)
            except TableNotFoundError as error:
                return no_such_table(request, error)
            except PermissionDenied:
                return refused(request, 403, *FORBIDDEN)
            if simplified and not state.is_simple:
                return redirect(request.path + state.query(cursor=state.data.get("cursor")).removesuffix("?"))
            return view(request, state, **more)

        return require_safe(login_required(shown))

    return wrap


def page(
    request: HttpRequest, state: State, tab: str, template: str, picks_columns: bool = False, **more: Any
) -> HttpResponse:
    """Return a tab as a page, 400 where the address asks for what the table does not have.

    What templates get: ``state``, ``table``, ``form`` (the boxes), ``told`` (the filters that are set, each with where
    to go to be without it), ``counted``, and *more*.
    """
    told = [(one.text, state.query(**{one.parameter: None})) for one in filters_told(state.model, state.filters)]
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
        "form": Form(state, picks_columns),
        "told": told,
        "usual_columns": state.query(columns=None),
        "all_columns": state.query(columns=",".join(column.name for column in columns_of(state.model))),
        "without_errors": state.query(**dict.fromkeys(state.errors)),
        "without_filters": state.query(**dict.fromkeys(state.filters)),
        "counted": "" if state.errors else state.paginator.told,
        "record": state.model._meta.verbose_name,
        "records": state.model._meta.verbose_name_plural,
    }
    status = 400 if state.errors else 200
    return render(request, template, {**admin.site.each_context(request), **context, **more}, status=status)


def no_such_table(request: HttpRequest, error: TableNotFoundError) -> HttpResponse:
    """Return the page of an address that leads to no table; of one that leads to a dataset, with its tables."""
    if of_dataset := [table for table in tables_for(request.user) if table.dataset == error.name]:
        told = f"{of_dataset[0].dataset_title} is a dataset of several tables."
        return refused(request, 404, "Which table?", told, offered=of_dataset)
    return refused(
        request, 404, "There is no such table", f"Nothing is called {error.name[:100]}.", nearest=error.nearest
    )


def refused(
    request: HttpRequest,
    status: int,
    title: str,
    message: str,
    nearest: Table | None = None,
    offered: list[Table] | None = None,
) -> HttpResponse:
    """Return a page that says why there is nothing to see, and where to go instead: to *offered*, or any table."""
    tables = _grouped(tables_for(request.user))
    context = {"title": title, "message": message, "nearest": nearest, "tables": tables, "tab": "table"}
    context["offered"] = _grouped(offered) if offered else tables
    return render(request, "explore/refused.html", {**admin.site.each_context(request), **context}, status=status)


def table_named(request: HttpRequest, path: str) -> Table:
    """Return the table of a name such as ``census/respondents``; raises PermissionDenied and TableNotFoundError."""
    dataset, _, name = path.partition("/")
    if not name:
        raise TableNotFoundError(path, nearest_table(request.user, path))
    return table_or_refuse(request.user, dataset, name)


def nearest(user, path: str) -> Table | None:
    """Return the table that an address may have meant: its first two parts, or its last."""
    parts = path.strip("/").split("/")
    return nearest_table(user, "/".join(parts[:2]))


def _grouped(tables: list[Table]) -> list[tuple[str, list[Table]]]:
    return [(title, list(members)) for title, members in groupby(tables, key=lambda table: table.dataset_title)]
