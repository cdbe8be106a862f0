"""Box plots: the distribution of a column's numbers in each group, by five quantiles."""

from collections.abc import Mapping
from typing import Any

import altair as alt
from django.db import models

from datasets.records.aggregation import can_measure
from datasets.records.filter_widgets import title_of
from datasets.records.grouping import Measure
from datasets.records.masking import Viewer
from explore.charts.axes import Axis, axis, columns_for
from explore.charts.captions import Figure
from explore.charts.categories import labels
from explore.charts.chart_spec import ChartError, Drawing
from explore.charts.colours import PALETTE
from explore.charts.groups import Groups, Row, ranked
from explore.charts.labels import title, unit_of, with_unit
from explore.charts.vega_specs import HEIGHT, ROW, Labels, category_axis, colour_scale, finished

QUANTILES = {
    "p05": "5th percentile",
    "q1": "Lower quartile",
    "median": "Median",
    "q3": "Upper quartile",
    "p95": "95th percentile",
}
FORMAT = ",.2~f"
KNOWN = "Boxes: quartiles and median; whiskers: 5th to 95th percentile"


def boxes(model: type[models.Model], records: models.QuerySet, drawing: Drawing, user: Viewer) -> Figure:
    """Draw a box from the lower to the upper quartile for each group or for all records, with 5–95 % whiskers."""
    column = next((candidate for candidate in columns_for(model, user, "number") if candidate.name == drawing.y), None)
    if column is None or not can_measure("median", column):
        known = ", ".join(candidate.name for candidate in columns_for(model, user, "number")) or "this table has none"
        raise ChartError("y", f"Expected a column of numbers ({known}), found {drawing.y[:100]}.")
    choices = [("x", drawing.x), ("colour", drawing.colour)]
    axes = [axis(model, records, role, text, drawing.bins, user, continuous=False) for role, text in choices if text]
    if len(axes) == 2 and axes[0].grouping.name == axes[1].grouping.name:
        axes.pop()
    wanted = [Measure(f"{kind}:{column.name}", kind, column) for kind in (*QUANTILES, "min", "max")]
    least = _least(model, drawing.sort, user) if axes else None
    groups, ranks = ranked(records, axes, wanted, least)
    names = _names(axes, groups, drawing, ranks)
    places = [{key: place for place, key in enumerate(named)} for named in names]
    measured_rows = [row for row in groups.rows if row[-1] is not None]
    measured_rows.sort(key=lambda row: [place[key] for place, key in zip(places, row, strict=False)])
    rows = [(*(named[key] for named, key in zip(names, row, strict=False)), *row[len(axes) :]) for row in measured_rows]
    measured = with_unit(title_of(model, column), unit_of(column))
    by = " and ".join(group_axis.title for group_axis in axes)
    columns = [*(title(group_axis.title) for group_axis in axes), "Records", *QUANTILES.values(), "Minimum", "Maximum"]
    formats = ["" for _ in axes] + [",d"] + [FORMAT] * 7
    spec, height = _spec(axes, names, rows, measured)
    return Figure(
        f"{title(measured)} by {by}" if by else title(measured),
        columns, rows, spec, groups.records, height, formats, [*groups.notes, KNOWN],
    )  # fmt: skip


def _least(model: type[models.Model], sort: str, user: Viewer) -> Measure | None:
    """Return the measure by which the boxes are sorted, or None if *sort* names no column."""
    name = sort.removeprefix("-")
    if name in ("", "name", "value"):
        return None
    for column in columns_for(model, user, "number"):
        if column.name == name:
            return Measure(f"min:{name}", "min", column)
    raise ChartError("sort", f"Expected name, value or a column of numbers, found {name[:100]}.")


