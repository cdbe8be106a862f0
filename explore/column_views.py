"""Views: the profile of a column as a page and as a part of its menu, and the histogram of its filter."""

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from api.etags import ETag
from datasets.records.aggregation import can_group_by
from datasets.records.columns import ListedColumn, columns_of
from datasets.sql.query_timeout import QueryTimeError
from datasets.suggestions import suggest
from explore.column_profile import Profile, has_profile, profile_of
from explore.filter_form import has_range
from explore.histogram import Histogram, histogram_of
from explore.pages import View, explored, page, refused
from explore.url_state import State


def of_column(view: View) -> View:
    """Turn ``view(request, state, column)`` into a view of a column, or return 403 or 404 if it has no profile."""

    def shown(request: HttpRequest, state: State, column: str) -> HttpResponseBase:
        columns = {each.name: each for each in columns_of(state.model)}
        if column not in columns:
            usable = [name for name, each in columns.items() if has_profile(state, each)]
            text = f"{state.table.title} has no column {column[:100]}.{suggest(column, usable)}"
            return refused(request, 404, "Column not found", text)
        found = columns[column]
        if not can_group_by(found):
            return refused(request, 404, "No profile", f"{column} contains lists or documents, which have no profile.")
        if not has_profile(state, found):
            text = f"{column} contains personal data. Its profile needs the permission {found.permission}."
            return refused(request, 403, "You don't have access to this column", text)
        return view(request, state, found)

    return explored(simplified=True)(shown)


@of_column
def profile(request: HttpRequest, state: State, column: ListedColumn) -> HttpResponseBase:
    """The profile of a column as a page, for browsers without JavaScript and for links."""
    made = None if state.errors else _profile(state, column)
    to_table = state.query().removesuffix("?")
    return page(request, state, "table", "explore/profile.html", profile=made, column=column, to_table=to_table)


@of_column
def profile_part(request: HttpRequest, state: State, column: ListedColumn) -> HttpResponseBase:
    """The profile of a column as a part of another page."""
    return _part(request, state, column, "profile", _profile)


@of_column
def histogram_part(request: HttpRequest, state: State, column: ListedColumn) -> HttpResponseBase:
    """The histogram of a column's filter as a part of the form; empty for a column without a range."""
    return _part(request, state, column, "histogram", _histogram)


def _part(
    request: HttpRequest,
    state: State,
    column: ListedColumn,
    kind: str,
    make: Callable[[State, ListedColumn], Profile | Histogram | None],
) -> HttpResponseBase:
    """Return the part of the *kind*, or 304 if the browser's copy is current."""
    tag = ETag(request, state.model, kind)
    if tag.is_known and not state.errors:
        return tag.not_modified()
    made = None if state.errors else make(state, column)
    context = {kind: made, "state": state, "column": column}
    response = render(request, f"explore/{kind}_part.html", context, status=400 if state.errors else 200)
    return response if made is None else tag.mark(response)  # a later request may be quick enough


def _profile(state: State, column: ListedColumn) -> Profile | None:
    """Return the profile, or None and an error in the state if it takes too long."""
    try:
        return profile_of(state, column)
    except QueryTimeError as error:
        state.refuse(column.name, f"Its profile takes more than {error.seconds:g} seconds. Add filters.")
        return None


def _histogram(state: State, column: ListedColumn) -> Histogram | None:
    """Return the histogram, or None if the column has no range or the histogram takes too long."""
    if not has_range(column):
        return None
    with suppress(QueryTimeError):  # the fields of the filter work without it
        return histogram_of(state, column)
    return None
