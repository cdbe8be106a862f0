"""Weighted sums and means, and the precision of means, as expressions (see datasets.records.precision_sql)."""

from typing import Any

import ibis.expr.types as ir


def precision(kind: str, value: Any, weight: Any | None) -> ir.Value:
    """Return the aggregate *kind* of *value* with *weight*, both columns of one table."""
    x, count = value.cast("float64"), value.count()
    if weight is None:
        return count if kind != "squared_error" else x.var(how="sample") / count.nullif(0)
    w = weight.cast("float64")
    weights = value.notnull().ifelse(w, None)
    match kind:
        case "known":
            return (x * w).count()
        case "sum":
            return (w * x).sum()
        case "mean":
            return (w * x).sum() / weights.sum().nullif(0)
        case "effective":
            return weights.sum() * weights.sum() / (weights * weights).sum().nullif(0)
    d = x - x.min().as_scalar()  # keeps the digits of large numbers that differ little
    mean = (w * d).sum() / weights.sum().nullif(0)
    squares = (w * w * d * d).sum() - mean * (w * w * d).sum() * 2 + mean * mean * (weights * weights).sum()
    number = (w * d).count()
    return squares * number / (number - 1).nullif(0) / (weights.sum() * weights.sum()).nullif(0)
