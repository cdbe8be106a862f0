"""The values of a chart, measured by the database for each group of records.

If a column has more values than a chart can show, the most frequent are kept. A second query measures all other records
as one group, "other", so that its median is exact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from django.db import models
from django.db.models import Q

from datasets.fields import related_model
from datasets.models import Vocabulary
from datasets.records.aggregation import Summary, summarise
from datasets.records.filter_widgets import title_of
from datasets.records.grouping import Measure
from explore.charts.axes import Axis
from explore.charts.chart_spec import ChartError
from explore.charts.labels import OTHER, title

COUNT = Measure("count")
MOST_CELLS = 6000
Row = tuple[Any, ...]


class Other:
    """The key of the group "other"."""


REST = Other()


@dataclass(frozen=True)
class Groups:
    """Groups of records: *rows* have a key for each axis, then the number of records, then the measured values."""

    rows: list[Row]
    notes: list[str]
    depth: int

    @property
    def records(self) -> int:
        """The number of records in all groups."""
        return sum(row[self.depth] for row in self.rows)


def grouped(records: models.QuerySet, axes: Sequence[Axis], measured: Sequence[Measure]) -> Groups:
    """Measure *records* in groups along *axes*; raises AggregationError, or ChartError for too many groups."""
    wanted = [COUNT, *measured]
    summary = summarise(records, [axis.grouping for axis in axes], wanted, limit=MOST_CELLS)
    kept = [_kept(records, axis, place, summary, len(axes)) for place, axis in enumerate(axes)]
    if all(values is None for values in kept):
        if summary.truncated:
            message = f"The chart has more than {MOST_CELLS:,} groups. Choose fewer bins, years instead of months, or"
            raise ChartError("x", f"{message} fewer columns.")
        return Groups([_keyed(row, len(axes)) for row in summary.rows], [], len(axes))
    rows = []
    for rest in product(*([False] if values is None else [False, True] for values in kept)):
        part, inside = records, []
        for axis, values, beyond in zip(axes, kept, rest, strict=True):
            if values is not None:
                part = part.filter(_beyond(axis, values) if beyond else _among(axis, values))
            if not beyond:
                inside.append(axis.grouping)
        for row in summarise(part, inside, wanted, limit=MOST_CELLS).rows:
            if row[len(inside)]:  # a query without grouping returns a row even for no records
                keys = iter(_keyed(row, len(inside)))
                rows.append((*(REST if beyond else next(keys) for beyond in rest), *row[len(inside) :]))
    notes = [_note(records.model, axis, values) for axis, values in zip(axes, kept, strict=True) if values is not None]
    return Groups(rows, notes, len(axes))


def ranked(
    records: models.QuerySet, axes: Sequence[Axis], measured: Sequence[Measure], least: Measure | None, place: int = 0
) -> tuple[Groups, dict[Any, int] | None]:
    """Measure *records* as :func:`grouped` does, and rank the groups of axis *place* by the measure *least*, a minimum.

    The records are read once. The rank is None without *least*; a group without a value has none.
    """
    if least is None:
        return grouped(records, axes, measured), None
    if (values := _values_of_terms(axes[place], least)) is not None:
        return grouped(records, axes, measured), _ranks(values)
    # Its own name keeps it apart from the same measure of the chart.
    groups = grouped(records, axes, [*measured, replace(least, name=f"least {least.name}")])
    minimums: dict[Any, Any] = {}
    for row in groups.rows:
        if row[-1] is not None:
            minimums[row[place]] = min(row[-1], minimums.get(row[place], row[-1]))
    return replace(groups, rows=[row[:-1] for row in groups.rows]), _ranks(minimums)


def _values_of_terms(axis: Axis, least: Measure) -> dict[Any, Any] | None:
    """Return the value of each term if *axis* groups by a vocabulary and *least* measures a column of it, else None."""
    reference, column = axis.grouping.reference, least.column
    if reference is None or column is None or not issubclass(related_model(reference), Vocabulary):
        return None
    first, _, name = column.path.partition("__")
    if first != reference.name or not name or "__" in name:
        return None
    terms = related_model(reference)._base_manager.exclude(**{name: None})
    return dict(terms.values_list(axis.column.field.name, name))


def _ranks(values: dict[Any, Any]) -> dict[Any, int]:
    ranks = {value: rank for rank, value in enumerate(sorted(set(values.values())))}
    return {key: ranks[value] for key, value in values.items()}


def _kept(records: models.QuerySet, axis: Axis, place: int, summary: Summary, depth: int) -> list[Any] | None:
    """Return the most frequent values if there are more than the axis can show, else None."""
    if axis.most is None:
        return None
    if summary.truncated:
        counted = [
            (row[0], row[1]) for row in summarise(records, [axis.grouping], [COUNT], ["-count"], axis.most + 2).rows
        ]
    else:
        totals: Counter = Counter()
        for row in summary.rows:
            totals[_keyed(row, depth)[place]] += row[depth]
        counted = totals.most_common()
    values = [key for key, _ in counted if key is not None]
    return values[: axis.most] if len(values) > axis.most else None


def _keyed(row: Row, depth: int) -> Row:
    """Return *row* with hashable keys: tuples instead of lists."""
    return (*(tuple(key) if isinstance(key, list) else key for key in row[:depth]), *row[depth:])


def _note(model: type[models.Model], axis: Axis, values: list[Any]) -> str:
    name = title(title_of(model, axis.column))
    return f"{name}: top {len(values)}; the rest as “{OTHER}”"


def _among(axis: Axis, values: list[Any]) -> Q:
    """Match the records with one of *values*, and those with none, which are a separate group."""
    path, keys = _keys(axis, values)
    return Q(**{f"{path}__in": keys}) | Q(**{f"{path}__isnull": True})


def _beyond(axis: Axis, values: list[Any]) -> Q:
    path, keys = _keys(axis, values)
    return ~Q(**{f"{path}__in": keys}) & Q(**{f"{path}__isnull": False})


def _keys(axis: Axis, values: list[Any]) -> tuple[str, list[Any]]:
    """Return the column path and the stored keys of *values*: keys instead of names avoid a join."""
    reference, column = axis.grouping.reference, axis.column
    if reference is None:
        return column.path, [";".join(map(str, value)) if column.is_list else value for value in values]
    named = {f"{column.field.name}__in": values}
    keys = reference.related_model._base_manager.filter(**named).values_list("pk", flat=True)
    return reference.attname, list(keys)
