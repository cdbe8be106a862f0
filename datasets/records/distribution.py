"""The distribution of a column in a list: missing and distinct values, minimum, quartiles, maximum, counts by value.

Both engines count the records by value first, and compute the quartiles from these counts with whole numbers. A
quartile of numbers is interpolated linearly between the two values around it, as in ``percentile_cont`` and
``numpy.quantile``. A quartile of dates is the earlier of the two dates.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import Count, F

from datasets.records.analytical_copy import copy_executor
from datasets.records.columns import ListedColumn
from datasets.records.grouping import Grouping, Measure

QUARTILES = (1, 2, 3)
LISTED = 10_000  # distinct values whose counts are read by the same query

Counts = list[tuple[Any, int]]  # the values of a column in order, each with its number of records


@dataclass(frozen=True)
class Distribution:
    """The number of *records*, of those without a value (*missing*), and of *distinct* values.

    *points* are the minimum, the three quartiles and the maximum, or None for a column without an order or values.
    *counts* are those of its values, or None if the column has no points or more than LISTED values, or if the
    analytical copy has answered.
    """

    records: int
    missing: int
    distinct: int
    points: tuple[Any, ...] | None = None
    counts: Counts | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Extent:
    """The *least* and the greatest value (*most*) of a column, and the *counts* of at most LISTED values.

    All are None for a column without values, and *counts* is None for one with more values.
    """

    least: Any
    most: Any
    counts: Counts | None


def is_ordered(column: ListedColumn) -> bool:
    """Return whether *column* has quartiles: true for numbers and dates."""
    return isinstance(column.field, models.IntegerField | models.FloatField | models.DateField)


def distribution(records: models.QuerySet[Any], grouping: Grouping) -> Distribution:
    """Return the distribution of the column of *grouping* in *records*, with one query."""
    column = grouping.column
    path = grouping.reference.attname if grouping.reference else column.path
    ordered = is_ordered(column) and not grouping.reference
    copy = copy_executor()
    if copy and (row := copy.distribution(records, column, ordered=ordered)):
        rows = [(*row, None, None) if ordered else row]  # counting in the copy is quick
    else:
        rows = _rows(records, path, _ordered_sql() if ordered else _sql())
    if not rows:
        return Distribution(0, 0, 0)
    total, missing, distinct, *found = rows[0]
    if not ordered or found[0] is None:
        return Distribution(total, missing, distinct)
    read = Measure("min", "min", column).read
    least, *around, most = map(read, found[:-2])
    pairs = zip(QUARTILES, around[::2], around[1::2], strict=True)
    known = total - missing
    points = (least, *(_between(known, *pair) for pair in pairs), most)
    return Distribution(total, missing, distinct, points, _counts(column, rows))


def extent(records: models.QuerySet[Any], column: ListedColumn) -> Extent:
    """Return the extent of an ordered *column* in *records*, with one query."""
    ends = "found AS (SELECT MIN(value) AS least, MAX(value) AS most, COUNT(value) AS listed FROM counts)"
    rows = _rows(records, column.path, f"{ends} SELECT least, most, value, n FROM {_with_counts()}")
    if not rows:
        return Extent(None, None, None)
    read = Measure("min", "min", column).read
    return Extent(read(rows[0][0]), read(rows[0][1]), _counts(column, rows))


def is_quick_to_count(records: models.QuerySet[Any], column: ListedColumn) -> bool:
    """Return whether counting *records* by value takes no longer than reading them twice.

    It takes longer if most of the values are different, as those of the first records show. With filters, finding the
    first records may take as long as reading them all.
    """
    if copy_executor():
        return False
    first = records.order_by().values_list(column.path)[:LISTED]
    return bool(records.query.where) or bool(
        first.aggregate(values=Count(column.path, distinct=True))["values"] <= LISTED // 2
    )


def _rows(records: models.QuerySet[Any], path: str, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of *sql*, which follows the counts of *path* by value. There are none if no record can match."""
    values = records.order_by().annotate(value=F(path)).values_list("value")
    try:
        query, parameters = values.query.get_compiler(using=records.db).as_sql()
    except EmptyResultSet:
        return []
    counts = f"WITH counts AS (SELECT value, COUNT(*) AS n FROM ({query}) AS records GROUP BY value)"
    with connections[records.db].cursor() as cursor:
        cursor.execute(f"{counts}, {sql}", parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _counts(column: ListedColumn, rows: list[tuple[Any, ...]]) -> Counts | None:
    """Return the counts by value at the end of *rows*, or None if there are too many values."""
    read = Measure("min", "min", column).read
    if rows[0][-1] is None:
        return None
    return sorted((read(value), count) for *_, value, count in rows)


def _between(known: int, quartile: int, low: Any, high: Any) -> Any:
    """Return a quartile of *known* values. It is between *low* and *high*, which are equal if it is one of them."""
    return low if isinstance(low, date) else low + (high - low) * ((known - 1) * quartile % 4) / 4


def _with_counts() -> str:
    """Return the tables from which to select the row ``found``, once for each value, or once if there are too many."""
    return f"found LEFT JOIN counts ON listed <= {LISTED} AND value IS NOT NULL"


def _sql() -> str:
    return (
        "found AS (SELECT CAST(COALESCE(SUM(n), 0) AS bigint), "
        "CAST(COALESCE(SUM(CASE WHEN value IS NULL THEN n END), 0) AS bigint), COUNT(value) FROM counts) "
        "SELECT * FROM found"
    )


def _ordered_sql() -> str:
    """Return the statement that also reads the minimum, the two values around each quartile, and the maximum.

    The values around quartile k have the positions (known - 1) * k / 4, rounded down and up, counted from 0.
    """
    around = []
    for quartile in QUARTILES:
        for rounded in (0, 3):  # integer division rounds down
            place = f"((known - 1) * {quartile} + {rounded}) / 4"
            around.append(f"MIN(CASE WHEN upto > {place} THEN value END) AS q{quartile}_{rounded}")
    return (
        "ranked AS (SELECT value, CAST(SUM(n) OVER (ORDER BY value ROWS UNBOUNDED PRECEDING) AS bigint) AS upto "
        "FROM counts WHERE value IS NOT NULL), "
        "totals AS (SELECT CAST(COALESCE(SUM(n), 0) AS bigint) AS total, "
        "CAST(COALESCE(SUM(CASE WHEN value IS NOT NULL THEN n END), 0) AS bigint) AS known FROM counts), "
        "found AS (SELECT MAX(total) AS total, MAX(total - known) AS missing, COUNT(value) AS listed, "
        f"MIN(value) AS least, {', '.join(around)}, MAX(value) AS most FROM totals LEFT JOIN ranked ON 1 = 1) "
        f"SELECT found.*, value, n FROM {_with_counts()}"
    )
