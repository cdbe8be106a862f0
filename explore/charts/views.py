"""Views: the Chart tab, whose figure is a part of its own if the table has many records."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from datasets.records.filter_widgets import title_of
from datasets.records.formatting import format_figure
from datasets.records.pagination import BoundedPaginator
from explore.charts.axes import columns_for
from explore.charts.chart_image import FORMATS, LARGEST, SMALLEST, Picture
from explore.charts.chart_spec import ChartError, Drawing
from explore.charts.defaults import default_drawing
from explore.charts.encodings import WIDTH
from explore.charts.form_options import boxes, fitted
from explore.charts.image_sizes import SIZES
from explore.charts.requested_chart import (
    OF_DRAWINGS,
    OF_IMAGES,
    ImageOptions,
    checked_drawing,
    requested_drawing,
    requested_picture,
)
from explore.empty_results import removable_filters
from explore.pages import explored, page
from explore.tables import tables_for
from explore.url_state import State

DRAWN = "drawn"  # the kind of chart of the form that was sent: its options may not fit another kind
QUICK = 50_000  # records; the chart of a larger table is not part of its page, and loads after it


@explored(own=(*OF_DRAWINGS, DRAWN))
def chart(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Chart tab: the options, the chart, and its data as a table."""
    if DRAWN in state.data or not state.is_simple:
        return redirect(request.path + state.query(**_changed(state), **{DRAWN: None}).removesuffix("?"))
    return _page(request, state, whole=BoundedPaginator(state.model._default_manager.order_by("pk"), 1).count <= QUICK)


@explored(own=OF_DRAWINGS)
def figure(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Chart tab with its chart, which the page of a large table loads after itself."""
    return _page(request, state, whole=True, is_part=True)


def _page(request: HttpRequest, state: State, *, whole: bool, is_part: bool = False) -> HttpResponseBase:
    """Return the tab with its figure. If it is not *whole*, return an empty figure unless the figure is cached.

    If only the figure *is_part* of another page, it repeats the errors.
    """
    unchosen = not (state.data.keys() & {*OF_DRAWINGS} or default_drawing(state.model, state.user).x)
    ImageOptions.read(state)
    drawing, picture = None, None
    if not unchosen and not whole:
        drawing, whole = checked_drawing(state)
    if not unchosen and whole:
        drawing, picture = requested_picture(state)
    shown = picture if picture is not None and picture.rows else None
    is_late = drawing is not None and picture is None
    query = state.query(**_all_of(drawing), **dict.fromkeys(OF_IMAGES)) if drawing else ""
    offered = drawing or requested_drawing(state, lenient=True)
    files = state.table.address().removesuffix("/")
    return page(
        request,
        state,
        "chart",
        "explore/chart.html",
        boxes=list(boxes(state.model, offered, state.user, state.filters)),
        drawn=offered.kind,
        unchosen=unchosen,
        is_part=is_part,
        referring=list(_referring(state)) if unchosen else [],
        late=f"{state.table.address('chart')}figure/{query}" if is_late else "",
        picture=shown,
        height=picture.height if picture else None,
        heads=_heads(shown) if shown else [],
        cells=_cells(shown) if shown else [],
        query=query,
        files=f"{files}/chart",
        kept=_kept(state, drawing),
        formats=list(FORMATS),
        sizes=[(name, size.title) for name, size in SIZES.items() if not size.bare],
        size={"width": WIDTH, "least": SMALLEST, "most": LARGEST},
        removable_filters=list(removable_filters(state)) if picture and not shown and state.filters else [],
    )


def _changed(state: State) -> dict[str, str | None]:
    """Return the options that fit the new kind of chart if the user changed it."""
    if state.data.get(DRAWN) in (None, state.data.get("kind")):
        return {}
    try:
        return _all_of(fitted(state.model, Drawing.read(state.data, Drawing()), state.user))
    except ChartError:  # the page will show the error
        return {}


def _referring(state: State) -> Iterator[tuple[str, str]]:
    """Yield the label and the address of charts of other tables by their references to this one."""
    for table in tables_for(state.user):
        for column in columns_for(table.model, state.user, "group"):
            if column.field.model is state.model and "__" in column.path:
                query = urlencode(Drawing("bar", x=column.name).parameters())
                yield f"{table.title} by {title_of(table.model, column)}", f"{table.address('chart')}?{query}"


def _all_of(drawing: Drawing) -> dict[str, str | None]:
    return {**dict.fromkeys(OF_DRAWINGS), **drawing.parameters()}


def _kept(state: State, drawing: Drawing | None) -> list[tuple[str, str]]:
    """Return the hidden fields of the download form: the filters and the drawing."""
    return [*state.filters.items(), *(drawing.parameters().items() if drawing else ())]


def _heads(picture: Picture) -> list[dict[str, Any]]:
    return [
        {"title": title, "number": bool(pattern)}
        for title, pattern in zip(picture.columns, picture.formats, strict=False)
    ]


def _cells(picture: Picture) -> list[dict[str, Any]]:
    """Return the rows of the data table, each with its cells and the address of its records."""
    return [
        {
            "address": address,
            "cells": [
                {"text": format_figure(value, pattern), "number": bool(pattern)}
                for value, pattern in zip(row, picture.formats, strict=False)
            ],
        }
        for row, address in zip(picture.rows, picture.addresses, strict=True)
    ]
