"""Box plots: the distribution of a column's numbers in each group, by five quantiles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from datasets.records.aggregation import can_measure
from datasets.records.columns import ListedColumn
from datasets.records.filter_widgets import title_of
from datasets.records.grouping import Measure
from explore.charts.axes import Axis, axis, columns_for
from explore.charts.captions import Figure, note_of_few, note_of_missing, note_of_sizes
from explore.charts.categories import labels
from explore.charts.chart_spec import ChartError, Drawing
from explore.charts.encodings import HEIGHT, category_axis, colour_scale, finished, plain_colour
from explore.charts.groups import Groups, Row, ranked
from explore.charts.labels import title, unit_of, with_unit
from explore.charts.links import Links
from explore.charts.scales import number_scale
from explore.charts.selection import Selection
from explore.charts.table import Labels, counted
from explore.charts.vega_specs import ROW

QUANTILES = {
    "p05": "5th percentile",
    "q1": "Lower quartile",
    "median": "Median",
    "q3": "Upper quartile",
    "p95": "95th percentile",
}
FORMAT = ",.2~f"
KNOWN = "Boxes: quartiles and median; whiskers: 5th to 95th percentile"


def boxes(selection: Selection, drawing: Drawing) -> Figure:
    """Draw a box from the lower to the upper quartile for each group or for all records, with 5–95 % whiskers."""
    model, numbers = selection.model, list(columns_for(selection.model, selection.user, "number"))
    column = next((candidate for candidate in numbers if candidate.name == drawing.y), None)
    if column is None or not can_measure("median", column):
        known = ", ".join(candidate.name for candidate in numbers) or "this table has none"
        raise ChartError("y", f"Expected a column of numbers ({known}), found {drawing.y[:100]}.")
    choices = [("x", drawing.x), ("colour", drawing.colour)]
    axes = [axis(selection, role, text, drawing.bins, continuous=False) for role, text in choices if text]
    if len(axes) == 2 and axes[0].grouping.name == axes[1].grouping.name:
        axes.pop()
    groups, ranks, missing = _measured(selection, axes, column, _least(numbers, drawing.sort) if axes else None)
    depth, links = len(axes), Links(selection, axes)
    names = _names(axes, groups, drawing, ranks)
    places = [{key: place for place, key in enumerate(named)} for named in names]
    boxed = [row for row in groups.rows if row[-1] is not None]
    boxed.sort(key=lambda row: [place[key] for place, key in zip(places, row, strict=False)])
    rows = [(*(named[key] for named, key in zip(names, row, strict=False)), *row[depth:]) for row in boxed]
    addresses = [links.of(row[:depth]) for row in boxed]
    measured = with_unit(title_of(model, column), unit_of(column))
    by = " and ".join(group_axis.title for group_axis in axes)
    columns = [*(title(group_axis.title) for group_axis in axes), "Records", *QUANTILES.values(), "Minimum", "Maximum"]
    formats = ["" for _ in axes] + [",d"] + [FORMAT] * 7
    counts = [_counts(boxed, place, depth) for place in range(depth)]
    spec, height = _spec(axes, names, counts, list(zip(rows, addresses, strict=True)), measured, drawing, links.base)
    notes = note_of_missing(model, column, missing) + note_of_few(model, [row[depth] for row in boxed])
    notes += note_of_sizes(axes[0], counts[0]) if axes else []
    return Figure(
        f"{title(measured)} by {by}" if by else title(measured),
        columns, rows, spec, groups.records + missing, height, formats, [*groups.notes, KNOWN, *notes], addresses,
    )  # fmt: skip


def _measured(
    selection: Selection, axes: list[Axis], column: ListedColumn, least: Measure | None
) -> tuple[Groups, dict[Any, int] | None, int]:
    """Return the groups with the number of records that have a value, the quantiles, the minimum and the maximum.

    The last result is the number of records without a value.
    """
    known = [Measure(f"known:{column.name}", "known", column)] if column.null else []
    wanted = [Measure(f"{kind}:{column.name}", kind, column) for kind in (*QUANTILES, "min", "max")]
    groups, ranks = ranked(selection.records, axes, [*known, *wanted], least)
    depth = len(axes)
    first = depth + len(known)
    known_groups = replace(groups, rows=[(*row[:depth], *row[first:]) for row in groups.rows])
    return known_groups, ranks, groups.records - known_groups.records


def _counts(rows: list[Row], place: int, depth: int) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for row in rows:
        counts[row[place]] = counts.get(row[place], 0) + row[depth]
    return counts


def _least(numbers: Sequence[ListedColumn], sort: str) -> Measure | None:
    """Return the measure by which the boxes are sorted, or None if *sort* names no column."""
    name = sort.removeprefix("-")
    if name in ("", "name", "value"):
        return None
    for column in numbers:
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
        follow = sorted_by or group_axis.ordered or group_axis.own_order or group_axis.chosen
        if place == 0 and (sorted_by == "value" or not follow):
            sort = sort or "-value"
            order = {
                key: row[-5] for row in reversed(groups.rows) if (key := row[0]) is not None and row[-5] is not None
            }
        elif place == 0:
            order = ranks
        names.append(labels(group_axis, groups, place, sort, order))
    return names


def _spec(
    axes: list[Axis],
    names: list[Labels],
    counts: list[dict[Any, int]],
    linked: list[tuple[Row, str | None]],
    measured: str,
    drawing: Drawing,
    address: str,
) -> tuple[dict[str, Any], int]:
    keys = ["records", *QUANTILES, "least", "most"]
    split, depth = len(axes) == 2, len(axes)
    data = [
        {
            "x": row[0] if axes else "",
            **({"colour": row[1]} if split else {}),
            **dict(zip(keys, row[depth:], strict=True)),
            "n": counted(row[depth]),
            "link": link,
        }
        for row, link in linked
    ]
    across = not axes or not axes[0].ordered
    amount, amount2, place = (alt.X, alt.X2, alt.Y) if across else (alt.Y, alt.Y2, alt.X)
    if axes:
        label_axis = category_axis(axes[0], names[0], counts[0], across=across)
        shown = place("x:N", sort=list(names[0].values()), title=title(axes[0].title), axis=label_axis)
    else:
        shown = place("x:N", title=None, axis=None)
    tooltip = [alt.Tooltip("x:N", title=title(axes[0].title))] if axes else []
    tooltip += [alt.Tooltip("colour:N", title=title(axes[1].title))] if split else []
    tooltip += [
        alt.Tooltip(f"{key}:Q", title=name, format=FORMAT)
        for key, name in [*QUANTILES.items(), ("least", "Minimum"), ("most", "Maximum")]
    ]
    tooltip.append(alt.Tooltip("n:N", title="Records"))
    offset = {}
    if split:
        kind, apart = alt.YOffset if across else alt.XOffset, alt.Scale(paddingInner=0.3, paddingOuter=0.15)
        offset = {
            "yOffset" if across else "xOffset": kind(
                "colour:N", sort=list(names[1].values()), bandPosition=0.5, scale=apart
            )
        }
    on, at, to = ("y", "x", "x2") if across else ("x", "y", "y2")
    scale = number_scale((row[end] for row in data for end in ("p05", "p95")), log=drawing.is_log)
    colour = {"color": colour_scale(axes[1], names[1], counts[1], grey=True) if split else plain_colour(grey=True)}

    def encoded(start: str, end: str = "") -> dict[str, Any]:
        channels = {
            on: shown,
            at: amount(f"{start}:Q", title=title(measured), scale=scale.scale, axis=scale.amount_axis(FORMAT)),
            **offset,
            **colour,
        }
        return channels | ({to: amount2(f"{end}:Q")} if end else {}) | {"tooltip": tooltip}

    # The scale separates boxes side by side: a bar narrower than its band would not be centred in it.
    thick: dict[str, Any] = {"height" if across else "width": {"band": 1 if split else 0.7}}
    whiskers = alt.Chart().mark_rule(strokeWidth=1.5).encode(**encoded("p05", "p95"))
    box = alt.Chart().mark_bar(opacity=0.55, **thick).encode(**encoded("q1", "q3"))
    tick = alt.Chart().mark_tick(thickness=3, opacity=1, **thick)
    cap = alt.Chart().mark_tick(thickness=1.5, size=8)
    caps = [cap.encode(**encoded(end)) for end in ("p05", "p95")]
    layers = [box, whiskers, *caps, tick.encode(**encoded("median"))]
    across_rows = max(len(names[0]), 1) * (14 * len(names[1]) + 8 if split else ROW + 4) if names else 40
    height = max(220, across_rows + 160) if across else HEIGHT
    return finished(alt.layer(*layers), data, height, address), height
