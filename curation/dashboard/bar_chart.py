"""Bar charts of summary tables, cached until their next refresh."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, router, transaction
from django.db.models import Count, Sum

from curation.dashboard.addresses import chart_of_table, list_of
from datasets.fields import field_of
from datasets.listing import chart_of
from datasets.matviews import ViewState
from datasets.models import MaterializedView
from datasets.versions import versions_behind

BARS = 16
DAY = 24 * 3600
COUNT = "rows_counted"  # annotation for charts that count rows
TOTAL = "added_up"  # annotation for charts with colours: the sum of a bar's parts


@dataclass(frozen=True)
class Bar:
    """One bar of a chart; *width* is a percentage of the longest bar."""

    label: str
    value: str
    width: float


@dataclass(frozen=True)
class BarChart:
    """A summary table as a bar chart, with the number of bars that are left out."""

    title: str
    shows: str
    address: str
    bars: list[Bar]
    more: int
    summary: ViewState


def bar_chart(view: type[MaterializedView], summary: ViewState) -> BarChart | None:
    """Return the chart of *view*, or None if the database cannot read the view."""
    key = f"dashboard:{view._meta.db_table}:{versions_behind(view).replace(' ', ':')}"
    if (cached := cache.get(key)) is None:
        try:
            with transaction.atomic(using=router.db_for_read(view)):
                cached = _bars(view)
        except DatabaseError:  # a materialized view that has never been refreshed cannot be read
            return None
        cache.set(key, cached, DAY)
    bars, more = cached
    title, shows = str(view._meta.verbose_name_plural).capitalize(), _shown(view)
    return BarChart(title, shows, chart_of_table(view) or list_of(view), bars, more, summary)


def _bars(view: type[MaterializedView]) -> tuple[list[Bar], int]:
    """Return the first bars of the view and the number of further bars."""
    label, value, order = _plan_of(view)
    rows = view._default_manager.order_by()
    if value is None:
        value, rows = COUNT, rows.values(label).annotate(**{COUNT: Count("pk")})
    elif _is_added_up(view):
        order = order.removesuffix(value) + TOTAL if order.removeprefix("-") == value else order
        value, rows = TOTAL, rows.values(label).annotate(**{TOTAL: Sum(value)})
    pairs = list(rows.order_by(order).values_list(label, value)[: 10 * BARS])
    longest = max((amount or 0 for _, amount in pairs), default=0)
    bars = [
        Bar(str(name), _formatted(amount), round(100 * (amount or 0) / longest, 1) if longest else 0)
        for name, amount in pairs[:BARS]
    ]
    return bars, max(len(pairs) - BARS, 0)


def _plan_of(view: type[MaterializedView]) -> tuple[str, str | None, str]:
    """Return the label column, the value column (None for a count of rows), and the sort order.

    A chart with colours has several rows for one x. If they cannot be added up, the primary key labels the bars.
    """
    chart = chart_of(view)
    label = view._meta.pk.name if chart.colour and not _is_added_up(view) else chart.x
    value = chart.measure.partition(":")[2] or None
    key = chart.sort.removeprefix("-")
    key = {"": label, "name": label, "value": value or COUNT}.get(key, key)
    return label, value, f"-{key}" if chart.sort.startswith("-") else key


def _is_added_up(view: type[MaterializedView]) -> bool:
    """Return whether the bar of an x is the sum over its colours."""
    chart = chart_of(view)
    return bool(chart.colour) and chart.measure.startswith(("count", "sum:"))


def _shown(view: type[MaterializedView]) -> str:
    """Return the subtitle of a view's chart: value and label column."""
    label, value, _ = _plan_of(view)
    shown = field_of(view, value).verbose_name if value else "count"
    has_colours = chart_of(view).colour and not _is_added_up(view)
    labels = view._meta.verbose_name if has_colours else field_of(view, label).verbose_name
    return f"{shown} by {labels}"


def _formatted(amount: Any) -> str:
    if isinstance(amount, float):
        return f"{amount:.1%}" if 0 <= amount <= 1 else f"{amount:,.1f}"
    return f"{amount or 0:,}"
