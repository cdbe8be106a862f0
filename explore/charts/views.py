"""The Chart tab, and the addresses of its pictures, which a report can fetch again."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone

from datasets.api.conditional import Tag, release
from datasets.personal import hidden_fields
from datasets.versions import versions_behind
from explore.charts.choices import boxes, fitted
from explore.charts.colours import BRIGHTER, THEMES
from explore.charts.defaults import default_drawing
from explore.charts.drawing import Drawing, Undrawn
from explore.charts.draws import draw
from explore.charts.pictures import FORMATS, LARGEST, SMALLEST, Picture
from explore.charts.rendering import Busy, Unrenderable
from explore.charts.specs import WIDTH
from explore.loosening import loosened
from explore.pages import explored, page
from explore.state import State
from explore.telling import filters_told

OF_DRAWINGS = ("kind", "x", "y", "colour", "measure", "bins", "sort")
OF_SIZES = ("width", "height")
WAIT = 5  # seconds after which to ask again where too many images are being made
REMEMBERED = 16

_pictures: OrderedDict[tuple, Picture] = OrderedDict()
_lock = Lock()


@explored(own=OF_DRAWINGS, simplified=True)
def chart(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Chart tab: what is chosen, the picture, and its data as a table."""
    drawing, picture = _drawn(state)
    shown = picture is not None and bool(picture.rows)
    query = state.query(**_all_of(drawing), width=None, height=None) if drawing else ""
    height = picture.height if picture else None
    return page(
        request,
        state,
        "chart",
        "explore/chart.html",
        boxes=list(boxes(state.model, drawing or _asked(state, lenient=True), state.user)),
        picture=picture if shown else None,
        heads=_heads(picture) if shown else [],
        cells=_cells(picture) if shown else [],
        query=query,
        kept=_kept(state, drawing),
        size={"width": WIDTH, "height": height, "least": SMALLEST, "most": LARGEST},
        themes={"configs": THEMES, "brighter": BRIGHTER},
        loosened=list(loosened(state)) if picture and not shown and state.filters else [],
    )


@explored(own=OF_DRAWINGS)
def specification(request: HttpRequest, state: State) -> HttpResponseBase:
    """The chart as Vega-Lite with its data."""
    return _answer(
        request, state, "json", lambda picture: JsonResponse(picture.spec | {"description": picture.described})
    )


def image(format: str) -> Callable:
    """Return the view of the chart as an image, of the size that the address says."""

    @explored(own=OF_DRAWINGS)
    def view(request: HttpRequest, state: State) -> HttpResponseBase:
        sizes = [_size(state, name) for name in OF_SIZES]
        return _answer(request, state, format, lambda picture: _image(state, picture, format, *sizes))

    return view


def _image(state: State, picture: Picture, format: str, width: int | None, height: int | None) -> HttpResponse:
    width = width or WIDTH
    height = height or min(max(round(picture.height * width / WIDTH), SMALLEST), LARGEST)
    try:
        content = picture.image(format, width, height)
    except Busy:
        told = f"Too many images are being made at this moment. Ask again in {WAIT} seconds."
        return HttpResponse(told, status=503, content_type="text/plain", headers={"Retry-After": str(WAIT)})
    except Unrenderable as error:
        return HttpResponse(str(error), status=500, content_type="text/plain")
    name = f"{state.table.dataset}-{state.table.name}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=FORMATS[format], headers=headers)


def _answer(request: HttpRequest, state: State, format: str, made) -> HttpResponseBase:
    """Return what is *made* of the picture; who has it already is told so before anything is counted."""
    tag = Tag(request, state.model, f"{format} {timezone.localdate()}")
    if tag.is_known and not state.errors:
        return tag.not_modified()
    _, picture = _drawn(state)
    if state.errors or picture is None:
        told = "\n".join(f"{name}: {' '.join(messages)}" for name, messages in state.errors.items())
        return HttpResponse(told, status=400, content_type="text/plain; charset=utf-8")
    response = made(picture)
    return tag.mark(response) if response.status_code == 200 else response


def _drawn(state: State) -> tuple[Drawing | None, Picture | None]:
    """Return what is asked for and its picture; where it cannot be drawn, the state says why."""
    if state.errors:
        return None, None
    try:
        drawing = _asked(state)
        version = versions_behind(state.model)  # read before any record is
        hidden = ",".join(sorted(hidden_fields(state.model, state.user)))
        today = timezone.localdate()
        filters = tuple(sorted(state.filters.items()))
        key = (state.model, drawing, filters, version, release(), hidden, today)
        with _lock:
            if key in _pictures:
                _pictures.move_to_end(key)
                return drawing, _pictures[key]
        told = [one.text for one in filters_told(state.model, state.filters)]
        picture = draw(state.model, state.records, drawing, state.user, told, today)
    except Undrawn as error:
        state.refuse(error.parameter, str(error))
        return None, None
    with _lock:  # a page asks for its chart twice: as a table and as a picture
        _pictures[key] = picture
        while len(_pictures) > REMEMBERED:
            _pictures.popitem(last=False)
    return drawing, picture


def _asked(state: State, lenient: bool = False) -> Drawing:
    first = default_drawing(state.model, state.user)
    try:
        return fitted(state.model, Drawing.read(state.data, first), state.user)
    except Undrawn:
        if not lenient:
            raise
        return first


def _all_of(drawing: Drawing) -> dict[str, str | None]:
    return {**dict.fromkeys(OF_DRAWINGS), **drawing.parameters()}


def _kept(state: State, drawing: Drawing | None) -> list[tuple[str, str]]:
    """Return what the form of a picture's size keeps: the filters and the drawing."""
    return [*state.filters.items(), *(drawing.parameters().items() if drawing else ())]


def _size(state: State, name: str) -> int | None:
    text = state.data.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and SMALLEST <= int(text[:9]) <= LARGEST):
        state.refuse(name, f"Expected a whole number of pixels between {SMALLEST} and {LARGEST}, found {text[:100]}.")
        return None
    return int(text)


def _heads(picture: Picture) -> list[dict]:
    return [
        {"title": title, "number": bool(format)}
        for title, format in zip(picture.columns, picture.formats, strict=False)
    ]


def _cells(picture: Picture) -> list[list[dict]]:
    return [
        [
            {"text": _told(value, format), "number": bool(format)}
            for value, format in zip(row, picture.formats, strict=False)
        ]
        for row in picture.rows
    ]


def _told(value, format: str) -> str:
    """Return a cell of the table as the picture's tooltip has it."""
    if value is None:
        return ""
    if not format:
        return str(value)
    if format.endswith("%"):
        return f"{value:.1%}"
    places = int(format[2]) if format.startswith(",.") else 0 if format == ",d" else 6
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
