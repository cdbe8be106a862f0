"""The measures of a chart: the count or share of records or of yes, or the mean, median or sum of a column."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import models

from datasets.listing import Weight, listing_of
from datasets.models import MaterializedView
from datasets.records.aggregation import measures
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.filter_widgets import title_of
from datasets.records.grouping import AggregationError, Measure
from datasets.records.masking import Viewer
from explore.charts.chart_spec import ChartError
from explore.charts.intervals import mean_interval, share_interval
from explore.charts.labels import records_of, unit_of, with_unit
from explore.charts.selection import Selection

OF_COLUMNS = ("mean", "median", "sum")
OF_YES = {"share": "mean", "count": "sum"}  # the share and the count of yes, as the mean and the sum of a column
PERCENT = ".1%"


@dataclass(frozen=True)
class Cell:
    """A group: its key on each axis, its number of records, its value, and the ends of the value's interval.

    *amount* is the number of records, or the sum of their weights; shares are parts of its total. *least* is the
    minimum of the records' values if the value has an interval.
    """

    keys: tuple[Any, ...]
    records: int
    value: float | None
    amount: float
    low: float | None = None
    high: float | None = None
    least: float | None = None


@dataclass(frozen=True)
class Measured:
    """A measure and its title.

    *sql* are the aggregates to compute besides the count of records: the value, and what *roles* say.
    """

    kind: str
    title: str
    name: str
    column: ListedColumn | None = None
    sql: tuple[Measure, ...] = ()
    roles: tuple[str, ...] = ()
    weight: Weight | None = None
    weighed_by: str = ""

    @property
    def adds_up(self) -> bool:
        """Whether its parts can be stacked, with 0 for no records."""
        return self.kind in ("count", "share", "sum")

    @property
    def counts_records(self) -> bool:
        """Whether its value is the number of records."""
        return self.kind == "count" and not self.weight

    @property
    def has_intervals(self) -> bool:
        return self.kind == "mean"

    @property
    def weighting(self) -> str:
        """The end of a title that says by what the records are weighted, or ""."""
        return f", weighted by {self.weighed_by}" if self.weight else ""

    @property
    def of_yes(self) -> bool:
        """Whether its column is boolean."""
        return self.column is not None and isinstance(self.column.field, models.BooleanField)

    def cell(self, keys: tuple[Any, ...], count: int, values: Sequence[Any]) -> Cell:
        """Return the group *keys* with *count* records; *values* are those of *sql*. Shares have no value yet."""
        found = dict(zip(self.roles, values, strict=True))
        records = found.get("known", count)
        value, weight = found.get("value"), found.get("weight")
        per = self.weight.per if self.weight else 1
        amount = count if self.weight is None else (weight or 0) / per
        if self.kind in ("count", "share"):
            return Cell(keys, count, amount if self.kind == "count" else None, amount)
        if value is not None and self.kind == "sum":
            value = value / per if self.weight else value
        low, high = None, None
        if value is not None and self.has_intervals:
            interval = share_interval if self.of_yes else mean_interval
            low, high = interval(value, found["precision"], records) or (None, None)
        return Cell(keys, records, value, amount, low, high, found.get("least"))

    def format(self, values: Iterable[float | None]) -> str:
        """Return the d3 format for numbers as large as *values*."""
        sizes = [abs(value) for value in values if value is not None]
        most = max(sizes, default=0)
        if self.kind == "share" or (self.kind == "mean" and self.of_yes) or ("share" in self.name and most <= 1):
            return PERCENT
        if self.kind == "count" or all(value == int(value) for value in sizes):
            return ",d" if most >= 10 or not self.weight else ",.1~f"
        return ",.1~f" if most >= 100 else ",.2~f" if most >= 1 else ",.4~f"

    def of_single(self) -> str:
        """Return its title if each group is one record, as in a summary table."""
        return with_unit(self.name, unit_of(self.column)) if self.column else self.title

    def note(self) -> list[str]:
        """Return how the records are weighted, for the caption."""
        if self.weight is None:
            return []
        sums = f"the sum of the weights{f' divided by {self.weight.per:,}' * (self.weight.per > 1)}"
        return [f"Weighted by {self.weighed_by}: {sums} is the number of {self.weight.unit}"]


def records_word(model: type[models.Model]) -> str:
    """Return the plural name of a table's records; those of a summary table are rows."""
    return "rows" if issubclass(model, MaterializedView) else records_of(model)


