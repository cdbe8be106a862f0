"""Links from the marks of a chart to their records: the list of the same filters, narrowed to the mark's groups."""

from calendar import monthrange
from collections.abc import Sequence
from math import inf, nextafter
from typing import Any

from django.db import models
from django.http import QueryDict

from datasets.query_values import decimal_number
from datasets.records.filters import record_filterset
from datasets.records.formatting import is_boolean
from explore.charts.axes import Axis
from explore.charts.selection import Selection
from explore.url_state import READABLE

RANGE = ("__gte", "__lte")
EXACT = ("", "__in", "__isnull", *RANGE)  # what the value of a group replaces


class Links:
    """The links of the marks of a chart along *axes*.

    ``base`` is the address of the list with the filters of other columns. ``of`` returns what to append to it.
    """

    def __init__(self, selection: Selection, axes: Sequence[Axis]):
        self.selection, self.axes = selection, axes
        self.known = record_filterset(selection.model).base_filters
        replaced = {f"{axis.column.name}{suffix}" for axis in axes for suffix in _replaced(axis)}
        rest = {name: value for name, value in selection.filters.items() if name not in replaced}
        self.base = f"{selection.address}?{_encoded(rest)}{'&' * bool(rest)}" if selection.address else ""

    def of(self, keys: Sequence[Any]) -> str | None:
        """Return the query string of the groups *keys*, or None if the list has no filter for one of them."""
        if not self.base:
            return None
        parameters: dict[str, str] = {}
        for axis, key in zip(self.axes, keys, strict=True):
            filters = _filters(axis, key)
            if filters is None or not all(name in self.known for name in filters):
                return None
            parameters |= self._narrowed(filters)
        return _encoded(parameters)

    def _narrowed(self, filters: dict[str, str]) -> dict[str, str]:
        """Return the *filters* of a range, within the range that the list's own filters set."""
        own = self.selection.filters
        for name, value in filters.items():
            if name in own and name.endswith(RANGE):
                narrower = max if name.endswith("__gte") else min
                filters = filters | {name: narrower(own[name], value, key=_comparable)}
        return filters


def _replaced(axis: Axis) -> Sequence[str]:
    return ("__isnull", *RANGE) if axis.grouping.part or axis.grouping.width is not None else EXACT


def _filters(axis: Axis, key: Any) -> dict[str, str] | None:
    """Return the filters that select the records of a group, or None for one such as "other"."""
    column, grouping = axis.column, axis.grouping
    name = column.name
    if key is None:
        return {f"{name}__isnull": "true"}
    if column.is_list or isinstance(column.field, models.DateTimeField):
        return None
    if grouping.part:
        year, month = (int(key), None) if grouping.part == "year" else map(int, key.split("-"))
        end = f"{monthrange(year, month)[1]:02d}" if month else "12-31"
        start = f"{year:04d}-{month:02d}-" if month else f"{year:04d}-"
        return {f"{name}__gte": f"{start}{'01' if month else '01-01'}", f"{name}__lte": f"{start}{end}"}
    if grouping.width is not None:
        whole = isinstance(key, int)
        last = key + int(grouping.width) - 1 if whole else nextafter(key + float(grouping.width), -inf)
        return {f"{name}__gte": repr(key), f"{name}__lte": repr(last)}
    if is_boolean(column):
        return {name: "true" if key else "false"}
    text = str(key) if isinstance(key, str | int | float) else ""
    return {name: text} if text.strip() else None  # a list has no filter for empty text


def _comparable(text: str) -> Any:
    try:
        return decimal_number(text)
    except ValueError:
        return text  # a date


def _encoded(parameters: dict[str, str]) -> str:
    data = QueryDict(mutable=True)
    data.update(parameters)
    return data.urlencode(safe=READABLE)
