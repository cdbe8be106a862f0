"""Summaries: records counted and measured in groups, by the database alone, with the same answers on both engines.

Groups: ``education``, ``date_of_birth:year`` (or ``:month``), ``age:10`` (ten years each, called by the lowest).
Measures: ``count``, and ``sum``, ``mean``, ``median``, ``min`` or ``max`` of a column, such as ``mean:hours_per_week``.
Of yes and no, the sum is how many are yes and the mean is their share.

Records without a value are a group of their own, which comes last; measures leave out what is empty. Where a column
shows the unique name of a record that is referred to, groups are made by its key and named afterwards: as many rows
are joined as there are groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import EmptyResultSet
from django.db import DataError, OperationalError, connections, models

from datasets.query_values import decimal_number
from datasets.records.aggregation_sql import PARTS, summary_sql
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.grouping import AggregationError, Grouping, Measure, too_large
from datasets.sql.text_order import TEXTS
from datasets.suggestions import suggest

MOST_GROUPINGS, MOST_MEASURES = 5, 20  # of one summary
OF_COLUMNS = ("sum", "mean", "median", "min", "max")


@dataclass(frozen=True)
class Summary:
    """Groups in their order: for each its values, those of the groupings first; *truncated* where there are more."""

    names: list[str]
    rows: list[tuple]
    truncated: bool


def groupings(model: type[models.Model], names: Sequence[str], user) -> list[Grouping]:
    """Return what *names* group *model*'s records by; raises AggregationError, also for hidden personal data."""
    if len(names) > MOST_GROUPINGS:
        raise AggregationError("by", f"Expected at most {MOST_GROUPINGS}, found {len(names)}.")
    _once("by", names)
    return [_grouping(model, name, user) for name in names]


def measures(model: type[models.Model], names: Sequence[str], user) -> list[Measure]:
    """Return the measures that *names* ask of *model*'s records; raises AggregationError."""
    if len(names) > MOST_MEASURES:
        raise AggregationError("measure", f"Expected at most {MOST_MEASURES}, found {len(names)}.")
    _once("measure", names)
    return [_measure(model, name, user) for name in names]


def can_group_by(column: ListedColumn) -> bool:
    """Whether records can be grouped by *column*: not by lists of other records, nor by documents."""
    return not (column.many or isinstance(column.field, models.JSONField))


def can_measure(kind: str, column: ListedColumn) -> bool:
    """Whether *kind* can be measured of *column*: amounts are summed up, keys are not."""
    if not can_group_by(column) or column.is_list:
        return False
    if kind in ("min", "max"):
        return isinstance(column.field, (models.IntegerField, models.FloatField, models.DateField, *TEXTS))
    amounts = (models.IntegerField, models.FloatField, *([] if kind == "median" else [models.BooleanField]))
    is_key = column.field.primary_key or column.path in ("created_line", "changed_line")
    return isinstance(column.field, amounts) and not is_key


def can_be_parted(column: ListedColumn) -> bool:
    """Whether *column* can be grouped in bins: numbers that are no keys."""
    return can_measure("median", column)


def summarise(
    records: models.QuerySet,
    by: Sequence[Grouping],
    measured: Sequence[Measure],
    ordering: Sequence[str] = (),
    limit: int | None = None,
) -> Summary:
    """Measure *records* in groups; *ordering* has names of groupings and measures, ``-`` before those that fall.

    What is not in *ordering* follows in the order of *by*. At most *limit* groups are returned, and whether there are
    more. Raises AggregationError.
    """
    names = [*(grouping.name for grouping in by), *(measure.name for measure in measured)]
    asked = [name.removeprefix("-") for name in ordering]
    _once("ordering", asked)
    for name in asked:
        if name not in names:
            found = name[:100] or "none"
            raise AggregationError("ordering", f"Expected names out of {', '.join(names)}; found {found}.")
    ordering = [*ordering, *(grouping.name for grouping in by if grouping.name not in asked)]
    connection = connections[records.db]
    try:
        sql, parameters = summary_sql(records, by, measured, ordering, connection)
    except EmptyResultSet:
        return _nothing(records, by, measured, names)
    if limit is not None:
        sql += f" LIMIT {limit + 1:d}"
    readers = [*(grouping.read for grouping in by), *(measure.read for measure in measured)]
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found = cursor.fetchall()
        rows = [tuple(read(v) for read, v in zip(readers, row, strict=True)) for row in found[:limit]]
    except (DataError, OverflowError):
        raise too_large() from None
    except OperationalError as error:
        if "integer overflow" not in str(error):  # as SQLite says it
            raise
        raise too_large() from None
    return Summary(names, rows, truncated=limit is not None and len(found) > limit)


