"""Bins of a column's numbers or dates: counts of records between two values, each with the filter that selects it."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import inf, nextafter
from typing import Any

from django.db import models

from datasets.records.aggregation import summarise
from datasets.records.analytical_copy import copy_executor
from datasets.records.columns import ListedColumn
from datasets.records.distribution import Counts
from datasets.records.formatting import format_float
from datasets.records.grouping import Grouping, Measure
from explore.charts.axes import nice_width

DAYS, MONTHS = 210, 60  # up to this span, dates are counted by day or by month; over a longer span, by year
YEARS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


Edge = tuple[Any, Any, str]  # the first and the last value of a bin, and its label


@dataclass(frozen=True)
class Bin:
    """The number of records with a value from *first* to *last*, which are both in the bin."""

    first: Any
    last: Any
    label: str
    count: int


def bins_of(
    records: models.QuerySet[Any], column: ListedColumn, least: Any, most: Any, at_most: int, known: Counts | None
) -> list[Bin]:
    """Return *at_most* bins that cover the values of *column* from *least* to *most*, in order, with empty ones.

    *known* are the counts of these values, if there are few. Otherwise, the records are counted.
    """
    if isinstance(column.field, models.DateField):
        edges = list(_periods(least, most, at_most))
        grouping = _by_period(column, least, most)
    else:
        width = _width(column, least, most, at_most)
        edges = list(_ranges(column, width, least, most))
        grouping = Grouping(column.name, column, width=width)
    if known is not None:
        counts = _summed(known, edges)
    elif isinstance(column.field, models.FloatField):
        counts = _compared(records, column, edges)
    else:
        counts = _summed(_groups(records, grouping), edges)
    return [Bin(*edge, count) for edge, count in zip(edges, counts, strict=True)]


def _groups(records: models.QuerySet[Any], grouping: Grouping) -> Counts:
    """Count the records in groups that are at most as wide as a bin, and return them in order."""
    dated = isinstance(grouping.column.field, models.DateField)
    rows = summarise(records, [grouping], [Measure("count")]).rows
    return sorted((_first_day(key) if dated else key, count) for key, count in rows if key is not None)


def _summed(groups: Counts, edges: list[Edge]) -> list[int]:
    """Return the number of records of each bin."""
    counts, place = [0] * len(edges), 0
    for key, count in groups:
        while key > edges[place][1]:
            place += 1
        counts[place] += count
    return counts


def _compared(records: models.QuerySet[Any], column: ListedColumn, edges: list[Edge]) -> list[int]:
    """Count the records of each bin by comparison, as its filter does: a division would round some numbers down."""
    copy = copy_executor()
    if copy and (counts := copy.counts_between(records, column, [edge[:2] for edge in edges])):
        return counts
    path = column.path
    between = {
        f"bin_{place}": models.Count("pk", filter=models.Q(**{f"{path}__gte": first, f"{path}__lte": last}))
        for place, (first, last, _) in enumerate(edges)
    }
    counted = records.order_by().aggregate(**between)
    return [counted[name] for name in between]


def _width(column: ListedColumn, least: Any, most: Any, at_most: int) -> Decimal:
    whole = not isinstance(column.field, models.FloatField)
    return nice_width(least, most, max(at_most - 1, 1), whole=whole)  # bins begin at multiples of their width


def _ranges(column: ListedColumn, width: Decimal, least: Any, most: Any) -> Iterator[Edge]:
    start = Decimal(str(least)) // width * width
    if start > Decimal(str(least)):  # the division truncates toward zero
        start -= width
    while start <= Decimal(str(most)):
        end = start + width
        if isinstance(column.field, models.FloatField):
            label = f"{format_float(float(start), grouped=True)} to {format_float(float(end), grouped=True)}"
            yield float(start), nextafter(float(end), -inf), label
        else:
            label = f"{int(start):,}" if width == 1 else f"{int(start):,} to {int(end) - 1:,}"
            yield int(start), int(end) - 1, label
        start = end


def _by_period(column: ListedColumn, least: date, most: date) -> Grouping:
    part = "" if (most - least).days < DAYS else "month" if _months(least, most) <= MONTHS else "year"
    return Grouping(column.name, column, part=part)


def _first_day(key: Any) -> date:
    """Return the first day of a group: of a year, of a month such as ``2023-05``, or a date itself."""
    if isinstance(key, int):
        return date(key, 1, 1)
    return date.fromisoformat(f"{key}-01") if isinstance(key, str) else key


def _months(least: date, most: date) -> int:
    return (most.year - least.year) * 12 + most.month - least.month + 1


def _periods(least: date, most: date, at_most: int) -> Iterator[Edge]:
    days, months = (most - least).days + 1, _months(least, most)
    if days <= DAYS:
        size = -(-days // at_most)
        for offset in range(0, days, size):
            first = least + timedelta(offset)
            last = first + timedelta(min(size - 1, (date.max - first).days))
            yield first, last, f"{first}" if size == 1 else f"{first} to {last}"
    elif months <= MONTHS:
        size = next(size for size in (1, 2, 3, 6, 12) if months <= size * (at_most - 1))
        start = (least.year * 12 + least.month - 1) // size * size
        for month in range(start, most.year * 12 + most.month, size):
            first, last = _month(month), _last_day(month + size - 1)
            yield first, last, f"{first:%Y-%m}" if size == 1 else f"{first:%Y-%m} to {last:%Y-%m}"
    else:
        span = most.year - least.year + 1
        size = next((size for size in YEARS if span <= size * (at_most - 1)), YEARS[-1])
        for year in range(least.year // size * size, most.year + 1, size):
            last_year = min(year + size - 1, date.max.year)
            label = f"{max(year, 1)}" if size == 1 else f"{max(year, 1)} to {last_year}"
            yield date(max(year, 1), 1, 1), date(last_year, 12, 31), label


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _last_day(number: int) -> date:
    return date(number // 12, number % 12 + 1, monthrange(number // 12, number % 12 + 1)[1])
