"""What records are grouped by, and what is measured of each group."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models

from datasets.records.columns import ListedColumn

GREATEST = 2**63 - 1  # of the whole numbers that both engines sum up to
# How many of the values are less, for what lies between two of them as percentile_cont() has it.
QUANTILES = {"p05": "0.05", "q1": "0.25", "median": "0.5", "q3": "0.75", "p95": "0.95"}


class AggregationError(Exception):
    """What is refused of a summary: *parameter* is ``by``, ``measure`` or ``ordering``."""

    def __init__(self, parameter: str, message: str):
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Grouping:
    """What records are grouped by: a column, a *part* of its dates, or its numbers in bins of a *width*.

    *reference* is the field whose keys stand for the column's values, where it shows unique names of other records.
    """

    name: str
    column: ListedColumn
    part: str = ""
    width: Decimal | None = None
    reference: models.ForeignKey | None = None

    def read(self, value: Any) -> Any:
        """Return what a database has for a group as it is served."""
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
    """What is measured of each group; *column* is None for the count of its records."""

    name: str
    kind: str = "count"
    column: ListedColumn | None = None

    def read(self, value: Any) -> Any:
        """Return what a database has for the measure as it is served; raises AggregationError for what is too large."""
        if value is None or self.kind == "count":
            return value
        if self.kind == "mean" or self.kind in QUANTILES:
            return float(value)
        if self.kind == "sum" and not isinstance(self.column.field, models.FloatField):
            if abs(value) > GREATEST:
                raise too_large()
            return int(value)
        return _read(self.column.field, value)


def too_large() -> AggregationError:
    return AggregationError("measure", f"Expected numbers up to {GREATEST}; a sum or a bin here is larger.")


def _read(field: models.Field, value: Any) -> Any:
    """Return a value as the column has it, where SQLite has it otherwise."""
    if value is None:
        return None
    if isinstance(field, models.BooleanField):
        return bool(value)
    if isinstance(field, models.FloatField):
        return float(value)
    if isinstance(field, models.DateField) and isinstance(value, str):
        return date.fromisoformat(value)
    return value
