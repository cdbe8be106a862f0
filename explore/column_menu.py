"""The menu of a column: sort, filter, hide, profile and chart."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from datasets.records.chart_kinds import chart_kind
from datasets.records.columns import ListedColumn
from datasets.records.filter_widgets import title_of
from datasets.records.parameter_names import OF_CHARTS
from explore.column_profile import has_profile
from explore.url_state import State, has_filter


@dataclass(frozen=True)
class MenuItem:
    """A link of a menu. *boosted* means that htmx swaps the page in place; *current* marks the present order.

    With JavaScript, the link shows the *part* of the page at its address inside the menu.
    """

    name: str
    label: str
    address: str
    boosted: bool = True
    current: bool = False
    part: str = ""


@dataclass(frozen=True)
class Menu:
    """The menu of the column *name*."""

    name: str
    title: str
    help_text: str
    items: list[MenuItem]


def menu_of(state: State, column: ListedColumn, *, order: str, may_sort: bool) -> Menu:
    """Return the menu of *column*. *order* is ``ascending`` or ``descending`` if the list is sorted by it first."""
    items = list(_items(state, column, order, may_sort=may_sort))
    return Menu(column.name, title_of(state.model, column), column.help_text, items)


def _items(state: State, column: ListedColumn, order: str, *, may_sort: bool) -> Iterator[MenuItem]:
    name = column.name
    if may_sort:
        ascending, descending = order == "ascending", order == "descending"
        yield MenuItem("ascending", "Sort ascending", state.query(ordering=name), current=ascending)
        yield MenuItem("descending", "Sort descending", state.query(ordering=f"-{name}"), current=descending)
        if order:
            yield MenuItem("unsorted", "Remove sort", state.query(ordering=None))
    if has_filter(state, column):
        yield MenuItem("filter", "Filter", f"#fields-{name}", boosted=False)
    others = [other.name for other in state.columns if other.name != name]
    if others:
        yield MenuItem("hide", "Hide column", state.query(columns=",".join(others)))
    if has_profile(state, column):
        of = [state.table.dataset, state.table.name, name]
        page, part = (reverse(f"explore:{view}", args=of) + state.filter_query for view in ("profile", "profile-part"))
        yield MenuItem("profile", "Profile", page, boosted=False, part=part)
    if address := _chart(state, column):
        yield MenuItem("chart", "Chart this column", address, boosted=False)


def _chart(state: State, column: ListedColumn) -> str:
    """Return the address of a chart of *column*, or "" if it does not make groups."""
    kind = chart_kind(state.model, column) if has_profile(state, column) else ""
    if not kind:
        return ""
    changes = {**dict.fromkeys(OF_CHARTS), "kind": kind, "x": column.name}
    return state.table.address("chart") + state.query(**changes)
