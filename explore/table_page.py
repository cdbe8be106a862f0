"""A page of a table: sortable column headers and formatted cells."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from datasets.fields import related_model
from datasets.listing import label_field
from datasets.records.columns import ListedColumn
from datasets.records.filter_widgets import title_of
from datasets.records.formatting import format_value, is_grouped, is_number, unit_of
from datasets.records.keyset_pagination import InvalidCursorError, SortKey, page
from datasets.records.label_cache import labels
from datasets.records.ordering import SLOW, is_quick, slow_seconds
from datasets.records.query_params import can_order_by
from datasets.records.serialization import RowSerializer
from datasets.sql.query_timeout import QueryTimeError, limited
from datasets.versions import versions_behind
from explore.admin_links import admin_page
from explore.column_menu import Menu, menu_of
from explore.url_state import ROWS, State

LINE = 40  # characters of a cell that fit on one line
MISSING = mark_safe(
    '<span class="missing" title="missing"><span aria-hidden="true">&ndash;</span>'
    '<span class="visually-hidden">missing</span></span>'
)


@dataclass(frozen=True)
class ColumnHeader:
    """The header of a column; *query* sorts by it, or reverses the order if it is already sorted by it."""

    name: str
    title: str
    unit: str
    help_text: str
    number: bool
    query: str
    sorted: str  # "ascending", "descending" or ""
    place: int  # its position among the sort columns, from 1; 0 if it is not one
    next: str  # the effect of a click
    slow: str  # why sorting by it is slow, or ""
    menu: Menu


@dataclass(frozen=True)
class Cell:
    """A formatted value; *missing* if the record has none."""

    text: str
    number: bool
    missing: bool
    link: str = ""

    @property
    def html(self) -> SafeString:
        """The cell of a table. A page has hundreds, which a template renders slowly."""
        if self.missing:
            content = MISSING
        else:
            content = format_html('<a href="{}">{}</a>', self.link, self.text) if self.link else escape(self.text)
        kind = "number" if self.number else "long" if len(self.text) > LINE else ""  # a long text wraps
        return format_html('<td class="{}">{}</td>', kind, content) if kind else format_html("<td>{}</td>", content)


@dataclass(frozen=True)
class Page:
    """Headers, rows, and the query strings of the previous and the next page."""

    heads: list[ColumnHeader]
    rows: list[list[Cell]]
    previous: str | None
    next: str | None


def listed(state: State) -> Page | None:
    """Return the requested page; an invalid cursor adds an error to the state and returns None."""
    version = versions_behind(state.model)
    serializer = RowSerializer(state.model, state.columns)
    is_slow = _is_slow(state, state.order[0])
    try:
        with limited(slow_seconds()) if is_slow else nullcontext():
            result = page(state.narrowed(), serializer.selected, state.order, ROWS, state.data.get("cursor", ""))
    except QueryTimeError as error:
        if not is_slow:
            raise
        remedy = f"Add filters, or sort by a column that is not {SLOW}"
        state.refuse("ordering", f"Sorting by this column takes more than {error.seconds:g} seconds. {remedy}.")
        return None
    except InvalidCursorError:
        state.refuse("cursor", "Expected the cursor of a Next or Previous link of this list in this sort order.")
        return None
    served = serializer.serialize(result.rows, state.user, version)
    named = {column.name: _members(column, served, version) for column in state.columns if column.many}
    grouped = {
        shown_column.name: is_grouped(shown_column, (record[shown_column.name] for record in served))
        for shown_column in state.columns
    }
    address = admin_page(state, "change")
    rows = []
    for key, record in zip((row[0] for row in result.rows), served, strict=True):
        link = address and reverse(address, args=[quote(key)])
        cells = []
        for column in state.columns:
            value = record[column.name]
            if column.many:
                value = [named[column.name].get(item, (item,))[0] for item in value]
            own_key = column.path == state.model._meta.pk.attname
            text = format_value(column, value, grouped=grouped[column.name])
            cells.append(Cell(text, is_number(column), value is None or value == [], link if own_key else ""))
        rows.append(cells)
    return Page(
        [_head(state, column) for column in state.columns],
        rows,
        result.previous and state.query(cursor=result.previous),
        result.next and state.query(cursor=result.next),
    )


def _members(column: ListedColumn, served: Sequence[dict[str, Any]], version: str) -> dict[Any, Sequence[Any]]:
    """Return the labels of the related records that a column lists."""
    target = related_model(column.field)
    keys = {key for record in served for key in record[column.name]}
    return labels(target, (label_field(target),), keys, version)


def _is_slow(state: State, key: ListedColumn | SortKey) -> bool:
    """Return whether the list is slow to sort by the column of *key*. No index has empty values last in both orders."""
    return state.paginator.is_large and (key.null or not is_quick(state.model, key.path))


def _head(state: State, column: ListedColumn) -> ColumnHeader:
    may = can_order_by(column) and (not column.permission or state.user.has_perm(column.permission))
    keys = [key.strip() for key in state.data.get("ordering", "").split(",")]
    place = next((place for place, key in enumerate(keys, 1) if key.removeprefix("-") == column.name), 0)
    order = ("descending" if keys[place - 1].startswith("-") else "ascending") if place else ""
    first = order if place == 1 else ""
    following = {"": column.name, "ascending": f"-{column.name}", "descending": None}[first]
    action = {"": "sort, lowest first", "ascending": "sort, highest first", "descending": "remove from the sort"}[first]
    return ColumnHeader(
        column.name,
        title_of(state.model, column),
        unit_of(column),
        column.help_text,
        is_number(column),
        state.query(ordering=following) if may else "",
        order,
        place,
        f"{order}, sort column {place}; {action}" if place > 1 else action,
        SLOW if may and _is_slow(state, column) else "",
        menu_of(state, column, order=first, may_sort=may),
    )
