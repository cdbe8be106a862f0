"""The Vega-Lite specification of each kind of chart, built with altair, with a row of data for each mark."""

import json
from typing import Any

import altair as alt
from django.db import models

from explore.charts.axes import Axis
from explore.charts.colours import GREYS, HEAT, PALETTE, colours_of
from explore.charts.groups import REST, Row, Table
from explore.charts.labels import title
from explore.formatting import GROUPED

WIDTH, HEIGHT = 800, 420
ROW, NARROW_ROW = 24, 11  # pixels: the height of a single bar, and of one of several side by side
MOST_POINTS = 60  # a longer line shows no points
LONGEST_LABEL = 180  # pixels
MOST_LABELS = 32  # with more labels on the x axis, overlapping ones are hidden
Labels = dict[Any, str]  # of groups, by their keys
Data = dict[str, Any]  # a row of data, by channel
FITTED = alt.AutoSizeParams(type="fit", contains="padding")


def finished(chart: Any, rows: list[Data], height: int) -> dict[str, Any]:
    """Return the specification of a chart of *rows* in the size of the page, without a theme."""
    chart = chart.properties(data=alt.InlineData(values=[]), width=WIDTH, height=height, autosize=FITTED)
    spec = chart.to_dict(validate=False)  # validation takes longer than all other steps; tests validate instead
    spec.pop("config", None)  # altair's own theme
    spec.pop("datasets", None)
    for layer in spec.get("layer", [spec]):
        if tooltips := layer["encoding"].get("tooltip"):
            layer["encoding"]["description"] = {"value": {"expr": _description(tooltips)}}
    return spec | {"data": {"values": rows}}  # altair would validate each row


def _description(tooltips: list[Data]) -> str:
    """Return the expression of a mark's description for screen readers: the text of its tooltip."""
    parts = []
    for tooltip in tooltips:
        value = f"datum[{json.dumps(tooltip['field'])}]"
        shown = (
            f"isValid({value}) ? format({value}, {json.dumps(tooltip['format'])}) : ''"
            if "format" in tooltip
            else value
        )
        parts.append(f"{json.dumps(tooltip['title'] + ': ')} + ({shown})")
    return " + '; ' + ".join(parts)


def bars(table: Table, names: list[Labels], rows: list[Row], *, stacked: bool) -> tuple[dict[str, Any], int]:
    """Horizontal bars for names, vertical ones for numbers and dates; *rows* are those of the data table."""
    first, across = table.axes[0], not table.axes[0].ordered
    data = _named(rows, len(names))
    split = len(names) == 2
    place = (alt.Y if across else alt.X)(
        "x:N", sort=list(names[0].values()), title=title(first.title), axis=category_axis(len(names[0]), across=across)
    )
    whole = split and table.measured.kind == "share"
    scale = alt.Scale(domain=[0, 1]) if whole else alt.Undefined
    amount = (alt.X if across else alt.Y)(
        "value:Q",
        title=_measure_title(table),
        axis=amount_axis(table.format),
        scale=scale,
        stack=("zero" if stacked else None) if split else alt.Undefined,
    )
    encoded: dict[str, Any] = {
        "y" if across else "x": place,
        "x" if across else "y": amount,
        "tooltip": _tooltips(table),
    }
    rows_high = len(names[0])
    if split:
        encoded["color"] = colour_scale(table.axes[1], names[1])
        if stacked:
            encoded["order"] = alt.Order("order:O")
        else:
            encoded["yOffset" if across else "xOffset"] = _offset(names[1], across=across)
    chart = alt.Chart().mark_bar(color=PALETTE[0]).encode(**encoded)
    thick = NARROW_ROW * len(names[1]) + 8 if split and not stacked else ROW
    height = max(220, rows_high * thick + 150) if across else HEIGHT
    return finished(chart, data, height), height


def line(table: Table, names: list[Labels], drawn: list[Row]) -> dict[str, Any]:
    """A line, or one for each colour; *drawn* has the x position before each row of the data table."""
    first = table.axes[0]
    data = [
        {"at": at, **row} for (at, *_), row in zip(drawn, _named([d[1:] for d in drawn], 1 + len(names)), strict=True)
    ]
    if first.of_dates:
        place = alt.X("at:T", title=title(first.title), scale=alt.Scale(type="utc"), axis=_dates(first, drawn))
    else:
        place = alt.X(
            "at:Q", title=title(first.title), scale=alt.Scale(zero=False, nice=False), axis=_numbers_axis(first)
        )
    encoded: dict[str, Any] = {
        "x": place,
        "y": alt.Y(
            "value:Q",
            title=_measure_title(table),
            axis=amount_axis(table.format),
            scale=alt.Scale(zero=table.measured.adds_up),
        ),
        "tooltip": _tooltips(table),
    }
    if names:
        encoded["color"] = colour_scale(table.axes[1], names[0])
    points = len({row[0] for row in drawn}) <= MOST_POINTS
    chart = alt.Chart().mark_line(point=points, strokeWidth=2, color=PALETTE[0]).encode(**encoded)
    return finished(chart, data, HEIGHT)


