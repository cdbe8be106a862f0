"""The SQL of weighted sums and means, and of the precision of means, for both engines.

With the weight w of each record, by default 1, and its value x:

* ``known``: the number of records with a value and a weight
* ``sum`` and ``mean``: Σwx and Σwx / Σw
* ``squared_error``: the square of the mean's standard error, n/(n - 1) · Σw²(x - mean)² / (Σw)². Without weights, this
  is the variance divided by n.
* ``effective``: the effective number of records (Σw)² / Σw² (Kish), which is n without weights
"""

from django.db import models

from datasets.records.grouping import Measure


def precision_sql(measure: Measure, n: int, *, on_postgresql: bool) -> str:
    """Return the aggregate *measure*, whose columns are ``value_n`` and ``weight_n`` of the query ``records``."""
    value = f"value_{n}"
    if measure.column and on_postgresql and isinstance(measure.column.field, models.BooleanField):
        value = f"{value}::int"
    x = _number(value, on_postgresql=on_postgresql)
    if not measure.weight:
        return _unweighted(measure.kind, value, x, on_postgresql=on_postgresql)
    weight = _number(f"weight_{n}", on_postgresql=on_postgresql)
    w = f"CASE WHEN {value} IS NOT NULL THEN {weight} END"
    match measure.kind:
        case "known":
            return f"COUNT({x} * {weight})"
        case "sum":
            return f"SUM({weight} * {x})"
        case "mean":
            return f"SUM({weight} * {x}) / NULLIF(SUM({w}), 0)"
        case "effective":
            return f"SUM({w}) * SUM({w}) / NULLIF(SUM({w} * ({w})), 0)"
    d = _difference(value, x)
    mean = f"(SUM({weight} * {d}) / NULLIF(SUM({w}), 0))"
    squares = (
        f"(SUM({weight} * {weight} * {d} * {d}) - 2 * {mean} * SUM({weight} * {weight} * {d}) "
        f"+ {mean} * {mean} * SUM({w} * ({w})))"
    )
    number = f"COUNT({weight} * {d})"
    return f"{squares} * {number} / NULLIF({number} - 1, 0) / NULLIF(SUM({w}) * SUM({w}), 0)"


def _unweighted(kind: str, value: str, x: str, *, on_postgresql: bool) -> str:
    number = f"COUNT({value})"
    if kind != "squared_error":
        return number
    if on_postgresql:
        return f"var_samp({x}) / NULLIF({number}, 0)"
    d = _difference(value, x)
    return f"(SUM({d} * {d}) - SUM({d}) * SUM({d}) / {number}) / NULLIF({number} - 1, 0) / {number}"


def _difference(value: str, x: str) -> str:
    """Return the difference of *x* to any one value: it keeps the digits of large numbers that differ little."""
    return f"({x} - (SELECT {x} FROM records WHERE {value} IS NOT NULL LIMIT 1))"


def _number(name: str, *, on_postgresql: bool) -> str:
    """Return a column as a floating-point number: products of whole numbers could be too large."""
    return f"{name}::float8" if on_postgresql else f"({name} * 1.0)"
