"""The dashboard: for each dataset its record counts, last import, open tasks, and charts of its summary tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, models, transaction
from django.db.models import Count, Sum
from django.template.defaultfilters import pluralize
from django.urls import NoReverseMatch, reverse

from datasets.fields import field_of
from datasets.listing import chart_of
from datasets.matviews import ViewState, state_of, views_of
from datasets.models import MaterializedView, Record
from datasets.records.masking import Viewer
from datasets.records.pagination import displayed_count
from datasets.registry import dataset_apps
from datasets.versions import versions_behind
from imports.models import ImportRun, SourceFile
from imports.worklist import AT_MOST, count_open

BARS = 16
ROW = 16  # height of a bar with its margin
DAY = 24 * 3600
COUNT = "rows_counted"  # annotation for charts that count rows


@dataclass(frozen=True)
class Bar:
    """One bar of a chart; *width* is a percentage of the longest bar, *y* the distance from the top."""

    label: str
    value: str
    width: float
    y: int


@dataclass(frozen=True)
class BarChart:
    """A summary table as a bar chart."""

    title: str
    shows: str
    address: str
    bars: list[Bar]
    more: int
    summary: ViewState

    @property
    def height(self) -> int:
        return ROW * len(self.bars)

    @property
    def described(self) -> str:
        """The chart as text, for screen readers."""
        return "; ".join(f"{bar.label}: {bar.value}" for bar in self.bars) or "No records."


@dataclass(frozen=True)
class Card:
    """A dataset on the dashboard."""

    name: str
    label: str
    tables: list[tuple[str, str, str]]
    last: ImportRun | None
    waiting: list[tuple[str, str]]
    charts: list[BarChart]


def cards_for(user: Viewer, only: str | None = None) -> Iterator[Card]:
    """Yield a card for each dataset of which *user* may view a table, or only for the dataset *only*."""
    sees_runs = user.has_perm("imports.view_importrun")
    for label, app in dataset_apps().items():
        visible = [model for model in app.get_models() if user.has_perm(f"{label}.view_{model._meta.model_name}")]
        if not visible or only not in (None, label):
            continue
        tables = [
            (str(model._meta.verbose_name_plural), displayed_count(model), _address(model))
            for model in visible
            if issubclass(model, Record)
        ]
        runs = ImportRun.objects.filter(dataset=label)
        charts = [_chart(view) for view in views_of(label) if view in visible]
        yield Card(
            str(app.verbose_name),
            label,
            tables,
            runs.select_related("started_by").order_by("-pk").first() if sees_runs else None,
            list(_waiting(label, user)) if sees_runs else [],
            [chart for chart in charts if chart],
        )


def _waiting(dataset: str, user: Viewer) -> Iterator[tuple[str, str]]:
    """Yield the open tasks of a curator: text and URL.

    Previews appear only for users who may apply them; command-line previews cannot be applied here.
    """
    applied = ImportRun.objects.applied(dataset).values_list("pk", flat=True).first()
    previewed = ImportRun.objects.filter(dataset=dataset, status=ImportRun.Status.PREVIEWED, pk__gt=applied or 0)
    if not user.has_perm("imports.add_importrun"):
        previewed = previewed.none()
    for pk in previewed.filter(task_id__isnull=False).order_by("-pk").values_list("pk", flat=True)[:3]:
        yield f"Run {pk} is ready to review", reverse("admin:imports_importrun_change", args=[pk])
    if user.has_perm("imports.view_rejectedrow") and (count := count_open(dataset)):
        number = f"{AT_MOST:,}+" if count > AT_MOST else f"{count:,}"
        yield (
            f"{number} open rejected row{pluralize(count)}",
            reverse("admin:imports_rejectedrow_worklist", args=[dataset]),
        )
    if applied and (kept := SourceFile.objects.filter(run=applied).aggregate(kept=Sum("kept"))["kept"]):
        records = "record kept although the file differs" if kept == 1 else "records kept although the files differ"
        yield f"{kept:,} {records} (run {applied})", reverse("admin:imports_importrun_change", args=[applied])


def _chart(view: type[MaterializedView]) -> BarChart | None:
    """Return the chart of *view*, cached until its next refresh."""
    summary = state_of(view)
    key = f"front_page:{view._meta.db_table}:{versions_behind(view).replace(' ', ':')}"
    if (cached := cache.get(key)) is None:
        try:
            with transaction.atomic():
                cached = _bars(view)
        except DatabaseError:  # a materialized view that has never been refreshed cannot be read
            return None
        cache.set(key, cached, DAY)
    bars, more = cached
    title, shows = str(view._meta.verbose_name_plural).capitalize(), _shown(view)
    return BarChart(title, shows, _address(view), bars, more, summary)


def _bars(view: type[MaterializedView]) -> tuple[list[Bar], int]:
    """Return the first bars of the view and the number of further bars."""
    label, value, order = _plan_of(view)
    rows = view._default_manager.order_by()
    if value is None:
        value, rows = COUNT, rows.values(label).annotate(**{COUNT: Count("pk")})
    pairs = list(rows.order_by(order).values_list(label, value)[: 10 * BARS])
    longest = max((amount or 0 for _, amount in pairs), default=0)
    bars = [
        Bar(str(name), _formatted(amount), round(100 * (amount or 0) / longest, 1) if longest else 0, ROW * index)
        for index, (name, amount) in enumerate(pairs[:BARS])
    ]
    return bars, max(len(pairs) - BARS, 0)


def _plan_of(view: type[MaterializedView]) -> tuple[str, str | None, str]:
    """Return the label column, the value column (None for a count of rows), and the sort order.

    A chart with colours has several rows for one x: its bars are labelled by the primary key.
    """
    chart = chart_of(view)
    label = view._meta.pk.name if chart.colour else chart.x
    value = chart.measure.partition(":")[2] or None
    key = chart.sort.removeprefix("-")
    key = {"": label, "name": label, "value": value or COUNT}.get(key, key)
    return label, value, f"-{key}" if chart.sort.startswith("-") else key


def _shown(view: type[MaterializedView]) -> str:
    """Return the subtitle of a view's chart: value and label column."""
    label, value, _ = _plan_of(view)
    shown = field_of(view, value).verbose_name if value else "count"
    labels = view._meta.verbose_name if chart_of(view).colour else field_of(view, label).verbose_name
    return f"{shown} by {labels}"


def _formatted(amount: Any) -> str:
    if isinstance(amount, float):
        return f"{amount:.1%}" if 0 <= amount <= 1 else f"{amount:,.1f}"
    return f"{amount or 0:,}"


def _address(model: type[models.Model]) -> str:
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    except NoReverseMatch:
        return ""
