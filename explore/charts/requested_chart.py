"""The chart that a URL requests: its drawing, its cached picture, and the size and theme of its image."""

from collections import OrderedDict
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any

from api.etags import release
from datasets.query_values import whole_number
from datasets.records.formatting import describe_filters
from datasets.records.masking import hidden_fields
from datasets.versions import versions_behind
from explore.charts.build import draw
from explore.charts.chart_image import LARGEST, SMALLEST, Picture
from explore.charts.chart_spec import ChartError, Drawing
from explore.charts.colours import THEMES
from explore.charts.defaults import default_drawing
from explore.charts.form_options import filled, fitted
from explore.charts.image_sizes import SIZES, Size
from explore.url_state import State
from exports.file_names import day_of

OF_DRAWINGS = tuple(field.name for field in fields(Drawing))
OF_IMAGES = ("width", "height", "size", "theme")
REMEMBERED = 16  # charts in the cache

_pictures: OrderedDict[tuple[Any, ...], Picture] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class ImageOptions:
    """The size and the theme of an image; None if the URL does not set them."""

    width: int | None
    height: int | None
    size: Size | None
    theme: str | None

    @classmethod
    def read(cls, state: State) -> "ImageOptions":
        """Read the options from the URL; invalid ones become errors of *state*."""
        name, theme = state.data.get("size"), state.data.get("theme")
        if name is not None and name not in SIZES:
            state.refuse("size", f"Expected one of {', '.join(SIZES)}; found {name[:100]}.")
        if theme is not None and theme not in THEMES:
            state.refuse("theme", f"Expected {' or '.join(THEMES)}, found {theme[:100]}.")
        width, height = (cls._pixels(state, side) for side in ("width", "height"))
        if name and ("width" in state.data or "height" in state.data):
            state.refuse("size", "The size sets the width and the height. Remove size, or width and height.")
        return cls(width, height, SIZES.get(name or ""), theme)

    @staticmethod
    def _pixels(state: State, name: str) -> int | None:
        text = state.data.get(name)
        if text is None:
            return None
        try:
            return whole_number(text, SMALLEST, LARGEST)
        except ValueError as error:
            state.refuse(name, str(error).replace("whole number", "whole number of pixels", 1))
            return None


def requested_drawing(state: State, *, lenient: bool = False) -> Drawing:
    """Return the drawing that the URL requests; raises ChartError, or with *lenient* returns the default one."""
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


def requested_picture(state: State) -> tuple[Drawing | None, Picture | None]:
    """Return the requested drawing and its picture, or None and an error in the state if it cannot be drawn."""
    if state.errors:
        return None, None
    try:
        drawing = requested_drawing(state)
        key = _key(state, drawing)  # before the records, so that the cache never holds older ones
        if (cached := _cached(key)) is not None:
            return drawing, cached
        descriptions = [description.text for description in describe_filters(state.model, state.filters)]
        day, address = day_of(state.model), state.table.address()
        picture = draw(state.model, state.records, drawing, state.user, descriptions, day, state.filters, address)
    except ChartError as error:
        state.refuse(error.parameter, str(error))
        return None, None
    with _lock:  # a page requests its chart twice: as a table and as a picture
        _pictures[key] = picture
        while len(_pictures) > REMEMBERED:
            _pictures.popitem(last=False)
    return drawing, picture


def checked_drawing(state: State) -> tuple[Drawing | None, bool]:
    """Return the requested drawing without reading the records, and whether its picture is in the cache.

    A drawing that no records could have becomes an error of *state*.
    """
    if state.errors:
        return None, False
    try:
        drawing = requested_drawing(state)
        if _cached(_key(state, drawing)) is not None:
            return drawing, True
        draw(state.model, state.model._default_manager.none(), drawing, state.user)
    except ChartError as error:
        state.refuse(error.parameter, str(error))
        return None, False
    return drawing, False


def _key(state: State, drawing: Drawing) -> tuple[Any, ...]:
    filters = tuple(sorted(state.filters.items()))
    hidden = ",".join(sorted(hidden_fields(state.model, state.user)))
    return state.model, drawing, filters, versions_behind(state.model), release(), hidden, day_of(state.model)


def _cached(key: tuple[Any, ...]) -> Picture | None:
    with _lock:
        if key not in _pictures:
            return None
        _pictures.move_to_end(key)
        return _pictures[key]
