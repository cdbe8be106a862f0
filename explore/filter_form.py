"""The form beside every tab: a box or a list of ticks for each filter, the columns to tick, and what is kept unseen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from datasets.listing import listing_of
from datasets.query_values import listed
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.facets import Facets
from datasets.records.filter_widgets import ANY, CHOICE, DATE, NUMBER, TEXT, Narrowing, narrowings, title_of
from explore.formatting import unit_of
from explore.url_state import State, default_columns

FEW = 17  # choices that are open from the beginning
FIELDS = {
    NUMBER: [("__gte", "from", "number"), ("__lte", "to", "number")],
    DATE: [("__gte", "from", "date"), ("__lte", "to", "date")],
    TEXT: [("__istartswith", "begins with", "text"), ("__icontains", "contains", "text")],
    ANY: [("", "is", "text")],
    CHOICE: [],
}


@dataclass(frozen=True)
class Tick:
    """A value to tick, and how many records have it."""

    name: str
    value: str
    label: str
    count: str
    ticked: bool
    id: str
    odd: bool = False


@dataclass(frozen=True)
class TypedInto:
    """A box to type into."""

    name: str
    label: str
    kind: str
    value: str


@dataclass
class Filter:
    """The boxes of one column."""

    name: str
    title: str
    unit: str
    ticks: list[Tick] = field(default_factory=list)
    fields: list[TypedInto] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """Whether the list is narrowed by it."""
        return any(one.ticked for one in self.ticks) or any(one.value for one in self.fields)

    @property
    def opened(self) -> bool:
        """Whether it is open when the page comes."""
        return self.active or len(self.ticks) <= FEW

    @property
    def drawn(self) -> set[str]:
        """The parameters that its boxes stand for."""
        ticked = [one.name for one in self.ticks if one.ticked]
        several = {f"{self.name}__in"} if ticked.count(self.name) > 1 else set()
        return {*ticked, *several, *(one.name for one in self.fields)}


@dataclass(frozen=True)
class Pick:
    """A column to tick; *first* and *last* of those that are shown cannot be moved further."""

    column: ListedColumn
    title: str
    shown: bool
    first: bool = False
    last: bool = False

    @property
    def code(self) -> str:
        """Its name in addresses, where what it is called does not tell."""
        return "" if self.column.name.replace("_", " ") == self.title else self.column.name


class Form:
    """All boxes of a page, and the parameters that the page keeps without a box (*kept*)."""

    def __init__(self, state: State, picks_columns: bool):
        self.state, self.picks_columns = state, picks_columns
        self.filters = list(_filters(state))
        self.search = state.data.get("search", "") if "search" in state.filterset.base_filters else None
        self.search_help = _search_help(state.model)

    @property
    def counts_are_partial(self) -> bool:
        """Whether there are more records than the counts beside the ticks are of."""
        return not self.state.errors and not self.state.paginator.exact

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parameters that no box stands for, which a form sends along unseen."""
        drawn = self.state.own | {"search", "cursor"} | ({"columns"} if self.picks_columns else set())
        for one in self.filters:
            drawn |= one.drawn
        return [(name, value) for name, value in self.state.data.items() if name not in drawn]

    @property
    def picks(self) -> list[Pick]:
        """The columns, those that are shown first and in their order."""
        shown = self.state.columns
        rest = [column for column in columns_of(self.state.model) if column not in shown]
        last = len(shown) - 1
        return [
            *(Pick(one, title_of(self.state.model, one), True, n == 0, n == last) for n, one in enumerate(shown)),
            *(Pick(one, title_of(self.state.model, one), False) for one in rest),
        ]


def _filters(state: State) -> Iterator[Filter]:
    names = [
        column.name
        for column in default_columns(state.model)
        if not isinstance(column.field, models.AutoField | models.BigAutoField)
        and column.name in state.filterset.base_filters
        and not (column.permission and not state.user.has_perm(column.permission))
    ]
    found = [one for one in narrowings(state.model, names) if one.kind != CHOICE or one.options]
    active = {one.column.name: _active(one, state) for one in found}
    facets = None if state.errors else Facets(state, found, active)
    for one in found:
        yield _filter(one, state, facets)


def _active(one: Narrowing, state: State) -> list[str]:
    return [name for name in state.filters if name.rpartition("__")[0] == one.column.name or name == one.column.name]


def _filter(one: Narrowing, state: State, facets: Facets | None) -> Filter:
    name, data = one.column.name, state.data
    drawn = Filter(name, one.title, unit_of(one.column))
    if one.kind == CHOICE:
        ticked = _ticked(one, data)
        for place, (value, label) in enumerate(one.options):
            count = facets.told(one, value) if facets else ""
            label = label.lower() if value in ("true", "false") else label  # as cells and charts have it
            drawn.ticks.append(Tick(name, str(value), label, count, str(value) in ticked, f"{name}-{place}"))
    for suffix, label, kind in FIELDS[one.kind]:
        drawn.fields.append(TypedInto(name + suffix, label, kind, data.get(name + suffix, "")))
    if one.can_be_missing:
        missing = f"{name}__isnull"
        count = facets.told(one, None) if facets and one.kind == CHOICE else ""
        drawn.ticks.append(
            Tick(missing, "true", one.missing, count, data.get(missing) == "true", f"{name}-missing", odd=True)
        )
    return drawn


def _ticked(one: Narrowing, data: Any) -> set[str]:
    """Return the values that are ticked; none where the address asks for one that is not among the choices."""
    known = {str(value) for value, _ in one.options}
    name = one.column.name
    asked = {data[name]} if name in data else {*listed(data.get(f"{name}__in", ""))}
    return asked if asked <= known else set()


def _search_help(model: type[models.Model]) -> str:
    names = [
        path.removesuffix("__exact").removesuffix("__name").replace("__", " ").replace("_", " ")
        for path in listing_of(model).search
    ]
    return f"Finds what begins with each of the words: {', '.join(names)}."
