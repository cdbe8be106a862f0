"""Scatter plots: a point for each record, or for a reproducible random sample of many records."""

from typing import Any
from urllib.parse import urlencode

import altair as alt
from django.db import models
from django.db.models import BigIntegerField, ExpressionWrapper, F, Func, Q
from django.db.models.functions import MD5, Cast, Mod

from datasets.fields import related_model
from datasets.records.columns import ListedColumn
from datasets.records.filter_widgets import title_of
from datasets.records.filters import record_filterset
from datasets.records.grouping import Grouping
from explore.charts.axes import Axis, axis, columns_for
from explore.charts.captions import Figure, note_of_few
from explore.charts.categories import labels
from explore.charts.chart_spec import ChartError, Drawing
from explore.charts.colours import PALETTE
from explore.charts.encodings import HEIGHT, colour_scale, finished
from explore.charts.groups import REST, Row, grouped
from explore.charts.labels import title, unit_of, with_unit
from explore.charts.measures import counted_records, records_word
from explore.charts.scales import number_scale
from explore.charts.selection import Selection
from explore.charts.table import Data

SAMPLE = 2000
PRIME, FACTOR = 2**31 - 1, 742938285  # of a Lehmer generator, which scatters consecutive keys
FORMAT = ",~r"
LOGS = ("log", "log-both")


def scatter(selection: Selection, drawing: Drawing) -> Figure:
    """Draw a point for each record with a number on both axes, for at most SAMPLE records."""
    model, records = selection.model, selection.records
    columns = [_column(selection, role, text) for role, text in (("x", drawing.x), ("y", drawing.y))]
    split = axis(selection, "colour", drawing.colour, drawing.bins, continuous=False) if drawing.colour else None
    placed = records.filter(*(Q(**{f"{column.path}__isnull": False}) for column in columns)).order_by()
    axes = [split] if split else []
    groups = grouped(placed, axes, ())
    count = groups.records
    left = records.count() - count if any(column.null for column in columns) else 0
    named = labels(split, groups, 0) if split else {}
    keyed = _sample(placed, columns, split, named)
    rows = [row[1:] for row in keyed]
    names = [title(with_unit(title_of(model, column), unit_of(column))) for column in columns]
    sizes = {row[0]: row[1] for row in groups.rows} if split else {}
    notes = [*groups.notes, *note_of_few(model, list(sizes.values()))]
    if count > SAMPLE:
        notes.append(f"Random sample of {SAMPLE:,} from {count:,} {records_word(model)}")
    if left:
        notes.append(f"Left out: {counted_records(model, left)} without a value on one of the axes")
    of = f"{names[1]} against {names[0][:1].lower()}{names[0][1:]}" + (f", by {split.title}" if split else "")
    colours = [title(split.title)] if split else []
    formats = [FORMAT, FORMAT, *("" for _ in colours)]
    key = model._meta.pk.name
    linked = selection.address and key in record_filterset(model).base_filters
    links = [urlencode({key: str(row[0])}) if linked else None for row in keyed]
    size_of = {label: sizes.get(key, 0) for key, label in named.items()}
    data = [
        {"x": row[0], "y": row[1], **({"colour": row[2], "records": size_of[row[2]]} if split else {}), "link": link}
        for row, link in zip(rows, links, strict=True)
    ]
    colour = colour_scale(split, named, sizes, grey=True) if split else None
    spec = _spec(names, data, colour, drawing, f"{selection.address}?" if linked else "")
    return Figure(of, [*names, *colours], rows, spec, count + left, HEIGHT, formats, notes, links)


def _column(selection: Selection, role: str, text: str) -> ListedColumn:
    known = {column.name: column for column in columns_for(selection.model, selection.user, "number")}
    if text not in known:
        raise ChartError(role, f"Expected a column of numbers ({', '.join(known)}), found {text[:100]}.")
    return known[text]


def _sample(
    records: models.QuerySet, columns: list[ListedColumn], split: Axis | None, named: dict[Any, str]
) -> list[Row]:
    """Return the key, the numbers and the group of each point.

    They are in pseudo-random order, so that no group is always drawn on top of the others.
    """
    key = records.model._meta.pk
    mixed: Func
    if isinstance(key, models.IntegerField) or key.is_relation:
        bounded = Cast(Mod(F(key.attname), PRIME), BigIntegerField())
        mixed = Mod(ExpressionWrapper(bounded * FACTOR, output_field=BigIntegerField()), PRIME)
    else:
        mixed = MD5(key.attname)
    paths = [key.attname, *(column.path for column in columns)]
    if split is not None:
        reference = split.grouping.reference
        paths.append(reference.attname if reference else split.column.path)
    points = list(records.annotate(mixed_up=mixed).order_by("mixed_up", key.attname).values_list(*paths)[:SAMPLE])
    if split is None:
        return points
    keys = _read(split.grouping, {row[3] for row in points})
    called = {raw: named.get(group, named.get(REST, "")) for raw, group in keys.items()}
    return [(pk, x, y, called[raw]) for pk, x, y, raw in points]


def _read(grouping: Grouping, values: set[Any]) -> dict[Any, Any]:
    """Return the group of each of the records' values."""
    if grouping.reference:
        target = related_model(grouping.reference)._base_manager.filter(
            pk__in=[value for value in values if value is not None]
        )
        return {None: None, **dict(target.values_list("pk", grouping.column.field.name))}
    if grouping.part:
        length = {"year": 4, "month": 7}[grouping.part]
        return {value: None if value is None else grouping.read(value.isoformat()[:length]) for value in values}
    if grouping.width is not None:
        return {value: None if value is None else grouping.read(value // float(grouping.width)) for value in values}
    if grouping.column.is_list:
        return {value: None if value is None else tuple(grouping.read(value)) for value in values}
    return {value: value for value in values}


def _spec(
    names: list[str], data: list[Data], colour: alt.Color | None, drawing: Drawing, address: str
) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for channel, kind, name, logs in (("x", alt.X, names[0], ("log-x", "log-both")), ("y", alt.Y, names[1], LOGS)):
        scale = number_scale((row[channel] for row in data), log=drawing.scale in logs)
        encoded[channel] = kind(f"{channel}:Q", title=name, scale=scale.scale, axis=scale.axis(FORMAT))
    tooltip = [alt.Tooltip(f"{channel}:Q", title=name) for channel, name in zip("xy", names, strict=True)]
    if colour:
        encoded["color"] = colour
        tooltip.append(alt.Tooltip("colour:N", title=colour["title"]))
    mark = alt.Chart().mark_circle(size=28, opacity=0.7, color=PALETTE[0])
    return finished(mark.encode(**encoded, tooltip=tooltip), data, HEIGHT, address)
