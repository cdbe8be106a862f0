"""Bars, lines, histograms and heat maps: charts of one measure for each group of records."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import models

from datasets.records.aggregation import measures
from datasets.records.grouping import AggregationError, Measure
from datasets.records.masking import Viewer
from explore.charts import vega_specs
from explore.charts.axes import Axis, axis, histogram_axis
from explore.charts.captions import Figure
from explore.charts.categories import along, labels, position
from explore.charts.chart_spec import KINDS, ChartError, Drawing
from explore.charts.groups import REST, Row, Table, ranked
from explore.charts.labels import title
from explore.charts.measures import counted_records, measured, records_word


def bars(model: type[models.Model], records: models.QuerySet, drawing: Drawing, user: Viewer) -> Figure:
    """Draw a bar for each group; split bars are stacked if the measure adds up, and side by side otherwise."""
    axes = _axes(model, records, drawing, user, continuous=False)
    table = _measured(model, records, drawing, user, axes, least=_least(model, drawing.sort, user))
    follow = axes[0].ordered or axes[0].own_order or table.measured.kind in ("count", "share")
    sort = drawing.sort or ("" if follow else "-value")
    names = [labels(axes[0], table.groups, 0, sort, _order(sort, table))]
    names += [labels(axis, table.groups, place + 1) for place, axis in enumerate(axes[1:])]
    cells = _in_order(table.cells, names)
    rows = [(*(names[place][key] for place, key in enumerate(cell[: len(axes)])), cell[-1], cell[-2]) for cell in cells]
    stacked = table.measured.adds_up
    spec, height = vega_specs.bars(table, names, rows, stacked=stacked)
    return table.figure(_headline(model, table), rows, spec, height)


def line(model: type[models.Model], records: models.QuerySet, drawing: Drawing, user: Viewer) -> Figure:
    """Draw a line over dates or numbers; a count or sum without records is 0."""
    axes = _axes(model, records, drawing, user, continuous=True)
    table = _measured(model, records, drawing, user, axes)
    names = [labels(axis, table.groups, place + 1) for place, axis in enumerate(axes[1:])]
    totals = {cell[: len(axes)]: cell[-2:] for cell in table.cells if cell[0] is not None}
    left = sum(cell[-2] for cell in table.cells if cell[0] is None)
    places = sorted({key[0] for key in totals})
    if table.measured.adds_up:
        places = along(axes[0], places)
    rows, drawn = [], []
    for key in places:
        for colour in names[0] if names else [None]:
            at = (key, colour) if names else (key,)
            count, value = totals.get(at, (0, 0) if table.measured.adds_up else (0, None))
            group = (axes[0].label(key), *([names[0][colour]] if names else []))
            if at in totals or table.measured.adds_up:
                rows.append((*group, value, count))
                drawn.append((position(axes[0], key), *group, value, count))
    spec = vega_specs.line(table, names, drawn)
    return table.figure(_headline(model, table), rows, spec, notes=_left_out(model, axes[0], left))


def histogram(model: type[models.Model], records: models.QuerySet, drawing: Drawing, user: Viewer) -> Figure:
    """Draw the distribution of a column's numbers in bins of equal width; shares are within each colour."""
    if drawing.measure not in ("count", "share"):
        raise ChartError("measure", f"A histogram shows count or share, not {drawing.measure[:100]}.")
    axes = _axes(model, records, drawing, user, continuous=True)
    if not axes[0].of_numbers:
        raise ChartError("x", f"A histogram needs a column of numbers, but {drawing.x[:100]} has none. Use bars.")
    if ":" not in drawing.x:
        axes[0] = histogram_axis(axes[0], drawing.bins)
    table = _measured(model, records, drawing, user, axes, whole=1)
    names = [labels(axis, table.groups, place + 1) for place, axis in enumerate(axes[1:])]
    left = sum(cell[-2] for cell in table.cells if cell[0] is None)
    cells = [cell for cell in table.cells if cell[0] is not None]
    cells = _in_order(cells, [{key: "" for key in sorted({cell[0] for cell in cells})}, *names])
    rows = [(axes[0].label(cell[0]), *([names[0][cell[1]]] if names else []), cell[-1], cell[-2]) for cell in cells]
    spec = vega_specs.histogram(table, names, [(cell[0], row) for cell, row in zip(cells, rows, strict=True)])
    of = f"Distribution of {axes[0].title}" + (f", by {axes[1].title}" if names else "")
    return table.figure(of, rows, spec, notes=_left_out(model, axes[0], left))


