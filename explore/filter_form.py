"""The form beside every tab: filter widgets, the choice of columns, and hidden fields for the other parameters."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.urls import reverse

from datasets.listing import listing_of
from datasets.query_values import listed
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.distribution import is_ordered
from datasets.records.facets import Facets
from datasets.records.filter_widgets import ANY, CHOICE, DATE, NUMBER, TEXT, FilterWidget, title_of, widgets_for
from datasets.records.formatting import is_key, unit_of
from explore.url_state import State, default_columns, has_filter

FEW = 17  # a filter with at most this many choices is expanded at first
FIELDS = {
    NUMBER: [("__gte", "from", "number"), ("__lte", "to", "number")],
    DATE: [("__gte", "from", "date"), ("__lte", "to", "date")],
    TEXT: [("__istartswith", "begins with", "text"), ("__icontains", "contains", "text")],
    ANY: [("", "is", "text")],
    CHOICE: [],
}


@dataclass(frozen=True)
class Checkbox:
    """A checkbox for one value, with the number of records that have it."""

    name: str
    value: str
    label: str
    count: str
    ticked: bool
    id: str
    odd: bool = False


@dataclass(frozen=True)
class InputField:
    """An input for a number, a date or text."""

    name: str
    label: str
    kind: str
    value: str


@dataclass
class Filter:
    """The form fields of one column."""

    name: str
    title: str
    unit: str
    ticks: list[Checkbox] = field(default_factory=list)
    fields: list[InputField] = field(default_factory=list)
    histogram: str = ""  # its address, for a range

    @property
    def active(self) -> bool:
        """Whether this filter is set."""
        return any(item.ticked for item in self.ticks) or any(item.value for item in self.fields)

    @property
    def opened(self) -> bool:
        """Whether it is expanded when the page loads."""
        return self.active or len(self.ticks) <= FEW

    @property
    def drawn(self) -> set[str]:
        """The query parameters that its fields set."""
        ticked = [box.name for box in self.ticks if box.ticked]
        several = {f"{self.name}__in"} if ticked.count(self.name) > 1 else set()
        return {*ticked, *several, *(box.name for box in self.fields)}


@dataclass(frozen=True)
class ColumnOption:
    """A column to show or hide; the *first* and the *last* shown column cannot move further."""

    column: ListedColumn
    title: str
    shown: bool
    first: bool = False
    last: bool = False

    @property
    def code(self) -> str:
        """The column's name in URLs, if it differs from its title."""
        return "" if self.column.name.replace("_", " ") == self.title else self.column.name


class Form:
    """All form fields of a page, and the parameters that it passes on as hidden fields (*kept*)."""

    def __init__(self, state: State, *, picks_columns: bool, exact: bool = False):
        self.state, self.picks_columns = state, picks_columns
        self.filters = list(_filters(state, exact=exact))
        self.search = state.data.get("search", "") if "search" in state.filterset.base_filters else None
        self.search_help = _search_help(state.model)

    @property
    def counts_are_partial(self) -> bool:
        """Whether the counts beside the checkboxes cover only part of the records."""
        return not self.state.errors and not self.state.paginator.is_exact

    @property
    def exact_counts(self) -> str:
        """The address of the exact counts, if the counts are partial."""
        of = [self.state.table.dataset, self.state.table.name]
        return reverse("explore:counts", args=of) + self.state.filter_query if self.counts_are_partial else ""

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parameters without a visible field, sent as hidden fields."""
        drawn = self.state.own | {"search", "cursor"} | ({"columns"} if self.picks_columns else set())
        for each in self.filters:
            drawn |= each.drawn
        return [(name, value) for name, [*_, value] in self.state.data.lists() if name not in drawn]

    @property
    def picks(self) -> list[ColumnOption]:
        """All columns: first the shown ones in their order, then the rest."""
        shown = self.state.columns
        rest = [column for column in columns_of(self.state.model) if column not in shown]
        last = len(shown) - 1
        return [
            *(
                ColumnOption(
                    listed_column, title_of(self.state.model, listed_column), shown=True, first=n == 0, last=n == last
                )
                for n, listed_column in enumerate(shown)
            ),
            *(
                ColumnOption(listed_column, title_of(self.state.model, listed_column), shown=False)
                for listed_column in rest
            ),
        ]


def has_range(column: ListedColumn) -> bool:
    """Return whether the filter of *column* has a histogram: true for dates, and for numbers that are not keys."""
    return is_ordered(column) and not is_key(column)


def _filters(state: State, *, exact: bool) -> Iterator[Filter]:
    names = [column.name for column in default_columns(state.model) if has_filter(state, column)]
    widgets = [widget for widget in widgets_for(state.model, names) if widget.kind != CHOICE or widget.options]
    active: dict[str, Collection[str]] = {widget.column.name: _active(widget, state) for widget in widgets}
    facets = None if state.errors else Facets(state, widgets, active, exact=exact)
    for widget in widgets:
        yield _filter(widget, state, facets)


def _active(widget: FilterWidget, state: State) -> list[str]:
    return [
        name for name in state.filters if name.rpartition("__")[0] == widget.column.name or name == widget.column.name
    ]


def _filter(widget: FilterWidget, state: State, facets: Facets | None) -> Filter:
    name, data = widget.column.name, state.data
    drawn = Filter(name, widget.title, unit_of(widget.column))
    if widget.kind == CHOICE:
        ticked = _ticked(widget, data)
        for place, (value, label) in enumerate(widget.options):
            count = facets.display_count(widget, value) if facets else ""
            label = label.lower() if value in ("true", "false") else label  # as in cells and charts
            drawn.ticks.append(Checkbox(name, str(value), label, count, str(value) in ticked, f"{name}-{place}"))
    for suffix, label, kind in FIELDS[widget.kind]:
        drawn.fields.append(InputField(name + suffix, label, kind, data.get(name + suffix, "")))
    if drawn.fields and has_range(widget.column):
        of = [state.table.dataset, state.table.name, name]
        drawn.histogram = reverse("explore:histogram", args=of) + state.filter_query
    if widget.can_be_missing:
        missing = f"{name}__isnull"
        count = facets.display_count(widget, None) if facets and widget.kind == CHOICE else ""
        drawn.ticks.append(
            Checkbox(missing, "true", widget.missing, count, data.get(missing) == "true", f"{name}-missing", odd=True)
        )
    return drawn


def _ticked(widget: FilterWidget, data: Any) -> set[str]:
    """Return the selected values, or none if the URL has a value that is not among the choices."""
    known = {str(value) for value, _ in widget.options}
    name = widget.column.name
    selected = {data[name]} if name in data else {*listed(data.get(f"{name}__in", ""))}
    return selected if selected <= known else set()


def _search_help(model: type[models.Model]) -> str:
    paths = [path.removesuffix("__exact").split("__") for path in listing_of(model).search]
    # A related record has the name of its relation, unless its field repeats that name: user__user_id is "user id".
    names = [last if last.startswith(first) else first for first, *_, last in ((path[0], *path) for path in paths)]
    return f"Matches the beginning of words in: {', '.join(dict.fromkeys(name.replace('_', ' ') for name in names))}."
