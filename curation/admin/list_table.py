"""The table of a dataset's list in the admin: column menus, and values formatted as in Explore."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.contrib.admin.templatetags.admin_list import result_headers, results
from django.contrib.admin.views.main import ORDER_VAR
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from curation.admin.changelist import RecordChangeList
from curation.admin.explore_links import chart_address, explore_address
from curation.admin.list_columns import column_title
from datasets.records.aggregation import can_group_by
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.formatting import format_value, is_grouped, is_number, unit_of
from exports.columns import is_masked

FORMATTED = (models.IntegerField, models.FloatField, models.DateField, models.BooleanField)
MISSING = mark_safe('<span class="missing">&ndash;</span>')


class MenuLink(NamedTuple):
    """A link of a column's menu. With JavaScript, the link shows the *part* of a page inside the menu."""

    label: str
    address: str
    part: str = ""


@dataclass
class ListHeader:
    """The header of a column, with the links of its menu."""

    name: str
    text: str
    classes: str
    address: str = ""
    direction: str = ""  # "ascending", "descending" or ""
    place: int = 0  # its position among several sort columns, from 1
    slow: bool = False
    number: bool = False
    unit: str = ""
    links: list[MenuLink] = field(default_factory=list)


def headers(cl: RecordChangeList) -> Iterator[ListHeader]:
    """Yield the headers of the list's columns; that of the checkboxes has no name."""
    sorted_columns = len(cl.get_ordering_field_columns())
    stock_headers: list[dict[str, Any]] = list(result_headers(cl))
    for position, (entry, stock) in enumerate(zip(cl.list_display, stock_headers, strict=True)):
        if entry == "action_checkbox":
            yield ListHeader("", stock["text"], "action-checkbox-column")
            continue
        name = entry.__name__ if callable(entry) else str(entry)
        header = ListHeader(name, column_title(cl.model_admin, name), f"column-{name}")
        if stock["sortable"]:
            header.address = stock["url_primary"]
            header.slow = entry in cl.slow_columns
            if stock["sorted"]:
                header.direction = "ascending" if stock["ascending"] else "descending"
                header.place = stock["sort_priority"] if sorted_columns > 1 else 0
            header.links += [
                MenuLink("Sort ascending", cl.get_query_string({ORDER_VAR: str(position)})),
                MenuLink("Sort descending", cl.get_query_string({ORDER_VAR: f"-{position}"})),
            ]
            header.links += [MenuLink("Remove sort", stock["url_remove"])] if stock["sorted"] else []
        column = _column(cl.model, name)
        if column is not None:
            header.number, header.unit = is_number(column), unit_of(column)
            header.links += _links(cl, column)
        yield header


def rows(cl: RecordChangeList) -> Iterator[list[SafeString]]:
    """Yield the cells of each record. Django renders those of text and references."""
    records = list(cl.result_list)
    columns = {place: column for place, name in enumerate(cl.list_display) if (column := _formatted(cl.model, name))}
    grouped = {
        place: is_grouped(column, (_value(record, column) for record in records)) for place, column in columns.items()
    }
    for record, cells in zip(records, results(cl), strict=True):
        shown = list(cells)
        for place, column in columns.items():
            value = _value(record, column)
            text = MISSING if value is None else format_value(column, value, grouped=grouped[place])
            shown[place] = _cell(column, shown[place], text)
        yield shown


def _value(record: models.Model, column: ListedColumn) -> Any:
    """Return the value of *column*, which may be a column of a related record."""
    value: Any = record
    for name in column.path.split("__"):
        value = getattr(value, name, None)
    return value


def _cell(column: ListedColumn, cell: SafeString, text: str) -> SafeString:
    """Return *cell*, which Django has rendered, with *text*; the cell with the link to the record keeps its own."""
    classes = f"field-{column.name}{' number' * is_number(column)}"
    if "<a " in cell:
        return mark_safe(cell.replace(f'class="field-{column.name}', f'class="{classes}', 1))  # noqa: S308 - Django has escaped it
    return format_html('<td class="{}">{}</td>', classes, text)


def _formatted(model: type[models.Model], name: Any) -> ListedColumn | None:
    """Return the column of *model* with numbers, dates or booleans that *name* shows, or None for any other column."""
    column = None if callable(name) else _column(model, name)
    return column if column and column.path == name and isinstance(column.field, FORMATTED) else None


def _column(model: type[models.Model], name: str) -> ListedColumn | None:
    """Return the listed column that the list shows as *name*, a field or a path of a joined column, or None."""
    return next((column for column in columns_of(model) if name in (column.name, column.path)), None)


def _links(cl: RecordChangeList, column: ListedColumn) -> Iterator[MenuLink]:
    if column.name in {spec.column.name for spec in cl.filters}:
        yield MenuLink("Filter", f"#filter-{column.name}")
    if cl.parameter_errors or is_masked(column, cl.user):
        return
    if can_group_by(column) and (profile := explore_address(cl.model, cl.chosen_filters, "profile", column.name)):
        part = explore_address(cl.model, cl.chosen_filters, "profile-part", column.name)
        yield MenuLink("Profile", profile, part)
        if chart := chart_address(cl.model, cl.chosen_filters, column):
            yield MenuLink("Chart this column", chart)
