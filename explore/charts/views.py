"""Views: the Chart tab, and its charts as images and as Vega-Lite."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone

from api.etags import ETag, release
from datasets.query_values import whole_number
from datasets.records.filter_widgets import title_of
from datasets.records.formatting import describe_filters, format_figure
from datasets.records.masking import hidden_fields
from datasets.versions import versions_behind
from explore.charts.axes import columns_for
from explore.charts.build import draw
from explore.charts.chart_image import FORMATS, LARGEST, SMALLEST, Picture
from explore.charts.chart_spec import ChartError, Drawing
from explore.charts.colours import THEMES
from explore.charts.defaults import default_drawing
from explore.charts.encodings import WIDTH
from explore.charts.form_options import boxes, filled, fitted
from explore.charts.render_client import RendererBusyError, RenderingError
from explore.empty_results import removable_filters
from explore.pages import View, explored, page
from explore.tables import tables_for
from explore.url_state import State
from exports.summaries import table_as_csv

OF_DRAWINGS = tuple(field.name for field in fields(Drawing))
OF_SIZES = ("width", "height")
OF_IMAGES = (*OF_SIZES, "theme")
DRAWN = "drawn"  # the kind of chart that a form was made for: its options may not fit another kind
WAIT = 5  # seconds to wait before a retry if too many images are being rendered
REMEMBERED = 16  # charts in the cache

_pictures: OrderedDict[tuple[Any, ...], Picture] = OrderedDict()
_lock = Lock()


@explored(own=(*OF_DRAWINGS, DRAWN))
def chart(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Chart tab: the options, the chart, and its data as a table."""
    if DRAWN in state.data or not state.is_simple:
        return redirect(request.path + state.query(**_changed(state), **{DRAWN: None}).removesuffix("?"))
    unchosen = not (state.data.keys() & {*OF_DRAWINGS} or default_drawing(state.model, state.user).x)
    for name in OF_SIZES:
        _size(state, name)
    _theme(state)
    drawing, picture = (None, None) if unchosen else _drawn(state)
    shown = picture if picture is not None and picture.rows else None
    query = state.query(**_all_of(drawing), **dict.fromkeys(OF_IMAGES)) if drawing else ""
    height = picture.height if picture else None
    offered = drawing or _requested_drawing(state, lenient=True)
    return page(
        request,
        state,
        "chart",
        "explore/chart.html",
        boxes=list(boxes(state.model, offered, state.user, state.filters)),
        drawn=offered.kind,
        unchosen=unchosen,
        referring=list(_referring(state)) if unchosen else [],
        picture=shown,
        heads=_heads(shown) if shown else [],
        cells=_cells(shown) if shown else [],
        query=query,
        kept=_kept(state, drawing),
        size={"width": WIDTH, "height": height, "least": SMALLEST, "most": LARGEST},
        removable_filters=list(removable_filters(state)) if picture and not shown and state.filters else [],
    )


