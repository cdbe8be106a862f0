"""Bars, lines, histograms and heat maps: charts of one measure for each group of records."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from datasets.records.aggregation import measures
from datasets.records.grouping import AggregationError, Measure
from explore.charts import vega_specs
from explore.charts.axes import Axis, axis, histogram_axis
from explore.charts.captions import Figure, is_few
from explore.charts.categories import along, labels, position
from explore.charts.chart_spec import KINDS, ChartError, Drawing
from explore.charts.groups import REST, ranked
from explore.charts.labels import title
from explore.charts.measures import Cell, counted_records, measured, records_word
from explore.charts.selection import Selection
from explore.charts.table import Table

THIN_LINES = "Thin lines: 95% confidence intervals"
BANDS = "Bands: 95% confidence intervals"


def bars(selection: Selection, drawing: Drawing) -> Figure:
    """Draw a bar for each group; split bars are stacked if the measure adds up, and side by side otherwise."""
    axes = _axes(selection, drawing, continuous=False)
    table = _measured(selection, drawing, axes, least=_least(selection, drawing.sort))
    first = axes[0]
    follow = first.ordered or first.own_order or first.chosen or table.measured.kind in ("count", "share")
    sort = drawing.sort or ("" if follow else "-value")
    names = [labels(first, table.groups, 0, sort, _order(sort, table))]
    names += [labels(axis, table.groups, place + 1) for place, axis in enumerate(axes[1:])]
    marks = table.marks(names)
    spec, height = vega_specs.bars(table, names, marks, stacked=table.measured.adds_up and not table.log)
    return table.figure(_headline(table), marks, spec, height, [THIN_LINES] if table.has_intervals else [])


def line(selection: Selection, drawing: Drawing) -> Figure:
    """Draw a line over dates or numbers; a count or sum without records is 0."""
    axes = _axes(selection, drawing, continuous=True)
    table = _measured(selection, drawing, axes)
    first, adds_up = axes[0], table.measured.adds_up
    names = [labels(axis, table.groups, place + 1) for place, axis in enumerate(axes[1:])]
    cells = {cell.keys: cell for cell in table.cells if cell.keys[0] is not None}
    places = sorted({keys[0] for keys in cells})
    named = [{key: first.label(key) for key in (along(first, places) if adds_up else places)}, *names]
    drawn = []
    for keys in product(*named):
        cell = cells.get(keys) or (Cell(keys, 0, 0, 0) if adds_up else None)
        if cell:
            drawn.append((position(first, keys[0]), table.mark(named, cell)))
    spec = vega_specs.line(table, names, drawn)
    notes = [*_left_out(table), *([BANDS] if table.has_intervals else [])]
    return table.figure(_headline(table), [mark for _, mark in drawn], spec, notes=notes)


def histogram(selection: Selection, drawing: Drawing) -> Figure:
    """Draw the distribution of a column's numbers in bins of equal width; shares are within each colour."""
    if drawing.measure not in ("count", "share"):
        raise ChartError("measure", f"A histogram shows count or share, not {drawing.measure[:100]}.")
    axes = _axes(selection, drawing, continuous=True)
    if not axes[0].of_numbers:
        raise ChartError("x", f"A histogram needs a column of numbers, but {drawing.x[:100]} has none. Use bars.")
    if ":" not in drawing.x:
        axes[0] = histogram_axis(axes[0], drawing.bins)
    first = axes[0]
    table = _measured(selection, drawing, axes, whole=1)
    names = [labels(axis, table.groups, place + 1) for place, axis in enumerate(axes[1:])]
    starts = sorted({cell.keys[0] for cell in table.cells if cell.keys[0] is not None})
    marks = table.marks([{start: first.label(start) for start in starts}, *names])
    spec = vega_specs.histogram(table, names, [(mark.cell.keys[0], mark) for mark in marks])
    of = f"Distribution of {first.title}" + (f", by {axes[1].title}" if names else "")
    return table.figure(of + table.measured.weighting, marks, spec, notes=_left_out(table))