def heat(model: type[models.Model], records: models.QuerySet, drawing: Drawing, user: Viewer) -> Figure:
    """Draw a cell for each pair of groups; lighter cells have larger values."""
    axes = [
        axis(model, records, role, text, drawing.bins, user, continuous=False)
        for role, text in (("x", drawing.x), ("y", drawing.y))
    ]
    if axes[0].grouping.name == axes[1].grouping.name:
        raise ChartError("y", f"The two axes need different columns; both are {drawing.y[:100]}.")
    by = 1 if axes[0].ordered and not axes[1].ordered else 0  # the index of the axis to sort
    table = _measured(model, records, drawing, user, axes, None, _least(model, drawing.sort, user), by)
    order = _order(drawing.sort, table, by)
    names = [
        labels(found, table.groups, place, *((drawing.sort, order) if place == by else ()))
        for place, found in enumerate(axes)
    ]
    cells = _in_order(table.cells, names)
    rows = [(names[0][cell[0]], names[1][cell[1]], cell[-1], cell[-2]) for cell in cells]
    rest = {names[place].get(REST) for place in (0, 1)} - {None}
    uncoloured = [row for row in rows if table.measured.adds_up and rest & {*row[:2]}]
    notes = ["“Other” is grey"] if uncoloured else []
    if len(rows) < len(names[0]) * len(names[1]):
        notes.append(f"Blank: no {records_word(model)}")
    spec, height = vega_specs.heat(table, names, rows, uncoloured)
    return table.figure(_headline(model, table), rows, spec, height, notes)


def _axes(
    model: type[models.Model], records: models.QuerySet, drawing: Drawing, user: Viewer, *, continuous: bool
) -> list[Axis]:
    axes = [axis(model, records, "x", drawing.x, drawing.bins, user, continuous=continuous)]
    if continuous and not (axes[0].of_dates or axes[0].of_numbers):
        kind = KINDS[drawing.kind].lower()
        raise ChartError("x", f"A {kind} needs dates or numbers on its axis, but {drawing.x[:100]} has none. Use bars.")
    if drawing.colour:
        axes.append(axis(model, records, "colour", drawing.colour, drawing.bins, user, continuous=False))
        if axes[0].grouping.name == axes[1].grouping.name:
            axes.pop()  # splitting by the column of the axis changes nothing
    return axes


def _measured(
    model: type[models.Model],
    records: models.QuerySet,
    drawing: Drawing,
    user: Viewer,
    axes: list[Axis],
    whole: int | None = 0,
    least: Measure | None = None,
    by: int = 0,
) -> Table:
    """Group the records and measure the groups; with two axes, shares are within each group of axis *whole*.

    *least* is a measure by which the groups of axis *by* are ranked.
    """
    measure = measured(model, drawing.measure, user)
    groups, ranks = ranked(records, axes, measure.sql, least, by)
    depth = len(axes)
    if measure.kind == "count":
        cells = [(*row, row[depth]) for row in groups.rows]
    elif measure.kind == "share":
        whole = whole if depth == 2 else None
        if whole is not None:
            measure = replace(measure, title=f"{measure.title} within each {axes[whole].title}")
        totals: Counter = Counter()
        for row in groups.rows:
            totals[row[whole] if whole is not None else None] += row[depth]
        cells = [(*row, row[depth] / totals[row[whole] if whole is not None else None]) for row in groups.rows]
    else:
        cells = groups.rows
    return Table(axes, groups, measure, cells, measure.format(cell[-1] for cell in cells), ranks)


def _least(model: type[models.Model], sort: str, user: Viewer) -> Measure | None:
    """Return the measure by which the groups are sorted, or None if *sort* names no column."""
    column = sort.removeprefix("-")
    if column in ("", "name", "value"):
        return None
    try:
        return measures(model, [f"min:{column}"], user)[0]
    except AggregationError as error:
        raise ChartError("sort", f"Sort by name, value or a column. {error}") from None


def _order(sort: str, table: Table, place: int = 0) -> Mapping[Any, float] | None:
    """Return the sort value of each group of axis *place*, or None if *sort* names no value or column."""
    return _by_value(table, place) if sort.removeprefix("-") == "value" else table.ranks


def _by_value(table: Table, place: int) -> dict[Any, float]:
    """Return the value of each group: the sum of its parts if the measure adds up, else their weighted mean."""
    values: dict[Any, list[tuple[float, int]]] = {}
    for cell in table.cells:
        if cell[-1] is not None:
            values.setdefault(cell[place], []).append((cell[-1], cell[-2] or 1))
    if table.measured.adds_up:
        return {key: sum(value for value, _ in parts) for key, parts in values.items()}
    return {key: sum(v * n for v, n in parts) / sum(n for _, n in parts) for key, parts in values.items()}


def _in_order(cells: list[Row], names: list[dict[Any, str]]) -> list[Row]:
    places = [{key: place for place, key in enumerate(named)} for named in names]
    return sorted(cells, key=lambda cell: [place[key] for place, key in zip(places, cell, strict=False)])


def _left_out(model: type[models.Model], first: Axis, left: int) -> list[str]:
    return [f"Left out: {counted_records(model, left)} without a value on the axis"] if left else []


def _headline(model: type[models.Model], table: Table) -> str:
    by = " and ".join(axis.title for axis in table.axes)
    if table.measured.kind == "share" and len(table.axes) == 2:
        first, second = table.axes
        return f"{title(records_word(model))} by {first.title}: shares of {second.title}"
    return f"{title(table.measure_title)} by {by}"
