"""A summary as an expression: the groupings and the measures of datasets.records.grouping."""

from collections.abc import Callable, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
from django.db import models

from analytics.expressions.columns import column_of
from analytics.expressions.precision import precision
from datasets.records.grouping import PRECISION, QUANTILES, Grouping, Measure

Row = tuple[Any, ...]


def groups(
    table: ir.Table,
    model: type[models.Model],
    by: Sequence[Grouping],
    measured: Sequence[Measure],
    ordering: Sequence[str],
    limit: int | None,
) -> ir.Table:
    """Return the expression of the groups of the filtered *table*: keys, then measures. See aggregation.summarise."""
    keys = {f"key_{n}": _key(column_of(table, model, grouping.column), grouping) for n, grouping in enumerate(by)}
    values = {f"measure_{n}": _value(table, model, measure) for n, measure in enumerate(measured)}
    grouped = table.group_by(**keys).aggregate(**values) if keys else table.aggregate(**values)
    names = [*(grouping.name for grouping in by), *(measure.name for measure in measured)]
    outputs = dict(zip(names, [*keys, *values], strict=True))
    order = [
        ibis.desc(outputs[name[1:]], nulls_first=False) if name[0] == "-" else ibis.asc(outputs[name])
        for name in ordering
    ]
    ordered = grouped.order_by(order) if order else grouped
    return ordered.limit(limit) if limit is not None else ordered


def reader(by: Sequence[Grouping]) -> Callable[[Row], Row]:
    """Return a function that converts the keys of a row to those of the database."""
    readers = [_reader(grouping) for grouping in by]

    def read(row: Row) -> Row:
        keys = zip(readers, row, strict=False)
        return (*(None if key is None else convert(key) for convert, key in keys), *row[len(readers) :])

    return read


def _key(column: Any, grouping: Grouping) -> ir.Value:
    """Return the key of a group: for a month, a number such as 202305; for a bin of whole numbers, its start."""
    if grouping.part:
        year = column.year().cast("int64")
        return year if grouping.part == "year" else year * 100 + column.month()
    if grouping.width is None:
        return column
    if isinstance(grouping.column.field, models.FloatField):
        return (column / float(grouping.width)).floor()
    width = ibis.literal(int(grouping.width), "int64")
    whole = column.cast("int64")
    return whole - (whole % width + width) % width  # the engines' % has the sign of the number


def _reader(grouping: Grouping) -> Callable[[Any], Any]:
    if grouping.part == "month":
        return lambda key: f"{key // 100:04}-{key % 100:02}"
    if grouping.width is not None and not isinstance(grouping.column.field, models.FloatField):
        width = int(grouping.width)
        return lambda key: key // width
    return lambda key: key


def _value(table: ir.Table, model: type[models.Model], measure: Measure) -> ir.Value:
    if measure.column is None:
        return table.count()
    value = column_of(table, model, measure.column)
    if isinstance(measure.column.field, models.BooleanField):
        value = value.cast("int64")
    if measure.weight or measure.kind in ("known", *PRECISION):
        weight = column_of(table, model, measure.weight) if measure.weight else None
        return precision(measure.kind, value, weight)
    match measure.kind:
        case kind if kind in QUANTILES:
            return value.quantile(float(QUANTILES[kind]))
        case "mean" if isinstance(measure.column.field, models.FloatField):
            return value.mean()
        case "mean":  # from the exact sum, as in the database
            return value.sum().cast("float64") / value.count().nullif(0)
        case "sum":
            return value.sum()
    return value.min() if measure.kind == "min" else value.max()
