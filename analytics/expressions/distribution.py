"""The distribution of a column as expressions (see datasets.records.distribution)."""

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from datasets.records.distribution import QUARTILES


def distribution(table: ir.Table, column: Any, *, ordered: bool) -> ir.Table:
    """Return one row: the numbers of records, of missing and of distinct values, and the points if *ordered*."""
    counts = table.group_by(value=column).aggregate(n=table.count())
    known = counts.mutate(known=counts.value.notnull().ifelse(counts.n, 0))
    totals = {
        "total": known.n.sum().coalesce(0),
        "missing": (known.n - known.known).sum().coalesce(0),
        "distinct": known.value.count(),
    }
    if not ordered:
        return known.aggregate(**totals)
    running = ibis.window(order_by=ibis.asc("value"), rows=(None, 0))
    ranked = known.mutate(upto=known.known.sum().over(running), all=known.known.sum().over(ibis.window()))
    ranked = ranked.mutate(ranked=ranked.value.notnull())
    around = {
        f"around_{quartile}_{rounded}": ranked.value.min(
            where=ranked.ranked & (ranked.upto > ((ranked["all"] - 1) * quartile + rounded) // 4)
        )
        for quartile in QUARTILES
        for rounded in (0, 3)
    }
    totals = {
        "total": ranked.n.sum().coalesce(0),
        "missing": (ranked.n - ranked.known).sum().coalesce(0),
        "distinct": ranked.value.count(),
    }
    return ranked.aggregate(**totals, least=ranked.value.min(), **around, most=ranked.value.max())


def extent(table: ir.Table, column: Any) -> ir.Table:
    """Return one row: the minimum and the maximum of *column*."""
    return table.aggregate(least=column.min(), most=column.max())


def counts_between(table: ir.Table, column: Any, ends: Sequence[tuple[Any, Any]]) -> ir.Table:
    """Return one row: the number of values between each pair of *ends*."""
    counts = {
        f"bin_{n}": ((column >= first) & (column <= last)).cast("int64").sum().coalesce(0)
        for n, (first, last) in enumerate(ends)
    }
    return table.aggregate(**counts)


def counts_of(table: ir.Table, column: Any) -> ir.Table:
    """Return a row with each value of *column* and its number of records."""
    return table.group_by(value=column).aggregate(n=table.count())
