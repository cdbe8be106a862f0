"""The measures of a chart: the count or share of records, or the mean, median or sum of a column."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models

from datasets.models import MaterializedView
from datasets.records.aggregation import measures
from datasets.records.columns import ListedColumn
from datasets.records.filter_widgets import title_of
from datasets.records.grouping import AggregationError, Measure
from datasets.records.masking import Viewer
from explore.charts.chart_spec import ChartError
from explore.charts.labels import records_of, unit_of, with_unit

OF_COLUMNS = ("mean", "median", "sum")
PERCENT = ".1%"


@dataclass(frozen=True)
class Measured:
    """A measure and its title; *sql* is the aggregate to compute besides the count of records."""

    kind: str
    title: str
    name: str
    sql: tuple[Measure, ...] = ()

    @property
    def column(self) -> ListedColumn | None:
        """The measured column, or None for a count or share of records."""
        return self.sql[0].column if self.sql else None

    @property
    def adds_up(self) -> bool:
        """Whether its parts can be stacked, with 0 for no records."""
        return self.kind in ("count", "share", "sum")

    def format(self, values: Iterable[float | None]) -> str:
        """Return the d3 format for numbers as large as *values*."""
        sizes = [abs(value) for value in values if value is not None]
        most = max(sizes, default=0)
        if self.kind == "share" or (self.kind == "mean" and self.of_share) or ("share" in self.name and most <= 1):
            return PERCENT
        if self.kind == "count" or all(value == int(value) for value in sizes):
            return ",d"
        return ",.1~f" if most >= 100 else ",.2~f" if most >= 1 else ",.4~f"

    @property
    def of_share(self) -> bool:
        """Whether its column is boolean."""
        return self.column is not None and isinstance(self.column.field, models.BooleanField)

    def of_single(self) -> str:
        """Return its title if each group is one record, as in a summary table."""
        return with_unit(self.name, unit_of(self.column)) if self.column else self.title


def records_word(model: type[models.Model]) -> str:
    """Return the plural name of a table's records; those of a summary table are rows."""
    return "rows" if issubclass(model, MaterializedView) else records_of(model)


def counted_records(model: type[models.Model], count: int) -> str:
    """Return *count* and the name of the records, such as ``1 respondent`` or ``2 rows``."""
    if count != 1:
        return f"{count:,} {records_word(model)}"
    return "1 row" if issubclass(model, MaterializedView) else f"1 {model._meta.verbose_name}"


def measured(model: type[models.Model], text: str, user: Viewer) -> Measured:
    """Return the measure named *text*; raises ChartError."""
    word = records_word(model)
    if text == "share":
        return Measured("share", f"share of {word}", word)
    kind, _, _ = text.partition(":")
    if text != "count" and kind not in OF_COLUMNS:
        expected = ", ".join(["count", "share", *(f"{name}:COLUMN" for name in OF_COLUMNS)])
        raise ChartError("measure", f"Expected one of {expected}; found {text[:100] or 'none'}.")
    try:
        measure = measures(model, [text], user)[0]
    except AggregationError as error:
        raise ChartError("measure", str(error)) from None
    if measure.column is None:
        return Measured("count", word, word)
    name = title_of(model, measure.column)
    if isinstance(measure.column.field, models.BooleanField):
        title = f"share with {name}" if kind == "mean" else f"{word} with {name}"
    else:
        title = with_unit(f"{kind} {'of ' * (kind == 'sum')}{name}", unit_of(measure.column))
    return Measured(kind, title, name, (measure,))
