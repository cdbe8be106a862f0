"""The Vega-Lite of each kind of chart, made with altair; the data are in it, a row for each thing that is seen."""

from typing import TYPE_CHECKING, Any

import altair as alt

from explore.charts.axes import Axis
from explore.charts.colours import GREYS, PALETTE, colours_of
from explore.charts.groups import REST
from explore.charts.names import title

if TYPE_CHECKING:
    from explore.charts.amounts import Table

WIDTH, HEIGHT = 800, 420
ROW, NARROW_ROW = 24, 11  # the height of a bar, and of one of several side by side
MOST_POINTS = 60  # of a line with its points
LONGEST_LABEL = 180  # pixels
MOST_LABELS = 32  # below an upright chart, before some are left out
FITTED = alt.AutoSizeParams(type="fit", contains="padding")


def finished(chart: Any, rows: list[dict], height: int) -> dict[str, Any]:
    """Return the specification of a chart of *rows*, as large as a page has it; themes come later."""
    chart = chart.properties(data=alt.InlineData(values=[]), width=WIDTH, height=height, autosize=FITTED)
    spec = chart.to_dict()
    spec.pop("config", None)  # altair's own look
    spec.pop("datasets", None)
    return spec | {"data": {"values": rows}}  # which altair would look through one by one


def bars(table: "Table", names: list[dict], rows: list[tuple], stacked: bool) -> tuple[dict[str, Any], int]:
    """Bars across where names are read from left to right, upright for numbers and dates; rows are as in the table."""
    first, across = table.axes[0], not table.axes[0].ordered
    data = _named(rows, len(names))
    split = len(names) == 2
    place = (alt.Y if across else alt.X)(
        "x:N", sort=list(names[0].values()), title=title(first.title), axis=category_axis(across, len(names[0]))
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
    encoded = {"y" if across else "x": place, "x" if across else "y": amount, "tooltip": _tooltips(table)}
    rows_high = len(names[0])
    if split:
        encoded["color"] = colour_scale(table.axes[1], names[1])
        if stacked:
            encoded["order"] = alt.Order("order:O")
        else:
            encoded["yOffset" if across else "xOffset"] = _offset(across, names[1])
    chart = alt.Chart().mark_bar(color=PALETTE[0]).encode(**encoded)
    thick = NARROW_ROW * len(names[1]) + 8 if split and not stacked else ROW
    height = max(220, rows_high * thick + 150) if across else HEIGHT
    return finished(chart, data, height), height


def line(table: "Table", names: list[dict], drawn: list[tuple]) -> dict[str, Any]:
    """A line, or one for each colour; *drawn* has the place along the axis before the row of the table."""
    first = table.axes[0]
    data = [
        {"at": at, **row} for (at, *_), row in zip(drawn, _named([d[1:] for d in drawn], 1 + len(names)), strict=True)
    ]
    if first.of_dates:
        place = alt.X("at:T", title=title(first.title), scale=alt.Scale(type="utc"), axis=_dates(first, drawn))
    else:
        place = alt.X(
            "at:Q", title=title(first.title), scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(format="~r")
        )
    encoded = {
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


def histogram(table: "Table", names: list[dict], drawn: list[tuple]) -> dict[str, Any]:
    """Bars that touch; the shares of several groups are steps, which can be told apart where they cross."""
    first = table.axes[0]
    width = float(first.grouping.width)
    back = 0.5 if width == 1 and all(isinstance(start, int) for start, _ in drawn) else 0
    data = [
        {"start": start - back, "end": start - back + width, **row}
        for (start, _), row in zip(drawn, _named([row for _, row in drawn], 1 + len(names)), strict=True)
    ]
    amount = alt.Y("value:Q", title=_measure_title(table), axis=amount_axis(table.format))
    if names and table.measured.kind == "share":
        return finished(_steps(table, names[0], data, width, amount), data, HEIGHT)
    encoded = {
        "x": alt.X("start:Q", bin="binned", title=title(first.title), axis=alt.Axis(format="~r", tickMinStep=1)),
        "x2": alt.X2("end:Q"),
        "y": amount,
        "tooltip": _tooltips(table),
    }
    if names:
        encoded |= {"color": colour_scale(table.axes[1], names[0]), "order": alt.Order("order:O")}
    mark = {"color": PALETTE[0], "binSpacing": 1 if len({row["start"] for row in data}) < 120 else 0}
    return finished(alt.Chart().mark_bar(**mark).encode(**encoded), data, HEIGHT)


def _steps(table: "Table", named: dict, data: list[dict], width: float, amount: alt.Y) -> alt.Chart:
    """Lines in steps: each bin of each group, with nothing where there are no records."""
    starts = sorted({row["start"] for row in data})
    found = {(row["start"], row["colour"]): row for row in data}
    labels = list(named.values())
    for order, colour in enumerate(labels):
        for start in starts:
            if (start, colour) not in found:
                x = next(row["x"] for row in data if row["start"] == start)
                empty = {"start": start, "x": x, "colour": colour, "value": 0, "records": 0, "order": order}
                data.append(empty | {"end": start + width})
    data.sort(key=lambda row: (row["order"], row["start"]))
    return (
        alt.Chart()
        .mark_line(interpolate="step", strokeWidth=2, point={"size": 12})
        .encode(
            x=alt.X(
                "middle:Q", title=title(table.axes[0].title), scale=alt.Scale(zero=False), axis=alt.Axis(format="~r")
            ),
            y=amount,
            color=colour_scale(table.axes[1], named),
            tooltip=_tooltips(table),
        )
        .transform_calculate(middle="(datum.start + datum.end) / 2")
    )


def heat(table: "Table", names: list[dict], rows: list[tuple]) -> tuple[dict[str, Any], int]:
    """Fields in the colours of viridis; where no records are, there is no field."""
    data = [{"x": x, "y": y, "value": value, "records": records} for x, y, value, records in rows if value is not None]
    first, second = table.axes
    sorts = [list(named.values()) for named in names]
    chart = alt.Chart().mark_rect().encode(
        x=alt.X("x:N", sort=sorts[0], title=title(first.title), axis=category_axis(False, len(sorts[0]))),
        y=alt.Y("y:N", sort=sorts[1], title=title(second.title), axis=category_axis(True, len(sorts[1]))),
        color=alt.Color(
            "value:Q",
            title=_measure_title(table),
            scale=alt.Scale(scheme="viridis"),
            legend=alt.Legend(format=_axis_format(table.format)),
        ),
        tooltip=[
            alt.Tooltip("x:N", title=title(first.title)),
            alt.Tooltip("y:N", title=title(second.title)),
            *_amounts(table),
        ],
    )  # fmt: skip
    height = max(260, len(names[1]) * ROW + 190)
    return finished(chart, data, height), height


def _named(rows: list[tuple], depth: int) -> list[dict]:
    """Return rows of a table as data: ``x``, ``colour`` and its place in the legend, ``value`` and ``records``."""
    colours: dict[str, int] = {}
    data = []
    for row in rows:
        found = {"x": row[0], "value": row[-2], "records": row[-1]}
        if depth == 2:
            found |= {"colour": row[1], "order": colours.setdefault(row[1], len(colours))}
        data.append(found)
    return data


def _tooltips(table: "Table") -> list[alt.Tooltip]:
    told = [alt.Tooltip("x:N", title=title(table.axes[0].title))]
    if len(table.axes) == 2:
        told.append(alt.Tooltip("colour:N", title=title(table.axes[1].title)))
    return [*told, *_amounts(table)]


def _amounts(table: "Table") -> list[alt.Tooltip]:
    value = alt.Tooltip("value:Q", title=_measure_title(table), format=table.format)
    return (
        [value] if table.measured.kind == "count" else [value, alt.Tooltip("records:Q", title="Records", format=",d")]
    )


def _measure_title(table: "Table") -> str:
    return title(table.measure_title)


def amount_axis(format: str) -> alt.Axis:
    """Return an axis of amounts; of whole ones there is nothing between 0 and 1."""
    return alt.Axis(format=_axis_format(format), **({"tickMinStep": 1} if format == ",d" else {}))


def _axis_format(format: str) -> str:
    return ".1~%" if format.endswith("%") else format


def colour_scale(axis: Axis, named: dict) -> alt.Color:
    """Return the colours of the groups along *axis*, in the order of their names; grey for what is no value."""
    labels = list(named.values())
    greys = {named[key]: GREYS[word] for key, word in ((REST, "other"), (None, "missing")) if key in named}
    colours = colours_of(labels, greys, axis.ordered and len(labels) > 2)
    return alt.Color("colour:N", title=title(axis.title), sort=labels, scale=alt.Scale(domain=labels, range=colours))


def _offset(across: bool, named: dict) -> Any:
    return (alt.YOffset if across else alt.XOffset)("colour:N", sort=list(named.values()))


def category_axis(across: bool, groups: int) -> alt.Axis:
    """Return an axis of names, across the page or below an upright chart."""
    if across:
        return alt.Axis(labelLimit=LONGEST_LABEL, grid=False)
    overlap = groups > MOST_LABELS
    return alt.Axis(labelLimit=LONGEST_LABEL, labelAngle=-40, grid=False, labelOverlap=overlap)


def _dates(axis: Axis, drawn: list[tuple]) -> alt.Axis:
    if axis.grouping.part != "month":
        return alt.Axis(format="%Y", tickMinStep=365.25 * 24 * 3600 * 1000, labelOverlap=True)
    return alt.Axis(format="%b %Y", labelOverlap=True)
