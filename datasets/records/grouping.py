"""The groupings and measures of summaries."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isinf
from typing import Any

from django.db import models

from datasets.records.columns import ListedColumn

GREATEST = 2**63 - 1  # the largest sum of integers on both engines
# Fractions for percentile_cont(), which interpolates between values.
QUANTILES = {"p05": "0.05", "q1": "0.25", "median": "0.5", "q3": "0.75", "p95": "0.95"}

PRECISION = ("squared_error", "effective")


class AggregationError(Exception):
    """An invalid parameter of a summary. *parameter* is ``by``, ``measure`` or ``ordering``."""

    def __init__(self, parameter: str, message: str):
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Grouping:
    """A grouping of records by a column, by a *part* of its dates, or by its numbers in bins of *width*.

    If the column has the unique names of related records, *reference* is the foreign key by which records are grouped
    instead.
    """

    name: str
    column: ListedColumn
    part: str = ""
    width: Decimal | None = None
    reference: models.ForeignKey[Any, Any] | None = None

    def read(self, value: Any) -> Any:
        """Convert the database's value of a group for the response."""
        if value is None:
            return None
        if self.width is not None:
            start = int(value) * self.width
            return float(start) if isinstance(self.column.field, models.FloatField) else int(start)
        if self.part:
            return int(value) if self.part == "year" else value
        return self.column.members_of(value) if self.column.is_list else _read(self.column.field, value)


@dataclass(frozen=True)
class Measure:
    """A measure of each group. *column* is None for the number of records.

    Only charts use *weight*, a column that weighs a sum or a mean, and the kinds of datasets.records.precision_sql.
    """

    name: str
    kind: str = "count"
    column: ListedColumn | None = None
    weight: ListedColumn | None = None

    def read(self, value: Any) -> Any:
        """Convert the database's value of the measure for the response.

        Raises AggregationError if the value is too large.
        """
        if value is None or self.column is None or self.kind == "known":
            return value
        if isinstance(value, float) and isinf(value):  # PostgreSQL refuses to add up such numbers
            raise too_large()
        if self.weight or self.kind in ("mean", *PRECISION) or self.kind in QUANTILES:
            return float(value)
        if self.kind == "sum" and not isinstance(self.column.field, models.FloatField):
            if abs(value) > GREATEST:
                raise too_large()
            return int(value)
        return _read(self.column.field, value)


def too_large() -> AggregationError:
    return AggregationError("measure", f"A sum or a bin exceeds {GREATEST}, the largest supported number.")


def _read(field: models.Field[Any, Any], value: Any) -> Any:
    """Convert a value from SQLite to the column's Python type."""
    if value is None:
        return None
    if isinstance(field, models.BooleanField):
        return bool(value)
    if isinstance(field, models.FloatField):
        return float(value)
    if isinstance(field, models.DateField) and isinstance(value, str):
        return date.fromisoformat(value)
    return value
