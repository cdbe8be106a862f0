"""The parts of a Vega-Lite specification that the kinds of charts share: colours, labels, tooltips and links."""

import json
from collections.abc import Mapping
from typing import Any

import altair as alt

from explore.charts.axes import Axis
from explore.charts.captions import MOST_COUNTED
from explore.charts.colours import FEW_GREY, GREYS, PALETTE, colours_of
from explore.charts.groups import REST
from explore.charts.intervals import FEW
from explore.charts.labels import title
from explore.charts.scales import MOST_TICKS, thinned
from explore.charts.table import INTERVAL, Data, Labels, Table

WIDTH, HEIGHT = 800, 420
LONGEST_LABEL = 220  # pixels
FITTED = alt.AutoSizeParams(type="fit", contains="padding")
IS_FEW = f"datum.records > 0 && datum.records < {FEW}"
# The address of the list is stored once: a mark has only what its own link adds to it.
ADDRESS = "list_address"
LINK = {"value": {"expr": f"datum.link === null ? null : {ADDRESS} + datum.link"}}


def finished(chart: Any, rows: list[Data], height: int, address: str = "") -> dict[str, Any]:
    """Return the specification of a chart of *rows* in the size of the page, without a theme.

    Marks link to *address* and their own query string, unless it is "".
    """
    chart = chart.properties(data=alt.InlineData(values=[]), width=WIDTH, height=height, autosize=FITTED)
    spec = chart.to_dict(validate=False)  # validation takes longer than all other steps; tests validate instead
    spec.pop("config", None)  # altair's own theme
    spec.pop("datasets", None)
    for layer in (part for part in [spec, *spec.get("layer", [])] if "tooltip" in part.get("encoding", {})):
        layer["encoding"]["description"] = {"value": {"expr": _description(layer["encoding"]["tooltip"])}}
        if address:
            layer["encoding"]["href"] = LINK
    if address:
        spec["params"] = [{"name": ADDRESS, "value": address}]
    else:
        rows = [{name: value for name, value in row.items() if name != "link"} for row in rows]
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


def plain_colour(*, grey: bool) -> Any:
    """Return the colour of marks without groups of colours; with *grey*, marks of few records are grey."""
    return alt.ColorValue(PALETTE[0], condition={"test": IS_FEW, "value": FEW_GREY}) if grey else alt.value(PALETTE[0])


def tooltips(table: Table) -> list[alt.Tooltip]:
    """Return the tooltips of marks: their groups and amounts."""
    shown = [alt.Tooltip("x:N", title=title(table.axes[0].title))]
    if len(table.axes) == 2:
        shown.append(alt.Tooltip("colour:N", title=title(table.axes[1].title)))
    return [*shown, *amounts(table)]


def amounts(table: Table) -> list[alt.Tooltip]:
    """Return the tooltips of a mark's value, its interval and its number of records."""
    if table.measured.counts_records:
        return [alt.Tooltip("n:N", title=table.measure_title)]
    value = alt.Tooltip("value:Q", title=table.measure_title, format=table.format)
    interval = [alt.Tooltip("interval:N", title=INTERVAL)] if table.has_intervals else []
    return [value, *interval, alt.Tooltip("n:N", title="Records")]


def colour_scale(
    axis: Axis, named: Labels, counts: Mapping[Any, int] | None = None, *, grey: bool = False
) -> alt.Color:
    """Return the colours of the groups along *axis* in the order of *named*; grey for "other" and "missing".

    The legend has the number of records of each group, from *counts*. With *grey*, marks of few records are grey.
    """
    labels = list(named.values())
    greys = {named[key]: GREYS[word] for key, word in ((REST, "other"), (None, "missing")) if key in named}
    colours = colours_of(labels, greys, ordered=axis.ordered and len(labels) > 2)
    legend: dict[str, Any] = (
        {"legend": alt.Legend(labelExpr=_counted(named, counts), symbolOpacity=1)} if counts else {}
    )
    few: dict[str, Any] = {"condition": {"test": IS_FEW, "value": FEW_GREY}} if grey else {}
    return alt.Color(
        "colour:N", title=title(axis.title), sort=labels, scale=alt.Scale(domain=labels, range=colours), **legend, **few
    )  # fmt: skip


def category_axis(axis: Axis, named: Labels, counts: Mapping[Any, int] | None, *, across: bool) -> alt.Axis:
    """Return an axis of names, at the left of horizontal bars or below vertical ones.

    Labels have the number of records of their group, from *counts*. Ordered groups have at most MOST_TICKS labels.
    """
    options: dict[str, Any] = {"labelLimit": LONGEST_LABEL, "grid": False, "labelOverlap": False}
    if not across:
        options["labelAngle"] = -40
    if axis.ordered and len(named) > MOST_COUNTED:
        last = [named[key] for key in (REST, None) if key in named]
        values = [label for key, label in named.items() if key not in (REST, None)]
        options["values"] = [*thinned(values, MOST_TICKS - len(last)), *last]
    return alt.Axis(**options, labelExpr=_counted(named, counts) if counts else alt.Undefined)


def _counted(named: Labels, counts: Mapping[Any, int]) -> str:
    """Return the expression of labels such as ``Masters (n = 1,234)``."""
    texts = [f"{label} (n = {counts.get(key, 0):,})" for key, label in named.items()]
    return f"{json.dumps(texts)}[indexof({json.dumps(list(named.values()))}, datum.value)]"
