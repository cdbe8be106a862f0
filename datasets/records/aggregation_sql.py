"""The SQL of summaries for both engines (see datasets.records.aggregation)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Value

from datasets.fields import related_model
from datasets.records.columns import ListedColumn
from datasets.records.grouping import PRECISION, QUANTILES, Grouping, Measure
from datasets.records.precision_sql import precision_sql
from datasets.sql.dialect import column_name, pk_column

PARTS = {"year": "YYYY", "month": "YYYY-MM"}  # parts of a date, as strings such as 2023-05
EXACT = 2**53  # floating-point numbers from this size on have no fraction


def summary_sql(
    records: models.QuerySet[Any],
    by: Sequence[Grouping],
    measured: Sequence[Measure],
    ordering: Sequence[str],
    connection: BaseDatabaseWrapper,
) -> tuple[str, list[Any]]:
    """Return the statement that measures *records*, and its parameters. Raises EmptyResultSet if no record can match.

    Records are grouped before any join. PostgreSQL inlines the WITH query.
    """
    on_postgresql = connection.vendor == "postgresql"
    columns: dict[str, F | Value] = {
        f"group_{n}": F(g.reference.attname if g.reference else g.column.path) for n, g in enumerate(by)
    }
    columns |= {f"value_{n}": F(m.column.path) for n, m in enumerate(measured) if m.column}
    columns |= {f"weight_{n}": F(m.weight.path) for n, m in enumerate(measured) if m.weight}
    inner = records.order_by().annotate(**columns or {"one": Value(1)}).values_list(*columns or ["one"])
    query, parameters = inner.query.get_compiler(using=records.db).as_sql()

    keys = [f"{_key(g, f'group_{n}', on_postgresql=on_postgresql)} AS key_{n}" for n, g in enumerate(by)]
    grouped = f" GROUP BY {', '.join(str(n + 1) for n in range(len(by)))}" if by else ""
    windowed = [n for n, m in enumerate(measured) if m.kind in QUANTILES and not on_postgresql]
    values = [
        f"{_value(m, n, on_postgresql=on_postgresql)} AS measure_{n}"
        for n, m in enumerate(measured)
        if n not in windowed
    ]
    ranked = {n: next(m for m in windowed if measured[m].column == measured[n].column) for n in windowed}
    joins = [
        _quantiles(first, keys, {n: measured[n].kind for n in windowed if ranked[n] == first})
        for first in sorted({*ranked.values()})
    ]
    joins += [_names(n, g.reference, g.column, connection) for n, g in enumerate(by) if g.reference]

    outputs = {g.name: f"groups.key_{n}" for n, g in enumerate(by)}
    outputs |= {g.name: f"names_{n}.name" for n, g in enumerate(by) if g.reference}
    outputs |= {
        m.name: f"quantiles_{ranked[n]}.quantile_{n}" if n in ranked else f"measure_{n}" for n, m in enumerate(measured)
    }
    order = [
        outputs[name.removeprefix("-")] + (" DESC" if name.startswith("-") else "") + " NULLS LAST" for name in ordering
    ]
    # The precision of means reads the records twice; stored in between, they would be read three times.
    inlined = any(m.kind in PRECISION for m in measured) and not windowed
    sql = (
        f"WITH records AS {'NOT MATERIALIZED ' * inlined}({query}) SELECT {', '.join(outputs.values())} FROM "
        f"(SELECT {', '.join([*keys, *values]) or 'COUNT(*)'} FROM records{grouped}) AS groups"
        + "".join(joins)
        + (f" ORDER BY {', '.join(order)}" if order else "")
    )
    return sql, list(parameters)


def _key(grouping: Grouping, name: str, *, on_postgresql: bool) -> str:
    if grouping.part:
        form = PARTS[grouping.part]
        return f"to_char({name}, '{form}')" if on_postgresql else f"substr({name}, 1, {len(form)})"
    if grouping.width is None:
        return name
    if not isinstance(grouping.column.field, models.FloatField):
        width = int(grouping.width)  # integer division truncates toward zero
        return f"({name} / {width} - CASE WHEN {name} %% {width} < 0 THEN 1 ELSE 0 END)"
    ratio = f"({name} / {grouping.width + Decimal('0.0'):f})"
    if on_postgresql:
        return f"floor{ratio}"
    whole = f"CAST({ratio} AS INTEGER)"  # floor() is optional in SQLite
    return f"CASE WHEN abs({ratio}) >= {EXACT}.0 THEN {ratio} ELSE {whole} - ({ratio} < {whole}) END"


def _value(measure: Measure, n: int, *, on_postgresql: bool) -> str:
    name = f"value_{n}"
    if measure.column is None:
        return "COUNT(*)"
    if measure.weight or measure.kind in ("known", *PRECISION):
        return precision_sql(measure, n, on_postgresql=on_postgresql)
    field = measure.column.field
    if on_postgresql and isinstance(field, models.BooleanField):
        name = f"{name}::int"
    match measure.kind:
        case kind if kind in QUANTILES:
            return f"percentile_cont({QUANTILES[kind]}) WITHIN GROUP (ORDER BY {name})"
        case "mean" if isinstance(field, models.FloatField):
            return f"AVG({name})"
        case "mean":  # computed from the exact sum, because the engines round means of integers differently
            return (
                f"SUM({name})::float8 / NULLIF(COUNT({name}), 0)" if on_postgresql else f"TOTAL({name}) / COUNT({name})"
            )
    return f"{measure.kind.upper()}({name})"


def _quantiles(n: int, keys: Sequence[str], kinds: dict[int, str]) -> str:
    """Return a join for the quantiles of value *n* on SQLite.

    *kinds* has their kinds by measure. The values are sorted only once. Quantiles between two values are interpolated
    in the same way as in PostgreSQL.
    """
    names = [f"key_{index}" for index in range(len(keys))]
    partition = f"PARTITION BY {', '.join(names)} " if names else ""
    grouped = f" GROUP BY {', '.join(names)}" if names else ""
    keyed = f"SELECT {', '.join([*keys, f'value_{n} AS x'])} FROM records WHERE value_{n} IS NOT NULL"
    placed = (
        f"SELECT {', '.join([*names, 'x'])}, ROW_NUMBER() OVER ({partition}ORDER BY x) - 1 AS place, "
        f"COUNT(*) OVER ({partition.rstrip()}) - 1 AS last FROM ({keyed})"
    )
    wanted, places = [], []
    for m, kind in kinds.items():
        exact = f"({QUANTILES[kind]} * last)"
        below = f"CAST({exact} AS INTEGER)"
        above = f"({below} + ({exact} > {below}))"
        low, high = (f"MAX(CASE WHEN place = {place} THEN x END)" for place in (below, above))
        wanted.append(f"{low} + MAX({exact} - {below}) * ({high} - {low}) AS quantile_{m}")
        places += [below, above]
    around = f"SELECT {', '.join([*names, *wanted])} FROM ({placed}) WHERE place IN ({', '.join(places)}){grouped}"
    same = " AND ".join(f"quantiles_{n}.{name} IS groups.{name}" for name in names) or "TRUE"
    return f" LEFT JOIN ({around}) AS quantiles_{n} ON {same}"


def _names(
    n: int, reference: models.ForeignKey[Any, Any], column: ListedColumn, connection: BaseDatabaseWrapper
) -> str:
    quote, target = connection.ops.quote_name, related_model(reference)
    name, table, key = quote(column_name(column.field)), quote(target._meta.db_table), quote(pk_column(target))
    return f" LEFT JOIN (SELECT {key} AS id, {name} AS name FROM {table}) AS names_{n} ON names_{n}.id = groups.key_{n}"
