"""A finished chart: its Vega-Lite specification, its data as a table, and images of it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from explore.charts.colours import BRIGHTER, THEMES
from explore.charts.encodings import ADDRESS, WIDTH
from explore.charts.image_sizes import DPI, Size, jpeg_in_print, legend_lines, millimetres, narrowed
from explore.charts.render_client import render

FORMATS = {"png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml"}
SMALLEST, LARGEST = 100, 4000  # pixels of an image's width and height
CROWDED = 0.7  # of a chart's height: in a lower image, its parts are smaller instead of closer to each other
LINE = 16  # pixels: the height of a line of the subtitle or the legend
LETTER, SMALL_LETTER = 8.6, 6.4  # average width in pixels of a letter of the title, and of the subtitle
ASIDE = {"left": 5, "top": 5, "bottom": 5, "right": 30}  # an SVG's viewer may use a wider font
_SIZE = re.compile(r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"')


@dataclass(frozen=True)
class Picture:
    """A chart; *spec* is its Vega-Lite specification with data, *columns* and *rows* are the same data as a table.

    *title* names the measure and the columns, or is the title of the drawing. *subtitle* lists the table, filters,
    notes, number of records and date. *links* has the query string of the records of each row, or None.
    """

    title: str
    subtitle: list[str]
    columns: list[str]
    rows: list[tuple[Any, ...]]
    spec: dict[str, Any]
    height: int
    formats: list[str] = field(default_factory=list)
    links: list[str | None] = field(default_factory=list)

    @property
    def described(self) -> str:
        """A text alternative of the chart."""
        return " ".join([f"{self.title}.", *self.subtitle])

    @property
    def addresses(self) -> list[str | None]:
        """The address of the records of each row, or None."""
        [base] = [parameter["value"] for parameter in self.spec.get("params", [])] or [""]
        return [base + link if base and link is not None else None for link in self.links or [None] * len(self.rows)]

    def image(
        self, suffix: str = "png", width: int = WIDTH, height: int | None = None, theme: str = "light", site: str = ""
    ) -> bytes:
        """Return the chart as a ``png``, ``jpg`` or ``svg`` image of *width* by *height* pixels.

        A larger image is the same picture, enlarged. The links of an SVG begin with *site*, such as
        ``https://example.org``. Raises ValueError for an invalid size or format, and the errors of
        explore.charts.render_client.
        """
        height = height or round(self.height * width / WIDTH)
        if suffix not in FORMATS or not all(SMALLEST <= size <= LARGEST for size in (width, height)):
            known = ", ".join(FORMATS)
            raise ValueError(f"Expected {known} of {SMALLEST} to {LARGEST} pixels; found {suffix}, {width} x {height}.")
        scale = max(1, min(width / WIDTH, height / max(300, CROWDED * self.height)))
        return self._rendered(suffix, self.titled(width / scale, height / scale, theme), scale, (width, height), site)

    def sized(self, suffix: str, size: Size, theme: str = "light", site: str = "") -> bytes:
        """Return the chart as an image of a named *size*."""
        if size.height:
            return self.image(suffix, size.width, size.height, theme, site)
        if size.bare:
            spec = self.themed(theme)
            spec |= {"config": spec["config"] | {"background": None}}
            return self._rendered(suffix, spec, size.scale, (size.width, self.height), site)
        spec = narrowed(self.titled(size.width / size.scale, None, theme))
        lines = len(spec["title"]["text"]) + len(spec["title"]["subtitle"]) + legend_lines(spec)
        height = min(round((max(self.height - 80, 220) + LINE * lines) * size.scale), LARGEST)
        spec |= {"height": height / size.scale}
        return self._rendered(suffix, spec, size.scale, (size.width, height), site, printed=size.printed)

    def _rendered(
        self,
        suffix: str,
        spec: dict[str, Any],
        scale: float,
        size: tuple[int, int],
        site: str,
        *,
        printed: bool = False,
    ) -> bytes:
        if "params" in spec:
            spec = spec | {"params": [{"name": ADDRESS, "value": site + spec["params"][0]["value"]}]}
        if suffix != "svg":
            made = render(suffix, spec, scale, DPI if printed else None)
            return jpeg_in_print(made) if printed and suffix == "jpg" else made
        made = render(suffix, spec | {"padding": ASIDE})
        if scale > 1:
            width, height = (millimetres(side) if printed else str(side) for side in size)
            made = _SIZE.sub(rf'\1 width="{width}" height="{height}"', made.decode(), count=1).encode()
        return made

    def titled(self, width: float = WIDTH, height: float | None = None, theme: str = "light") -> dict[str, Any]:
        """Return the Vega-Lite specification with title and subtitle, in the colours of a theme."""
        heading = list(_wrapped(self.title, int(width / LETTER)))
        below = [part for line in self.subtitle for part in _wrapped(line, int(width / SMALL_LETTER))]
        size = {"width": width, "height": height or self.height}
        return self.themed(theme) | size | {"title": {"text": heading, "subtitle": below}}

    def themed(self, theme: str) -> dict[str, Any]:
        """Return the Vega-Lite specification in the colours of a theme: ``light`` or ``dark``."""
        if theme == "light":
            return self.spec | {"config": THEMES[theme]}
        text = json.dumps(self.spec | {"data": None})
        for colour, brighter in BRIGHTER.items():
            text = text.replace(f'"{colour}"', f'"{brighter}"')
        return json.loads(text) | {"data": self.spec["data"], "config": THEMES[theme]}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"image/png": self.image("png", 2 * WIDTH), "text/plain": self.described}


def _wrapped(text: str, letters: int) -> Iterator[str]:
    """Yield *text* in lines of at most *letters* characters; a longer word gets its own line."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > max(letters, 10):
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