def _nothing(records, by, measured, names) -> Summary:
    rows = [] if by else [tuple(0 if measure.kind == "count" else None for measure in measured)]
    return Summary(names, rows, False)


def _once(parameter: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise AggregationError(parameter, f"{name[:100]} is named twice.")


def _column(model: type[models.Model], parameter: str, name: str, may, user, unfit: str) -> ListedColumn:
    columns = {column.name: column for column in columns_of(model) if may(column)}
    if name not in columns:
        usable = [one for one, column in columns.items() if not column.permission or user.has_perm(column.permission)]
        hint = suggest(name, usable)
        allowed = f"Columns for this: {', '.join(columns)}." if columns else "There is none here."
        if not name:
            raise AggregationError(parameter, f"Expected the name of a column, found none. {allowed}")
        if any(column.name == name for column in columns_of(model)):
            raise AggregationError(parameter, f"{name} is a column, but {unfit}.{hint} {allowed}")
        raise AggregationError(parameter, f"There is no column {name[:100]}.{hint} {allowed}")
    column = columns[name]
    if column.permission and not user.has_perm(column.permission):
        message = f"{name} holds personal data: the permission {column.permission} is needed to summarise by it."
        raise AggregationError(parameter, message)
    return column


def _grouping(model: type[models.Model], text: str, user) -> Grouping:
    name, colon, how = text.partition(":")
    column = _column(model, "by", name, can_group_by, user, "one of lists or documents, which make no groups")
    reference, _, rest = column.path.partition("__")
    if not colon:
        target = model._meta.get_field(reference) if rest else None
        names_records = target and column.field.unique and column.field.model is target.related_model
        return Grouping(text, column, reference=target if names_records else None)
    if isinstance(column.field, models.DateField):
        if how not in PARTS:
            raise AggregationError("by", f"Expected {name}:{f' or {name}:'.join(PARTS)}; found {text[:100]}.")
        return Grouping(text, column, part=how)
    if not can_be_parted(column):
        raise AggregationError("by", f"Expected {name} alone, which holds no dates or amounts; found {text[:100]}.")
    return Grouping(text, column, width=_width(column, how))


def _width(column: ListedColumn, text: str) -> Decimal:
    whole = not isinstance(column.field, models.FloatField)
    try:
        width = decimal_number(text) if len(text) <= 20 else None
    except ValueError:
        width = None
    if width is None or not Decimal("1e-6") <= width <= 10**9 or (whole and width % 1):
        raise AggregationError(
            "by",
            f"Expected the width of the bins after {column.name}:, a {'whole ' * whole}number such as "
            f"{column.name}:10 and up to 1000000000; found {text[:100] or 'none'}.",
        )
    return width


def _measure(model: type[models.Model], text: str, user) -> Measure:
    kind, colon, name = text.partition(":")
    if text == "count":
        return Measure(text)
    if kind not in OF_COLUMNS or not colon:
        allowed = ", ".join(f"{kind}:COLUMN" for kind in OF_COLUMNS)
        raise AggregationError("measure", f"Expected count or one of {allowed}; found {text[:100] or 'none'}.")
    unfit = f"{kind} is not taken of what it holds"
    column = _column(model, "measure", name, lambda column: can_measure(kind, column), user, unfit)
    return Measure(text, kind, column)
