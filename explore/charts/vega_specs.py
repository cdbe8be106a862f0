"""The Vega-Lite specification of each kind of chart, built with altair, with a row of data for each mark."""

from collections.abc import Sequence
from sys import float_info
from typing import Any

import altair as alt
from django.db import models

from datasets.records.formatting import GROUPED
from explore.charts.axes import Axis
from explore.charts.colours import FEW_GREY, HEAT, INK
from explore.charts.encodings import (
    HEIGHT,
    IS_FEW,
    amounts,
    category_axis,
    colour_scale,
    finished,
    plain_colour,
    tooltips,
)
from explore.charts.labels import title
from explore.charts.scales import MOST_TICKS, NumberScale, number_scale, thinned, tick_format
from explore.charts.table import Data, Labels, Mark, Table

ROW, NARROW_ROW = 24, 11  # pixels: the height of a single bar, and of one of several side by side
MOST_POINTS = 60  # a longer line shows only the points of few records


def bars(table: Table, names: list[Labels], marks: Sequence[Mark], *, stacked: bool) -> tuple[dict[str, Any], int]:
    """Horizontal bars for names, vertical ones for numbers and dates, with the interval of a mean as a thin line."""
    first, across = table.axes[0], not table.axes[0].ordered
    split = len(names) == 2
    counts = table.counts(0) if table.tells_sizes else None
    place = (alt.Y if across else alt.X)(
        "x:N", sort=list(names[0].values()), title=title(first.title),
        axis=category_axis(first, names[0], counts, across=across),
    )  # fmt: skip
    scale = _amounts(table, marks, stacked=stacked and split)
    along, until = (alt.X, alt.X2) if across else (alt.Y, alt.Y2)
    amount = along(
        "value:Q",
        title=table.measure_title,
        axis=scale.amount_axis(table.format),
        scale=scale.scale,
        stack=("zero" if stacked else None) if split else alt.Undefined,
    )
    at, to = ("x", "x2") if across else ("y", "y2")
    encoded: dict[str, Any] = {"y" if across else "x": place, at: amount, "tooltip": tooltips(table)}
    encoded["color"] = _colour(table, names)
    if split and stacked:
        encoded["order"] = alt.Order("order:O")
    elif split:
        encoded["yOffset" if across else "xOffset"] = _offset(names[1], across=across)
    if table.log:  # a bar begins at the end of the axis, because a log scale has no 0
        encoded[to] = until(datum=scale.low)
    chart: Any = alt.Chart().mark_bar()
    if table.has_intervals:
        ends = {at: along("low:Q", scale=scale.scale, axis=scale.amount_axis(table.format)), to: until("high:Q")}
        line = alt.Chart().mark_rule(strokeWidth=1.5).transform_filter("isValid(datum.low)")
        chart = alt.layer(chart, line.encode(**ends, color=alt.value(INK)))
    thick = NARROW_ROW * len(names[1]) + 8 if split and not stacked else ROW
    height = max(220, len(names[0]) * thick + 150) if across else HEIGHT
    data = _within(table, table.data(marks), scale)
    return finished(chart.encode(**encoded), data, height, table.links.base), height


def _amounts(table: Table, marks: Sequence[Mark], *, stacked: bool, zero: bool = True) -> NumberScale:
    """Return the scale of the values and their intervals, or of the sums of the values of each stack."""
    whole = table.format == ",d"
    if stacked:
        sums: dict[str, float] = {}
        for mark in marks:
            sums[mark.labels[0]] = sums.get(mark.labels[0], 0) + (mark.cell.value or 0)
        return number_scale((float(f"{total:.9g}") for total in sums.values()), zero=True, whole=whole)
    ends = [end for mark in marks for end in (mark.cell.low, mark.cell.high) if end is not None]
    if table.log:
        ends = [end for end in ends if end > 0]
    elif all((mark.cell.least or 0) >= 0 for mark in marks):  # no interval goes below 0 if no record does
        ends = [max(end, 0) for end in ends]
    return number_scale([*(mark.cell.value for mark in marks), *ends], zero=zero, log=table.log, whole=whole)


def _within(table: Table, data: list[Data], scale: NumberScale) -> list[Data]:
    """Return *data* with intervals that begin on the axis."""
    if not table.has_intervals:
        return data
    return [row | {"low": None if row["low"] is None else max(row["low"], scale.low)} for row in data]


