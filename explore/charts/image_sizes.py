"""Named sizes of images: as the page shows the chart, for a slide, and for a column of a printed page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from explore.charts.encodings import WIDTH
from explore.charts.scales import thinned

DPI = 300  # pixels per inch of a printed page
MILLIMETRES = 25.4  # of an inch
NARROW_TICKS = 5
LEGEND = {"orient": "bottom", "columns": 1, "labelLimit": 260}


@dataclass(frozen=True)
class Size:
    """A size of an image in pixels; *height* is None if it is that of the chart.

    *scale* enlarges all parts of the picture. A *printed* one has DPI pixels per inch, and its legend below. A *bare*
    one is for the page, which has its own title and background.
    """

    title: str
    width: int
    height: int | None = None
    scale: float = 1
    printed: bool = False
    bare: bool = False


SIZES = {
    "page": Size("Page", WIDTH, bare=True),
    "slide": Size("Slide, 1600 × 900 pixels", 1600, 900),
    # Labels of 12 pixels are 30 pixels high, which is 7 points in print.
    "column": Size("Column, 85 mm wide at 300 dpi", round(85 / MILLIMETRES * DPI), scale=2.5, printed=True),
}


def narrowed(spec: dict[str, Any]) -> dict[str, Any]:
    """Return *spec* for a narrow picture: with fewer ticks, shorter labels, and the legend below."""
    for encoding in _encodings(spec):
        axis = encoding.get("x", {}).get("axis") or {}
        if "values" in axis:
            encoding["x"] = encoding["x"] | {"axis": axis | {"values": thinned(axis["values"], NARROW_TICKS)}}
    config = spec["config"]
    changes = {
        "legend": config["legend"] | LEGEND,
        "axis": config["axis"] | {"labelLimit": 150},
        "axisX": {"titleAnchor": "end"},
        "title": config["title"] | {"fontSize": 15},
    }
    return spec | {"config": config | changes}


def legend_lines(spec: dict[str, Any]) -> int:
    """Return the number of lines of the legend below a narrow picture."""
    for encoding in _encodings(spec):
        colour = encoding.get("color", {})
        if "field" in colour:
            return 2 + len(colour["scale"]["domain"])
        if "field" in colour.get("condition", {}):
            return 4  # a bar of colours
    return 0


def _encodings(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in [spec, *spec.get("layer", [])]:
        if "encoding" in part:
            yield part["encoding"]


def jpeg_in_print(image: bytes) -> bytes:
    """Return a JPEG image with DPI pixels per inch, which its JFIF header says at offset 13."""
    density = DPI.to_bytes(2)
    return image[:13] + b"\x01" + density + density + image[18:] if image[6:11] == b"JFIF\x00" else image


def millimetres(pixels: int) -> str:
    """Return a length in print, such as ``85.01mm``."""
    return f"{pixels / DPI * MILLIMETRES:.2f}".rstrip("0").rstrip(".") + "mm"