def histogram(table: Table, names: list[Labels], drawn: list[Row]) -> dict[str, Any]:
    """Adjacent bars; the shares of several groups are stepped lines, which stay readable where they cross."""
    first = table.axes[0]
    width = float(first.grouping.width or 1)
    back = 0.5 if width == 1 and all(isinstance(start, int) for start, _ in drawn) else 0
    data = [
        {"start": start - back, "end": start - back + width, **row}
        for (start, _), row in zip(drawn, _named([row for _, row in drawn], 1 + len(names)), strict=True)
    ]
    amount = alt.Y("value:Q", title=_measure_title(table), axis=amount_axis(table.format))
    if names and table.measured.kind == "share":
        return finished(_steps(table, names[0], data, amount), _outlined(data, names[0]), HEIGHT)
    encoded: dict[str, Any] = {
        "x": alt.X("start:Q", bin="binned", title=title(first.title), axis=_numbers_axis(first)),
        "x2": alt.X2("end:Q"),
        "y": amount,
        "tooltip": _tooltips(table),
    }
    if names:
        encoded |= {"color": colour_scale(table.axes[1], names[0]), "order": alt.Order("order:O")}
    mark: dict[str, Any] = {"color": PALETTE[0], "binSpacing": 1 if len({row["start"] for row in data}) < 120 else 0}
    return finished(alt.Chart().mark_bar(**mark).encode(**encoded), data, HEIGHT)


def _steps(table: Table, named: Labels, data: list[Data], amount: alt.Y) -> alt.LayerChart | alt.FacetChart:
    """Stepped lines from *_outlined*, with a point in the middle of each step."""
    colour = colour_scale(table.axes[1], named)
    place: dict[str, Any] = {"title": title(table.axes[0].title), "axis": _numbers_axis(table.axes[0])}
    reach = alt.Scale(domain=[min(row["start"] for row in data), max(row["end"] for row in data)], nice=False)
    line = alt.Chart().mark_line(interpolate="step-after", strokeWidth=2)
    points = alt.Chart().mark_circle(size=20, opacity=1).transform_filter("datum.end != null")
    return alt.layer(
        line.encode(x=alt.X("start:Q", scale=reach, **place), y=amount, color=colour, order="place:Q"),
        points.transform_calculate(middle="(datum.start + datum.end) / 2").encode(
            x=alt.X("middle:Q", **place), y=amount, color=colour, tooltip=_tooltips(table)
        ),
    )


def _outlined(data: list[Data], named: Labels) -> list[Data]:
    """Return the bins of each group, with zeros in gaps between bins and at both ends."""
    outlined = []
    for order, colour in enumerate(named.values()):
        bins = sorted((row for row in data if row["colour"] == colour), key=lambda row: row["start"])
        for before, row in zip([None, *bins], [*bins, None], strict=True):
            beside = before and row and row["start"] - before["end"] < (row["end"] - row["start"]) / 2
            if before and not beside:
                outlined.append({"start": before["end"], "value": 0, "colour": colour, "order": order})
            if row and not beside:
                outlined.append({"start": row["start"], "value": 0, "colour": colour, "order": order})
            if row:
                outlined.append(row)
    return [row | {"place": place} for place, row in enumerate(outlined)]