def heat(selection: Selection, drawing: Drawing) -> Figure:
    """Draw a cell for each pair of groups; lighter cells have larger values."""
    axes = [
        axis(selection, role, text, drawing.bins, continuous=False)
        for role, text in (("x", drawing.x), ("y", drawing.y))
    ]
    if axes[0].grouping.name == axes[1].grouping.name:
        raise ChartError("y", f"The two axes need different columns; both are {drawing.y[:100]}.")
    by = 1 if axes[0].ordered and not axes[1].ordered else 0  # the index of the axis to sort
    table = _measured(selection, drawing, axes, None, _least(selection, drawing.sort), by)
    order = _order(drawing.sort, table, by)
    names = [
        labels(found, table.groups, place, *((drawing.sort, order) if place == by else ()))
        for place, found in enumerate(axes)
    ]
    marks = table.marks(names)
    rest = {mark for mark in marks if table.measured.adds_up and REST in mark.cell.keys}
    few = {mark for mark in marks if table.tells_sizes and is_few(mark.cell.records)}
    notes = ["“Other” is grey"] if rest else []
    if len(marks) < len(names[0]) * len(names[1]):
        notes.append(f"Blank: no {records_word(selection.model)}")
    spec, height = vega_specs.heat(table, names, marks, rest | few)
    return table.figure(_headline(table), marks, spec, height, notes)


def _axes(selection: Selection, drawing: Drawing, *, continuous: bool) -> list[Axis]:
    axes = [axis(selection, "x", drawing.x, drawing.bins, continuous=continuous)]
    if continuous and not (axes[0].of_dates or axes[0].of_numbers):
        kind = KINDS[drawing.kind].lower()
        raise ChartError("x", f"A {kind} needs dates or numbers on its axis, but {drawing.x[:100]} has none. Use bars.")
    if drawing.colour:
        axes.append(axis(selection, "colour", drawing.colour, drawing.bins, continuous=False))
        if axes[0].grouping.name == axes[1].grouping.name:
            axes.pop()  # splitting by the column of the axis changes nothing
    return axes


def _measured(
    selection: Selection,
    drawing: Drawing,
    axes: list[Axis],
    whole: int | None = 0,
    least: Measure | None = None,
    by: int = 0,
) -> Table:
    """Group the records and measure the groups; with two axes, shares are within each group of axis *whole*.

    *least* is a measure by which the groups of axis *by* are ranked.
    """
    measure = measured(selection, drawing.measure, drawing.weight)
    groups, ranks = ranked(selection.records, axes, measure.sql, least, by)
    depth = len(axes)
    cells = [measure.cell(row[:depth], row[depth], row[depth + 1 :]) for row in groups.rows]
    if measure.kind == "share":
        whole = whole if depth == 2 else None
        if whole is not None:
            measure = replace(measure, title=f"{measure.title} within each {axes[whole].title}")
        totals: dict[Any, float] = defaultdict(float)
        for cell in cells:
            totals[cell.keys[whole] if whole is not None else None] += cell.amount
        cells = [_share(cell, totals[cell.keys[whole] if whole is not None else None]) for cell in cells]
    return Table(selection, axes, groups, measure, cells, ranks, drawing.is_log)


def _share(cell: Cell, total: float) -> Cell:
    return replace(cell, value=cell.amount / total if total else None)


def _least(selection: Selection, sort: str) -> Measure | None:
    """Return the measure by which the groups are sorted, or None if *sort* names no column."""
    column = sort.removeprefix("-")
    if column in ("", "name", "value"):
        return None
    try:
        return measures(selection.model, [f"min:{column}"], selection.user)[0]
    except AggregationError as error:
        raise ChartError("sort", f"Sort by name, value or a column. {error}") from None


def _order(sort: str, table: Table, place: int = 0) -> Mapping[Any, float] | None:
    """Return the sort value of each group of axis *place*, or None if *sort* names no value or column."""
    return _by_value(table, place) if sort.removeprefix("-") == "value" else table.ranks


def _by_value(table: Table, place: int) -> dict[Any, float]:
    """Return the value of each group: the sum of its parts if the measure adds up, else their weighted mean."""
    values: dict[Any, list[tuple[float, float]]] = {}
    for cell in table.cells:
        if cell.value is not None:
            values.setdefault(cell.keys[place], []).append((cell.value, cell.amount or 1))
    if table.measured.adds_up:
        return {key: sum(value for value, _ in parts) for key, parts in values.items()}
    return {key: sum(v * n for v, n in parts) / sum(n for _, n in parts) for key, parts in values.items()}


def _left_out(table: Table) -> list[str]:
    left = sum(cell.records for cell in table.cells if cell.keys[0] is None)
    counted = counted_records(table.selection.model, left)
    return [f"Left out: {counted} without a value on the axis"] if left else []


def _headline(table: Table) -> str:
    by = " and ".join(axis.title for axis in table.axes)
    if table.measured.kind == "share" and len(table.axes) == 2:
        first, second = table.axes
        return f"{title(table.measured.name)} by {first.title}: shares of {second.title}{table.measured.weighting}"
    return f"{table.name} by {by}{table.measured.weighting}"
