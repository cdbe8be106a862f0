"""Aggregation: count and measure records by group in the database, with the same results on both engines.

Groups: ``education``, ``date_of_birth:year`` (or ``:month``), ``age:10`` (bins of ten, named after their lower bound).
Measures: ``count``, and ``sum``, ``mean``, ``median``, ``min`` or ``max`` of a column, such as ``mean:hours_per_week``.
The sum of a boolean column is the number of true values, and its mean is the share of true values.

Records without a value form the last group, and measures ignore missing values. If a column has the unique names of
related records, records are grouped by the foreign key, and the names are joined to the groups instead of to the
records.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DataError, OperationalError, connections, models

from datasets.query_values import decimal_number
from datasets.records.aggregation_sql import PARTS, summary_sql
from datasets.records.analytical_copy import copy_executor
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.grouping import AggregationError, Grouping, Measure, too_large
from datasets.records.masking import Viewer
from datasets.sql.text_order import TEXTS
from datasets.suggestions import suggest

MOST_GROUPINGS, MOST_MEASURES = 5, 20  # limits of one summary
OF_COLUMNS = ("sum", "mean", "median", "min", "max")


@dataclass(frozen=True)
class Summary:
    """A sorted table of groups, each with the values of the groupings and then of the measures.

    *truncated* means that there are more groups.
    """

    names: list[str]
    rows: list[tuple[Any, ...]]
    truncated: bool


def groupings(model: type[models.Model], names: Sequence[str], user: Viewer) -> list[Grouping]:
    """Parse *names* as groupings of *model*.

    Raises AggregationError if a name is invalid, or if the column has personal data hidden from *user*.
    """
    if len(names) > MOST_GROUPINGS:
        raise AggregationError("by", f"Expected at most {MOST_GROUPINGS}, found {len(names)}.")
    _once("by", names)
    return [_grouping(model, name, user) for name in names]


def measures(model: type[models.Model], names: Sequence[str], user: Viewer) -> list[Measure]:
    """Parse *names* as measures of *model*. Raises AggregationError."""
    if len(names) > MOST_MEASURES:
        raise AggregationError("measure", f"Expected at most {MOST_MEASURES}, found {len(names)}.")
    _once("measure", names)
    return [_measure(model, name, user) for name in names]


def can_group_by(column: ListedColumn) -> bool:
    """Return whether records can be grouped by *column*: false for many-to-many columns and JSON documents."""
    return not (column.many or isinstance(column.field, models.JSONField))


def can_measure(kind: str, column: ListedColumn) -> bool:
    """Return whether the measure *kind* applies to *column*. For example, keys cannot be summed."""
    if not can_group_by(column) or column.is_list:
        return False
    if kind in ("min", "max"):
        return isinstance(column.field, (models.IntegerField, models.FloatField, models.DateField, *TEXTS))
    amounts = (models.IntegerField, models.FloatField, *([] if kind == "median" else [models.BooleanField]))
    is_key = column.field.primary_key or column.path in ("created_line", "changed_line")
    return isinstance(column.field, amounts) and not is_key


def can_be_parted(column: ListedColumn) -> bool:
    """Return whether *column* can be grouped in bins: true for numbers that are not keys."""
    return can_measure("median", column)


def summarise(
    records: models.QuerySet[Any],
    by: Sequence[Grouping],
    measured: Sequence[Measure],
    ordering: Sequence[str] = (),
    limit: int | None = None,
) -> Summary:
    """Measure *records* by group.

    *ordering* names groupings and measures, with ``-`` for descending order. Any other groupings are the last sort
    keys, in the order of *by*. The summary has at most *limit* groups. Raises AggregationError.
    """
    names = [*(grouping.name for grouping in by), *(measure.name for measure in measured)]
    sort_names = [name.removeprefix("-") for name in ordering]
    _once("ordering", sort_names)
    for name in sort_names:
        if name not in names:
            raise AggregationError("ordering", f"Expected one of {', '.join(names)}; found {name[:100] or 'none'}.")
    ordering = [*ordering, *(grouping.name for grouping in by if grouping.name not in sort_names)]
    most = None if limit is None else limit + 1
    readers = [*(grouping.read for grouping in by), *(measure.read for measure in measured)]
    try:
        copy = copy_executor()
        groups = copy.groups(records, by, measured, ordering, most) if copy else None
        if groups is None:
            groups = _groups(records, by, measured, ordering, most)
        rows = [tuple(read(v) for read, v in zip(readers, row, strict=True)) for row in groups[:limit]]
    except EmptyResultSet:
        rows = [] if by else [tuple(0 if measure.kind == "count" else None for measure in measured)]
        return Summary(names, rows, truncated=False)
    except (DataError, OverflowError):
        raise too_large() from None
    except OperationalError as error:
        if "integer overflow" not in str(error):  # SQLite's message
            raise
        raise too_large() from None
    return Summary(names, rows, truncated=limit is not None and len(groups) > limit)


def _groups(
    records: models.QuerySet[Any],
    by: Sequence[Grouping],
    measured: Sequence[Measure],
    ordering: Sequence[str],
    limit: int | None,
) -> list[tuple[Any, ...]]:
    """Return the groups of a summary from the database."""
    connection = connections[records.db]
    sql, parameters = summary_sql(records, by, measured, ordering, connection)
    with connection.cursor() as cursor:
        cursor.execute(sql if limit is None else f"{sql} LIMIT {limit:d}", parameters)
        groups: list[tuple[Any, ...]] = cursor.fetchall()
    return groups


def _once(parameter: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise AggregationError(parameter, f"{name[:100]} occurs twice.")


def _column(
    model: type[models.Model],
    parameter: str,
    name: str,
    may: Callable[[ListedColumn], bool],
    user: Viewer,
    unfit: str,
) -> ListedColumn:
    columns = {column.name: column for column in columns_of(model) if may(column)}
    if name not in columns:
        permitted = [column.name for column in columns.values() if _may_use(column, user)]
        hint = suggest(name, permitted)
        allowed = f"Available columns: {', '.join(columns)}." if columns else "No column is available."
        if not name:
            raise AggregationError(parameter, f"Expected the name of a column, found none. {allowed}")
        if any(column.name == name for column in columns_of(model)):
            raise AggregationError(parameter, f"{name} is a column, but {unfit}.{hint} {allowed}")
        raise AggregationError(parameter, f"There is no column {name[:100]}.{hint} {allowed}")
    column = columns[name]
    if not _may_use(column, user):
        message = f"{name} contains personal data. Summarising it needs the permission {column.permission}."
        raise AggregationError(parameter, message)
    return column


def _may_use(column: ListedColumn, user: Viewer) -> bool:
    return not column.permission or user.has_perm(column.permission)


def _grouping(model: type[models.Model], text: str, user: Viewer) -> Grouping:
    name, colon, how = text.partition(":")
    column = _column(model, "by", name, can_group_by, user, "lists and JSON documents cannot be grouped")
    if not colon:
        return Grouping(text, column, reference=_named_reference(model, column))
    if isinstance(column.field, models.DateField):
        if how not in PARTS:
            raise AggregationError("by", f"Expected {name}:{f' or {name}:'.join(PARTS)}; found {text[:100]}.")
        return Grouping(text, column, part=how)
    if not can_be_parted(column):
        raise AggregationError(
            "by", f"Expected {name} without a suffix, because it has no dates or quantities; found {text[:100]}."
        )
    return Grouping(text, column, width=_width(column, how))


def _named_reference(model: type[models.Model], column: ListedColumn) -> models.ForeignKey[Any, Any] | None:
    """Return the foreign key to the records that *column* names uniquely, or None."""
    reference, _, rest = column.path.partition("__")
    field = model._meta.get_field(reference) if rest else None
    if isinstance(field, models.ForeignKey) and column.field.unique and column.field.model is field.related_model:
        return field
    return None


def _width(column: ListedColumn, text: str) -> Decimal:
    whole = not isinstance(column.field, models.FloatField)
    try:
        width = decimal_number(text) if len(text) <= 20 else None
    except ValueError:
        width = None
    if width is None or not Decimal("1e-6") <= width <= 10**9 or (whole and width % 1):
        raise AggregationError(
            "by",
            f"The bin width must be a {'whole ' * whole}number up to 1000000000, such as "
            f"{column.name}:10 (found {text[:100] or 'none'}).",
        )
    return width


def _measure(model: type[models.Model], text: str, user: Viewer) -> Measure:
    kind, colon, name = text.partition(":")
    if text == "count":
        return Measure(text)
    if kind not in OF_COLUMNS or not colon:
        allowed = ", ".join(f"{kind}:COLUMN" for kind in OF_COLUMNS)
        raise AggregationError("measure", f"Expected count or one of {allowed}; found {text[:100] or 'none'}.")
    unfit = f"{kind} does not apply to its type"
    column = _column(model, "measure", name, lambda column: can_measure(kind, column), user, unfit)
    return Measure(text, kind, column)
