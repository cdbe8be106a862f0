"""The date hierarchy of a list: links to centuries, decades, years, months and days that set its date filter."""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.db import models
from django.utils.dateparse import parse_date
from django.utils.formats import date_format


def periods_of(
    model: type[models.Model], column: str, chosen: Mapping[str, Any], query_string: Callable[..., str]
) -> dict[str, Any] | None:
    """Return the context of the admin's date hierarchy template, or None if there are no dates.

    *chosen* has the parameters of the list, and *query_string* is its get_query_string(). The first and the last date
    of the table come from an index; no rows are counted.
    """
    least, most = f"{column}__gte", f"{column}__lte"
    dated = model._default_manager.filter(**{f"{column}__isnull": False}).order_by(column)
    days: models.QuerySet[Any, date] = dated.values_list(column, flat=True)
    earliest, latest = days.first(), days.last()
    if earliest is None or latest is None:
        return None
    bounds = [_day(chosen.get(name)) for name in (least, most)]
    first, last = max(bounds[0] or earliest, earliest), min(bounds[1] or latest, latest)

    def link(parameters: dict[str, str]) -> str:
        return query_string(parameters, remove_exactly={PAGE_VAR, least, most})

    choices = [
        {"title": title, "link": link({least: start.isoformat(), most: end.isoformat()})}
        for start, end, title in _steps(first, last)
    ]
    back = {"title": "All dates", "link": link({})} if any(bounds) else None
    return {"choices": choices, "back": back} if choices or back else None


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None


def _steps(first: date, last: date) -> Iterator[tuple[date, date, str]]:
    """Yield the parts of a span of days: first day, last day and title; nothing for a single day."""
    if first.year < last.year:
        span = last.year - first.year
        size = 100 if span > 300 else 10 if span > 30 else 1
        for year in range(first.year // size * size, last.year + 1, size):
            end = year + size - 1
            title = {1: f"{year}", 10: f"{year}s", 100: f"{year}\N{EN DASH}{end}"}[size]
            yield date(max(year, 1), 1, 1), date(min(end, 9999), 12, 31), title
    elif first.year == last.year and first.month < last.month:
        for month in range(first.month, last.month + 1):
            start = date(first.year, month, 1)
            yield start, start.replace(day=monthrange(first.year, month)[1]), date_format(start, "YEAR_MONTH_FORMAT")
    elif (first.year, first.month) == (last.year, last.month) and first < last:
        for day in range(first.day, last.day + 1):
            start = first.replace(day=day)
            yield start, start, date_format(start, "MONTH_DAY_FORMAT")