def line(table: Table, names: list[Labels], drawn: Sequence[tuple[Any, Mark]]) -> dict[str, Any]:
    """A line, or one for each colour, with the interval of a mean as a band; *drawn* has the position of each mark."""
    first, marks = table.axes[0], [mark for _, mark in drawn]
    data = [{"at": at, **row} for (at, _), row in zip(drawn, table.data(marks), strict=True)]
    if first.of_dates:
        utc = alt.Scale(type="utc", nice=False)
        place = alt.X("at:T", title=title(first.title), scale=utc, axis=_dates(first, drawn))
    else:
        place = _numbers("at:Q", first, number_scale((at for at, _ in drawn), whole=_is_whole(first)))
    scale = _amounts(table, marks, stacked=False, zero=table.measured.adds_up)
    options: dict[str, Any] = {
        "scale": scale.scale,
        "axis": scale.amount_axis(table.format),
        "title": table.measure_title,
    }
    colour = {"color": _colour(table, [{}, *names], grey=False)}
    value = alt.Y("value:Q", **options)
    points = len({at for at, _ in drawn}) <= MOST_POINTS
    shown = {"opacity": alt.OpacityValue(1 if points else 0, condition={"test": IS_FEW, "value": 1})}
    layers = [
        alt.Chart().mark_line(strokeWidth=2).encode(x=place, y=value, **colour),
        alt.Chart().mark_point(filled=True, size=40).encode(
            x=place, y=value, color=_colour(table, [{}, *names]), tooltip=tooltips(table), **shown
        ),
    ]  # fmt: skip
    if table.has_intervals:
        band = alt.Chart().mark_area(opacity=0.2, clip=True)
        layers.insert(0, band.encode(x=place, y=alt.Y("low:Q", **options), y2=alt.Y2("high:Q"), **colour))
    return finished(alt.layer(*layers), _within(table, data, scale), HEIGHT, table.links.base)


def histogram(table: Table, names: list[Labels], drawn: Sequence[tuple[Any, Mark]]) -> dict[str, Any]:
    """Adjacent bars; the shares of several groups are stepped lines, which stay readable where they cross."""
    first, marks = table.axes[0], [mark for _, mark in drawn]
    width = float(first.grouping.width or 1)
    back = 0.5 if width == 1 and all(isinstance(start, int) for start, _ in drawn) else 0
    data = [
        {"start": start - back, "end": min(start - back + width, float_info.max), **row}
        for (start, _), row in zip(drawn, table.data(marks), strict=True)
    ]
    ends = [row[end] for row in data for end in ("start", "end")]
    reach = number_scale(ends, whole=_is_whole(first))
    lines = bool(names) and (table.measured.kind == "share" or table.log)
    scale = _amounts(table, marks, stacked=bool(names) and not lines)
    amount = alt.Y("value:Q", title=table.measure_title, axis=scale.amount_axis(table.format), scale=scale.scale)
    if lines:
        least = scale.low if table.log else 0
        return finished(
            _steps(table, names[0], reach, amount), _outlined(data, names[0], least), HEIGHT, table.links.base
        )
    encoded: dict[str, Any] = {
        "x": _numbers("start:Q", first, reach, bin="binned"),
        "x2": alt.X2("end:Q"),
        "y": amount,
        "tooltip": tooltips(table),
        "color": _colour(table, [{}, *names]),
    }
    if names:
        encoded["order"] = alt.Order("order:O")
    if table.log:
        encoded["y2"] = alt.Y2(datum=scale.low)
    mark: dict[str, Any] = {"binSpacing": 1 if len({row["start"] for row in data}) < 120 else 0}
    return finished(alt.Chart().mark_bar(**mark).encode(**encoded), data, HEIGHT, table.links.base)


def _steps(table: Table, named: Labels, reach: NumberScale, amount: alt.Y) -> alt.LayerChart | alt.FacetChart:
    """Stepped lines from *_outlined*, with a point in the middle of each step."""
    colour = _colour(table, [{}, named], grey=False)
    line = alt.Chart().mark_line(interpolate="step-after", strokeWidth=2)
    points = alt.Chart().mark_circle(size=30, opacity=1).transform_filter("datum.end != null")
    return alt.layer(
        line.encode(x=_numbers("start:Q", table.axes[0], reach), y=amount, color=colour, order="place:Q"),
        points.transform_calculate(middle="(datum.start + datum.end) / 2").encode(
            x=_numbers("middle:Q", table.axes[0], reach), y=amount, color=_colour(table, [{}, named]),
            tooltip=tooltips(table),
        ),
    )  # fmt: skip


