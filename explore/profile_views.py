"""Views: the profile of a column as a page, and as a part of the column's menu."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from api.etags import ETag
from datasets.records.aggregation import can_group_by
from datasets.records.columns import ListedColumn, columns_of
from datasets.sql.query_timeout import QueryTimeError
from datasets.suggestions import suggest
from explore.column_profile import Profile, has_profile, profile_of
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
            return refused(request, 404, "No profile", f"{column} has lists or documents, which have no profile.")
        if not has_profile(state, found):
            text = f"{column} contains personal data. Its profile needs the permission {found.permission}."
            return refused(request, 403, "You don't have access to this column", text)
        return view(request, state, found)

    return explored(simplified=True)(shown)


@of_column
def profile(request: HttpRequest, state: State, column: ListedColumn) -> HttpResponseBase:
    """The profile of a column as a page, for browsers without JavaScript and for links."""
    made = _profile(state, column)
    to_table = state.query().removesuffix("?")
    return page(request, state, "table", "explore/profile.html", profile=made, column=column, to_table=to_table)


@of_column
def profile_part(request: HttpRequest, state: State, column: ListedColumn) -> HttpResponseBase:
    """The profile of a column as a part of another page."""
    tag = ETag(request, state.model, "profile")
    if tag.is_known and not state.errors:
        return tag.not_modified()
    made = _profile(state, column)
    context = {"profile": made, "state": state, "column": column, "table": state.table}
    response = render(request, "explore/profile_part.html", context, status=400 if state.errors else 200)
    return tag.mark(response) if not state.errors else response


def _profile(state: State, column: ListedColumn) -> Profile | None:
    """Return the profile, or None and an error in the state."""
    if state.errors:
        return None
    try:
        return profile_of(state, column)
    except QueryTimeError as error:
        state.refuse(column.name, f"Its profile takes more than {error.seconds:g} seconds. Add filters.")
        return None