@explored(own=OF_DRAWINGS)
def specification(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Vega-Lite specification of the chart, with its data."""
    theme = _theme(state)

    def made(picture: Picture) -> JsonResponse:
        return JsonResponse((picture.themed(theme) if theme else picture.spec) | {"description": picture.described})

    return _answer(request, state, "json", made)


@explored(own=OF_DRAWINGS)
def data(request: HttpRequest, state: State) -> HttpResponseBase:
    """The data of the chart as CSV, with formula escaping on request."""
    if (wanted := state.data.get("spreadsheet")) not in (None, "true"):
        state.refuse("spreadsheet", f"Expected true, found {wanted[:50]}.")

    def made(picture: Picture) -> HttpResponse:
        content = table_as_csv(picture.columns, picture.rows, defuse=bool(wanted))
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=_named(state, "csv"))

    return _answer(request, state, "csv", made)


def image(suffix: str) -> View:
    """Return the view of the chart as an image; the URL may set its size."""

    @explored(own=OF_DRAWINGS)
    def view(request: HttpRequest, state: State) -> HttpResponseBase:
        width, height, theme = _size(state, "width"), _size(state, "height"), _theme(state) or "light"
        return _answer(request, state, suffix, lambda picture: _image(state, picture, suffix, width, height, theme))

    return view


@explored()
def no_such_image(request: HttpRequest, state: State, suffix: str) -> HttpResponseBase:
    """Return 404 with the available formats."""
    message = f"There is no chart.{suffix[:100]}. Use chart.{', chart.'.join(FORMATS)}, chart.csv or chart.json."
    return HttpResponse(message, status=404, content_type="text/plain; charset=utf-8")


def _image(
    state: State, picture: Picture, suffix: str, width: int | None, height: int | None, theme: str
) -> HttpResponse:
    width = width or WIDTH
    height = height or min(max(round(picture.height * width / WIDTH), SMALLEST), LARGEST)
    try:
        content = picture.image(suffix, width, height, theme, state.request.build_absolute_uri("/").rstrip("/"))
    except RendererBusyError:
        message = f"Too many images are being rendered. Try again in {WAIT} seconds."
        return HttpResponse(message, status=503, content_type="text/plain", headers={"Retry-After": str(WAIT)})
    except RenderingError as error:
        return HttpResponse(str(error), status=500, content_type="text/plain")
    return HttpResponse(content, content_type=FORMATS[suffix], headers=_named(state, suffix))


def _named(state: State, suffix: str) -> dict[str, str]:
    """Return the headers that name the file of a chart."""
    name = f"{state.table.dataset}-{state.table.name}.{suffix}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _answer(
    request: HttpRequest, state: State, suffix: str, made: Callable[[Picture], HttpResponseBase]
) -> HttpResponseBase:
    """Return the response that *made* creates from the picture, or 304 if the client's copy is current."""
    tag = ETag(request, state.model, f"{suffix} {_date(state)}")
    _theme(state)
    for name in OF_SIZES:  # the data and the specification do not use the size, but refuse an invalid one
        _size(state, name)
    if tag.is_known and not state.errors:
        return tag.not_modified()
    _, picture = _drawn(state)
    if state.errors or picture is None:
        message = "\n".join(f"{name}: {' '.join(messages)}" for name, messages in state.errors.items())
        return HttpResponse(message, status=400, content_type="text/plain; charset=utf-8")
    response = made(picture)
    return tag.mark(response) if response.status_code == 200 else response


def _drawn(state: State) -> tuple[Drawing | None, Picture | None]:
    """Return the requested drawing and its picture, or None and an error in the state if it cannot be drawn."""
    if state.errors:
        return None, None
    try:
        drawing = _requested_drawing(state)
        version = versions_behind(state.model)  # before the records, so that the cache never holds older ones
        hidden = ",".join(sorted(hidden_fields(state.model, state.user)))
        on = _date(state)
        filters = tuple(sorted(state.filters.items()))
        key = (state.model, drawing, filters, version, release(), hidden, on)
        with _lock:
            if key in _pictures:
                _pictures.move_to_end(key)
                return drawing, _pictures[key]
        descriptions = [description.text for description in describe_filters(state.model, state.filters)]
        picture = draw(
            state.model, state.records, drawing, state.user, descriptions, on, state.filters, state.table.address()
        )
    except ChartError as error:
        state.refuse(error.parameter, str(error))
        return None, None
    with _lock:  # a page requests its chart twice: as a table and as a picture
        _pictures[key] = picture
        while len(_pictures) > REMEMBERED:
            _pictures.popitem(last=False)
    return drawing, picture


def _date(state: State) -> date:
    """Return the date in the caption: today, or that of the last change that a summary table includes."""
    summary = state.summary
    return timezone.localdate(summary.as_of if summary and summary.is_behind else None)


def _requested_drawing(state: State, *, lenient: bool = False) -> Drawing:
    first = default_drawing(state.model, state.user)
    try:
        drawing = Drawing.read(state.data, first)
    except ChartError:
        if not lenient:
            raise
        return first
    if not state.data.keys() & {*OF_DRAWINGS}:
        return first
    return (fitted if lenient else filled)(state.model, drawing, state.user)


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


def _size(state: State, name: str) -> int | None:
    text = state.data.get(name)
    if text is None:
        return None
    try:
        return whole_number(text, SMALLEST, LARGEST)
    except ValueError as error:
        state.refuse(name, str(error).replace("whole number", "whole number of pixels", 1))
        return None


def _theme(state: State) -> str | None:
    theme = state.data.get("theme")
    if theme is not None and theme not in THEMES:
        state.refuse("theme", f"Expected {' or '.join(THEMES)}, found {theme[:100]}.")
    return theme


def _heads(picture: Picture) -> list[dict[str, Any]]:
    return [
        {"title": title, "number": bool(pattern)}
        for title, pattern in zip(picture.columns, picture.formats, strict=False)
    ]


def _cells(picture: Picture) -> list[list[dict[str, Any]]]:
    return [
        [
            {"text": format_figure(value, pattern), "number": bool(pattern)}
            for value, pattern in zip(row, picture.formats, strict=False)
        ]
        for row in picture.rows
    ]