def heat(table: Table, names: list[Labels], rows: list[Row], uncoloured: list[Row]) -> tuple[dict[str, Any], int]:
    """Cells in the colours of viridis, grey for those in *uncoloured*; pairs without records have no cell."""
    grey = {*uncoloured}
    data = [
        {"x": row[0], "y": row[1], "value": row[2], "records": row[3], "grey": row in grey}
        for row in rows
        if row[2] is not None
    ]
    shades = [row["value"] for row in data if not row["grey"]] or [0]
    least, most = min(shades), max(shades)
    ticks = max(1, min(5, most - least)) if table.format == ",d" else 5  # so that no whole number repeats
    first, second = table.axes
    sorts = [list(named.values()) for named in names]
    chart = alt.Chart().mark_rect().encode(
        x=alt.X("x:N", sort=sorts[0], title=title(first.title), axis=category_axis(len(sorts[0]), across=False)),
        y=alt.Y("y:N", sort=sorts[1], title=title(second.title), axis=category_axis(len(sorts[1]), across=True)),
        color=alt.condition(
            "!datum.grey",
            alt.Color(
                "value:Q",
                title=_measure_title(table),
                scale=alt.Scale(scheme=alt.SchemeParams(**HEAT), domain=[least, most]),
                legend=alt.Legend(**_numbers(table.format), tickCount=ticks),
            ),
            alt.value(GREYS["missing"]),
        ),
        tooltip=[
            alt.Tooltip("x:N", title=title(first.title)),
            alt.Tooltip("y:N", title=title(second.title)),
            *_amounts(table),
        ],
    )  # fmt: skip
    height = max(260, len(names[1]) * ROW + 190)
    return finished(chart, data, height), height


def _named(rows: list[Row], depth: int) -> list[Data]:
    """Return rows of a table as data: ``x``, ``colour`` with its ``order`` in the legend, ``value``, ``records``."""
    colours: dict[str, int] = {}
    data = []
    for row in rows:
        point = {"x": row[0], "value": row[-2], "records": row[-1]}
        if depth == 2:
            point |= {"colour": row[1], "order": colours.setdefault(row[1], len(colours))}
        data.append(point)
    return data


def _tooltips(table: Table) -> list[alt.Tooltip]:
    tooltips = [alt.Tooltip("x:N", title=title(table.axes[0].title))]
    if len(table.axes) == 2:
        tooltips.append(alt.Tooltip("colour:N", title=title(table.axes[1].title)))
    return [*tooltips, *_amounts(table)]


def _amounts(table: Table) -> list[alt.Tooltip]:
    value = alt.Tooltip("value:Q", title=_measure_title(table), format=table.format)
    return (
        [value] if table.measured.kind == "count" else [value, alt.Tooltip("records:Q", title="Records", format=",d")]
    )


def _measure_title(table: Table) -> str:
    return title(table.measure_title)


def amount_axis(pattern: str) -> alt.Axis:
    """Return an axis of amounts; whole numbers have no ticks between 0 and 1."""
    return alt.Axis(**_numbers(pattern))


def _numbers(pattern: str) -> dict[str, Any]:
    """Return the number format of an axis or a legend, and its smallest step."""
    shown = {"format": ".1~%" if pattern.endswith("%") else pattern}
    return shown | ({"tickMinStep": 1} if pattern == ",d" else {})


def colour_scale(axis: Axis, named: Labels) -> alt.Color:
    """Return the colours of the groups along *axis* in the order of *named*; grey for "other" and "missing"."""
    labels = list(named.values())
    greys = {named[key]: GREYS[word] for key, word in ((REST, "other"), (None, "missing")) if key in named}
    colours = colours_of(labels, greys, ordered=axis.ordered and len(labels) > 2)
    return alt.Color("colour:N", title=title(axis.title), sort=labels, scale=alt.Scale(domain=labels, range=colours))


def _offset(named: Labels, *, across: bool) -> Any:
    return (alt.YOffset if across else alt.XOffset)("colour:N", sort=list(named.values()))


def category_axis(groups: int, *, across: bool) -> alt.Axis:
    """Return an axis of names, at the left of horizontal bars or below vertical ones."""
    if across:
        return alt.Axis(labelLimit=LONGEST_LABEL, grid=False)
    overlap = groups > MOST_LABELS
    return alt.Axis(labelLimit=LONGEST_LABEL, labelAngle=-40, grid=False, labelOverlap=overlap)


def _numbers_axis(axis: Axis) -> alt.Axis:
    """Return an axis of numbers, with thousands separators if they are too large for years."""
    large = any(abs(number or 0) >= GROUPED for number in axis.extent)
    step: dict[str, Any] = {} if isinstance(axis.column.field, models.FloatField) else {"tickMinStep": 1}
    return alt.Axis(format=",~r" if large else "~r", **step)


def _dates(axis: Axis, drawn: list[Row]) -> alt.Axis:
    if axis.grouping.part != "month":
        return alt.Axis(format="%Y", tickMinStep=365.25 * 24 * 3600 * 1000, labelOverlap=True)
    return alt.Axis(format="%b %Y", labelOverlap=True)