def counted_records(model: type[models.Model], count: int) -> str:
    """Return *count* and the name of the records, such as ``1 respondent`` or ``2 rows``."""
    if count != 1:
        return f"{count:,} {records_word(model)}"
    return "1 row" if issubclass(model, MaterializedView) else f"1 {model._meta.verbose_name}"


def weights_of(model: type[models.Model], user: Viewer) -> dict[str, tuple[Weight, ListedColumn]]:
    """Return the columns by which *user* may weigh the records of *model*, as its dataset declares them."""
    columns = {column.name: column for column in columns_of(model)}
    declared = {weight.column: (weight, columns[weight.column]) for weight in listing_of(model).weights}
    return {
        name: (weight, column)
        for name, (weight, column) in declared.items()
        if not column.permission or user.has_perm(column.permission)
    }


def measured(selection: Selection, text: str, weight_name: str = "") -> Measured:
    """Return the measure named *text*, weighted by the column *weight_name* if it is set; raises ChartError."""
    model, user = selection.model, selection.user
    kind, colon, name = text.partition(":")
    if not (text in ("count", "share") or (colon and (kind in OF_COLUMNS or kind in OF_YES))):
        expected = ", ".join(["count", "share", *(f"{known}:COLUMN" for known in (*OF_COLUMNS, *OF_YES))])
        raise ChartError("measure", f"Expected one of {expected}; found {text[:100] or 'none'}.")
    weight, weighing = _weight(selection, weight_name, kind) if weight_name else (None, None)
    by = title_of(model, weighing) if weighing else ""
    total = (Measure("weight", "sum", weighing),) if weighing else ()
    if not colon:
        word = weight.unit if weight else records_word(model)
        title = f"share of {word}" if kind == "share" else word
        return Measured(kind, title, word, None, total, tuple("weight" for _ in total), weight, by)
    try:
        found = measures(model, [f"{OF_YES.get(kind, kind)}:{name}"], user)[0]
    except AggregationError as error:
        raise ChartError("measure", str(error)) from None
    column = found.column
    if column is None or (kind in OF_YES and not isinstance(column.field, models.BooleanField)):
        raise ChartError("measure", f"{name[:100]} is not a boolean column. Use mean:{name[:100]}.")
    sql, roles = [replace(found, weight=weighing)], ["value"]
    if column.null or weighing:
        sql.append(Measure(f"known:{name}", "known", column, weighing))
        roles.append("known")
    if found.kind == "mean":
        of_yes = isinstance(column.field, models.BooleanField)
        precise = "effective" if of_yes else "squared_error"
        sql.append(Measure(f"{precise}:{name}", precise, column, weighing))
        sql += [] if of_yes else [Measure(f"min:{name}", "min", column)]
        roles += ["precision"] if of_yes else ["precision", "least"]
    title = _title(model, found.kind, column, weight)
    sql, roles = [*sql, *total], [*roles, *("weight" for _ in total)]
    return Measured(found.kind, title, title_of(model, column), column, tuple(sql), tuple(roles), weight, by)


def _title(model: type[models.Model], kind: str, column: ListedColumn, weight: Weight | None) -> str:
    name, word = title_of(model, column), weight.unit if weight else records_word(model)
    if isinstance(column.field, models.BooleanField):
        return f"share with {name}" if kind == "mean" else f"{word} with {name}"
    return with_unit(f"{kind} {'of ' * (kind == 'sum')}{name}", unit_of(column))


def _weight(selection: Selection, name: str, kind: str) -> tuple[Weight, ListedColumn]:
    """Return the weight *name* and its column; raises ChartError."""
    known = weights_of(selection.model, selection.user)
    if not known:
        raise ChartError("weight", "This table has no column of weights. Remove this parameter.")
    if name not in known:
        raise ChartError("weight", f"Expected a column of weights ({', '.join(known)}), found {name[:100]}.")
    if kind == "median":
        raise ChartError("weight", "A median cannot be weighted. Use count, share, mean or sum, or remove the weight.")
    return known[name]