def _outlined(data: list[Data], named: Labels, least: float) -> list[Data]:
    """Return the bins of each group, with *least* in gaps between bins and at both ends."""
    outlined = []
    for order, colour in enumerate(named.values()):
        bins = sorted((row for row in data if row["colour"] == colour), key=lambda row: row["start"])
        for before, row in zip([None, *bins], [*bins, None], strict=True):
            beside = before and row and row["start"] - before["end"] < (row["end"] - row["start"]) / 2
            if before and not beside:
                outlined.append({"start": before["end"], "value": least, "colour": colour, "order": order})
            if row and not beside:
                outlined.append({"start": row["start"], "value": least, "colour": colour, "order": order})
            if row:
                outlined.append(row)
    return [row | {"place": place} for place, row in enumerate(outlined)]


def heat(table: Table, names: list[Labels], marks: Sequence[Mark], uncoloured: set[Mark]) -> tuple[dict[str, Any], int]:
    """Cells in the colours of viridis, grey for those in *uncoloured*; pairs without records have no cell.

    Numbers and dates on the vertical axis grow upwards.
    """
    first, second = table.axes
    data = []
    for mark, row in zip(marks, table.data(marks), strict=True):
        if row["value"] is not None:
            del row["colour"], row["order"]
            data.append(row | {"y": mark.labels[1], "grey": mark in uncoloured})
    shades = number_scale([row["value"] for row in data if not row["grey"]], log=table.log)
    least, most = shades.low, shades.high
    if values := [row["value"] for row in data if not row["grey"]]:
        least, most = min(values), max(values)
    marks_of_legend = shades.ticks[:: 2 if len(shades.ticks) > 6 else 1]
    kind: dict[str, Any] = {"type": "log"} if table.log else {}
    sorts = [list(named.values()) for named in names]
    if second.ordered:
        special = [names[1][key] for key in names[1] if not _is_value(key)]
        sorts[1] = [*reversed(sorts[1][: len(sorts[1]) - len(special)]), *special]
    counts = [table.counts(place) if table.tells_sizes else None for place in (0, 1)]
    chart = alt.Chart().mark_rect().encode(
        x=alt.X(
            "x:N", sort=sorts[0], title=title(first.title),
            axis=category_axis(first, names[0], counts[0], across=False),
        ),
        y=alt.Y(
            "y:N", sort=sorts[1], title=title(second.title),
            axis=category_axis(second, names[1], counts[1], across=True),
        ),
        color=alt.condition(
            "!datum.grey",
            alt.Color(
                "value:Q",
                title=table.measure_title,
                scale=alt.Scale(scheme=alt.SchemeParams(**HEAT), domain=[least, most], nice=False, **kind),
                legend=alt.Legend(format=tick_format(table.format, marks_of_legend), values=marks_of_legend),
            ),
            alt.value(FEW_GREY),
        ),
        tooltip=[
            alt.Tooltip("x:N", title=title(first.title)),
            alt.Tooltip("y:N", title=title(second.title)),
            *amounts(table),
        ],
    )  # fmt: skip
    height = max(260, len(names[1]) * ROW + 190)
    return finished(chart, data, height, table.links.base), height


def _is_value(key: Any) -> bool:
    return key is not None and isinstance(key, str | int | float | tuple)


def _colour(table: Table, names: Sequence[Labels], *, grey: bool = True) -> Any:
    """Return the colours of marks: those of the second axis, or one colour; *grey* for groups of few records."""
    grey = grey and table.tells_sizes
    if len(names) < 2:
        return plain_colour(grey=grey)
    counts = table.counts(1) if table.tells_sizes else None
    return colour_scale(table.axes[1], names[1], counts, grey=grey)


def _offset(named: Labels, *, across: bool) -> Any:
    return (alt.YOffset if across else alt.XOffset)("colour:N", sort=list(named.values()))


def _is_whole(axis: Axis) -> bool:
    return not isinstance(axis.column.field, models.FloatField)


def _numbers(channel: str, axis: Axis, scale: NumberScale, **options: Any) -> alt.X:
    """Return an axis of numbers, with thousands separators if they are too large for years."""
    large = any(abs(number or 0) >= GROUPED for number in axis.extent)
    shown = scale.axis(",~r" if large else "~r")
    return alt.X(channel, title=title(axis.title), scale=scale.scale, axis=shown, **options)


def _dates(axis: Axis, drawn: Sequence[tuple[str, Mark]]) -> alt.Axis:
    """Return an axis of dates with at most MOST_TICKS of the drawn ones."""
    places = thinned(sorted({at for at, _ in drawn}), MOST_TICKS)
    values = [alt.DateTime(year=int(at[:4]), month=int(at[5:7]), date=1, utc=True) for at in places]
    return alt.Axis(format="%b %Y" if axis.grouping.part == "month" else "%Y", values=values, labelOverlap=False)