def _names(axes: list[Axis], groups: Groups, drawing: Drawing, ranks: dict[Any, int] | None) -> list[Labels]:
    """Return the labels of the groups in order, by default with the highest median first."""
    names = []
    for place, group_axis in enumerate(axes):
        order: Mapping[Any, float] | None = None
        sort = drawing.sort if place == 0 else ""
        sorted_by = sort.removeprefix("-")
        if place == 0 and (sorted_by == "value" or not (sorted_by or group_axis.ordered or group_axis.own_order)):
            sort = sort or "-value"
            order = {
                key: row[-5] for row in reversed(groups.rows) if (key := row[0]) is not None and row[-5] is not None
            }
        elif place == 0:
            order = ranks
        names.append(labels(group_axis, groups, place, sort, order))
    return names


def _spec(axes: list[Axis], names: list[Labels], rows: list[Row], measured: str) -> tuple[dict[str, Any], int]:
    keys = ["records", *QUANTILES, "least", "most"]
    split = len(axes) == 2
    data = [
        {
            "x": row[0] if axes else "",
            **({"colour": row[1]} if split else {}),
            **dict(zip(keys, row[len(axes) :], strict=True)),
        }
        for row in rows
    ]
    across = not axes or not axes[0].ordered
    amount, amount2, place = (alt.X, alt.X2, alt.Y) if across else (alt.Y, alt.Y2, alt.X)
    sort = list(names[0].values()) if names else [""]
    if axes:
        shown = place("x:N", sort=sort, title=title(axes[0].title), axis=category_axis(len(names[0]), across=across))
    else:
        shown = place("x:N", title=None, axis=None)
    tooltip = [alt.Tooltip("x:N", title=title(axes[0].title))] if axes else []
    tooltip += [alt.Tooltip("colour:N", title=title(axes[1].title))] if split else []
    tooltip += [
        alt.Tooltip(f"{key}:Q", title=name, format=FORMAT)
        for key, name in [*QUANTILES.items(), ("least", "Minimum"), ("most", "Maximum")]
    ]
    tooltip.append(alt.Tooltip("records:Q", title="Records", format=",d"))
    offset = {}
    if split:
        kind, apart = alt.YOffset if across else alt.XOffset, alt.Scale(paddingInner=0.3, paddingOuter=0.15)
        offset = {
            "yOffset" if across else "xOffset": kind(
                "colour:N", sort=list(names[1].values()), bandPosition=0.5, scale=apart
            )
        }
    on, at, to = ("y", "x", "x2") if across else ("x", "y", "y2")

    def encoded(start: str, end: str = "", **more: Any) -> dict[str, Any]:
        channels = {
            on: shown,
            at: amount(f"{start}:Q", title=title(measured), scale=alt.Scale(zero=False, padding=12)),
            **offset,
            **more,
        }
        return channels | ({to: amount2(f"{end}:Q")} if end else {}) | {"tooltip": tooltip}

    colour: dict[str, Any] = {"color": colour_scale(axes[1], names[1])} if split else {}
    # The scale separates boxes side by side: a bar narrower than its band would not be centred in it.
    thick: dict[str, Any] = {"height" if across else "width": {"band": 1 if split else 0.7}}
    whiskers = alt.Chart().mark_rule(strokeWidth=1.5, color=PALETTE[0]).encode(**encoded("p05", "p95", **colour))
    box = alt.Chart().mark_bar(color=PALETTE[0], opacity=0.55, **thick).encode(**encoded("q1", "q3", **colour))
    tick = alt.Chart().mark_tick(color=PALETTE[0], thickness=3, opacity=1, **thick)
    cap = alt.Chart().mark_tick(color=PALETTE[0], thickness=1.5, size=8)
    caps = [cap.encode(**encoded(end, **colour)) for end in ("p05", "p95")]
    layers = [box, whiskers, *caps, tick.encode(**encoded("median", **colour))]
    across_rows = max(len(names[0]), 1) * (14 * len(names[1]) + 8 if split else ROW + 4) if names else 40
    height = max(220, across_rows + 160) if across else HEIGHT
    return finished(alt.layer(*layers), data, height), height
