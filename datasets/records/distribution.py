"""The distribution of a column in a list: missing and distinct values, minimum, quartiles and maximum.

Both engines count the records by value first, and compute the quartiles from these counts with whole numbers. A
quartile of numbers is interpolated linearly between the two values around it, as in ``percentile_cont`` and
``numpy.quantile``. A quartile of dates is the earlier of the two dates.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import F

from datasets.records.analytical_copy import copy_executor
from datasets.records.columns import ListedColumn
from datasets.records.grouping import Grouping, Measure

QUARTILES = (1, 2, 3)


@dataclass(frozen=True)
class Distribution:
    """The number of *records*, of those without a value (*missing*), and of *distinct* values.

    *points* are the minimum, the three quartiles and the maximum, or None for a column without an order or values.
    """

    records: int
    missing: int
    distinct: int
    points: tuple[Any, ...] | None = None


def is_ordered(column: ListedColumn) -> bool:
    """Return whether *column* has quartiles: true for numbers and dates."""
    return isinstance(column.field, models.IntegerField | models.FloatField | models.DateField)


def distribution(records: models.QuerySet[Any], grouping: Grouping) -> Distribution:
    """Return the distribution of the column of *grouping* in *records*, with one query."""
    column = grouping.column
    path = grouping.reference.attname if grouping.reference else column.path
    ordered = is_ordered(column) and not grouping.reference
    copy = copy_executor()
    row = copy.distribution(records, column, ordered=ordered) if copy else None
    try:
        total, missing, distinct, *found = row or _row(records, path, ordered=ordered)
    except EmptyResultSet:
        return Distribution(0, 0, 0)
    read = Measure("min", "min", column).read
    least, *around, most = map(read, found) if found else (None, None)
    if least is None:
        return Distribution(total, missing, distinct)
    pairs = zip(QUARTILES, around[::2], around[1::2], strict=True)
    known = total - missing
    return Distribution(total, missing, distinct, (least, *(_between(known, *pair) for pair in pairs), most))


def _row(records: models.QuerySet[Any], path: str, *, ordered: bool) -> tuple[Any, ...]:
    """Return the distribution of the column *path* from the database. Raises EmptyResultSet."""
    values = records.order_by().annotate(value=F(path)).values_list("value")
    query, parameters = values.query.get_compiler(using=records.db).as_sql()
    with connections[records.db].cursor() as cursor:
        cursor.execute(_ordered_sql(query) if ordered else _sql(query), parameters)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def _between(known: int, quartile: int, low: Any, high: Any) -> Any:
    """Return a quartile of *known* values. It is between *low* and *high*, which are equal if it is one of them."""
    return low if isinstance(low, date) else low + (high - low) * ((known - 1) * quartile % 4) / 4


def _sql(query: str) -> str:
    return (
        f"WITH counts AS (SELECT value, COUNT(*) AS n FROM ({query}) AS records GROUP BY value) "
        "SELECT CAST(COALESCE(SUM(n), 0) AS bigint), "
        "CAST(COALESCE(SUM(CASE WHEN value IS NULL THEN n END), 0) AS bigint), COUNT(value) FROM counts"
    )


def _ordered_sql(query: str) -> str:
    """Return the statement that also reads the minimum, the two values around each quartile, and the maximum.

    The values around quartile k have the positions (known - 1) * k / 4, rounded down and up, counted from 0.
    """
    around = []
    for quartile in QUARTILES:
        for rounded in (0, 3):  # integer division rounds down
            place = f"((known - 1) * {quartile} + {rounded}) / 4"
            around.append(f"MIN(CASE WHEN upto > {place} THEN value END)")
    return (
        f"WITH counts AS (SELECT value, COUNT(*) AS n FROM ({query}) AS records GROUP BY value), "
        "ranked AS (SELECT value, CAST(SUM(n) OVER (ORDER BY value ROWS UNBOUNDED PRECEDING) AS bigint) AS upto "
        "FROM counts WHERE value IS NOT NULL), "
        "totals AS (SELECT CAST(COALESCE(SUM(n), 0) AS bigint) AS total, "
        "CAST(COALESCE(SUM(CASE WHEN value IS NOT NULL THEN n END), 0) AS bigint) AS known FROM counts) "
        f"SELECT MAX(total), MAX(total - known), COUNT(value), MIN(value), {', '.join(around)}, MAX(value) "
        "FROM totals LEFT JOIN ranked ON 1 = 1"
    )
