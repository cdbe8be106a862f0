"""The values of a chart as a table: a row for each mark, with its labels, its value and its link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from datasets.models import MaterializedView
from datasets.records.formatting import format_figure
from explore.charts.axes import Axis
from explore.charts.captions import Figure, is_few, note_of_few, note_of_missing, note_of_sizes
from explore.charts.groups import Groups
from explore.charts.intervals import FEW
from explore.charts.labels import title
from explore.charts.links import Links
from explore.charts.measures import Cell, Measured
from explore.charts.selection import Selection

COUNTS = ",d"
INTERVAL = "95% confidence interval"
Labels = dict[Any, str]  # of groups, by their keys, in display order
Data = dict[str, Any]  # a row of data, by channel


@dataclass(frozen=True)
class Mark:
    """A mark of a chart: the labels of its groups, its cell, and the query string of its records."""

    labels: tuple[str, ...]
    cell: Cell
    link: str | None = None


@dataclass(frozen=True)
class Table:
    """Groups with their values."""

    selection: Selection
    axes: list[Axis]
    groups: Groups
    measured: Measured
    cells: list[Cell]
    ranks: dict[Any, int] | None = None  # of the groups of one axis, if the chart is sorted by a column
    log: bool = False

    @cached_property
    def links(self) -> Links:
        return Links(self.selection, self.axes)

    @cached_property
    def format(self) -> str:
        """The d3 format of the values."""
        return self.measured.format(cell.value for cell in self.cells)

    @cached_property
    def is_single(self) -> bool:
        """Whether every group is a single record, as in a column of a summary table."""
        return self.measured.column is not None and all(cell.records == 1 for cell in self.cells)

    @property
    def tells_sizes(self) -> bool:
        """Whether the number of records in a group says how reliable its value is."""
        return not (self.is_single and issubclass(self.selection.model, MaterializedView))

    @property
    def has_intervals(self) -> bool:
        return self.measured.has_intervals and any(cell.low is not None for cell in self.cells)

    @property
    def name(self) -> str:
        """The title of the measure, or the column's own title if every group is a single record."""
        return title(self.measured.of_single() if self.is_single else self.measured.title)

    @property
    def measure_title(self) -> str:
        """The title of the measure and its weights."""
        return self.name + self.measured.weighting

    @property
    def columns(self) -> list[str]:
        columns = [*(title(axis.title) for axis in self.axes), self.measure_title]
        columns += [] if self.measured.counts_records else ["Records"]
        return columns + ([f"{INTERVAL}: {end}" for end in ("from", "to")] if self.has_intervals else [])

    @property
    def formats(self) -> list[str]:
        return [*("" for _ in self.axes), self.format, COUNTS, self.format, self.format][: len(self.columns)]

    def counts(self, place: int) -> dict[Any, int]:
        """Return the number of records of each group of axis *place*."""
        counts: dict[Any, int] = {}
        for cell in self.cells:
            counts[cell.keys[place]] = counts.get(cell.keys[place], 0) + cell.records
        return counts

    def marks(self, names: Sequence[Labels]) -> list[Mark]:
        """Return the marks in the order of *names*, the labels of the groups of each axis."""
        places = [{key: place for place, key in enumerate(named)} for named in names]
        cells = [cell for cell in self.cells if all(key in named for key, named in zip(cell.keys, names, strict=True))]
        cells.sort(key=lambda cell: [place[key] for place, key in zip(places, cell.keys, strict=True)])
        return [self.mark(names, cell) for cell in cells]

    def mark(self, names: Sequence[Labels], cell: Cell) -> Mark:
        """Return the mark of *cell*."""
        labels = tuple(named[key] for named, key in zip(names, cell.keys, strict=True))
        return Mark(labels, cell, self.links.of(cell.keys) if cell.records else None)

    def data(self, marks: Sequence[Mark]) -> list[Data]:
        """Return *marks* as data: ``x``, ``colour`` with its ``order`` in the legend, the values and the link."""
        colours: dict[str, int] = {}
        data = []
        for mark in marks:
            cell = mark.cell
            point: Data = {"x": mark.labels[0], "value": cell.value, "records": cell.records, "n": self.n(cell)}
            if len(mark.labels) == 2:
                point |= {"colour": mark.labels[1], "order": colours.setdefault(mark.labels[1], len(colours))}
            if self.has_intervals:
                point |= {"low": cell.low, "high": cell.high, "interval": self._interval(cell)}
            data.append(point | {"link": mark.link})
        return data

    def n(self, cell: Cell) -> str:
        """Return the number of records of *cell* for a tooltip."""
        return counted(cell.records, tells_sizes=self.tells_sizes)

    def _interval(self, cell: Cell) -> str:
        if cell.low is None:
            return f"none for fewer than {FEW} records"
        return f"{format_figure(cell.low, self.format)} to {format_figure(cell.high, self.format)}"

    def figure(
        self, named: str, marks: Sequence[Mark], spec: Mapping[str, Any], height: int = 420, notes: Sequence[str] = ()
    ) -> Figure:
        """Return the figure of *marks*, titled *named*."""
        rows = []
        for mark in marks:
            cell = mark.cell
            counts = () if self.measured.counts_records else (cell.records,)
            ends = (cell.low, cell.high) if self.has_intervals else ()
            rows.append((*mark.labels, cell.value, *counts, *ends))
        few = [cell.records for cell in self.cells] if self.tells_sizes else []
        sizes = {} if self.measured.counts_records or not self.tells_sizes else self.counts(0)
        missing = self.groups.records - sum(cell.records for cell in self.cells)
        left_out = note_of_missing(self.selection.model, self.measured.column, missing)
        notes_shown = [*self.groups.notes, *notes, *left_out, *self.measured.note()]
        notes_shown += note_of_sizes(self.axes[0], sizes)
        return Figure(
            named, self.columns, rows, dict(spec), self.groups.records, height, self.formats,
            [*notes_shown, *note_of_few(self.selection.model, few)], [mark.link for mark in marks],
        )  # fmt: skip


def counted(records: int, *, tells_sizes: bool = True) -> str:
    """Return a number of records for a tooltip, which says if they are few."""
    return f"{records:,}" + (f" (fewer than {FEW})" if tells_sizes and is_few(records) else "")
