"""The specification of a chart, read from a query string: ``kind=bar&x=education&measure=mean:hours_per_week``."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from unicodedata import category

from datasets.query_values import whole_number

KINDS = {
    "bar": "Bars",
    "line": "Line",
    "histogram": "Histogram",
    "box": "Box plot",
    "heat": "Heat map",
    "scatter": "Scatter",
}
USED = {
    "bar": ("x", "colour", "measure", "weight", "bins", "sort", "scale", "title"),
    "line": ("x", "colour", "measure", "weight", "bins", "scale", "title"),
    "histogram": ("x", "colour", "measure", "weight", "bins", "scale", "title"),
    "box": ("x", "y", "colour", "bins", "sort", "scale", "title"),
    "heat": ("x", "y", "measure", "weight", "bins", "sort", "scale", "title"),
    "scatter": ("x", "y", "colour", "scale", "title"),
}
SCALES = {"log": "Logarithmic"}
SCALES_OF_POINTS = {"log": "Logarithmic Y axis", "log-x": "Logarithmic X axis", "log-both": "Both logarithmic"}
LONGEST_TITLE = 150  # characters
BINS, FEWEST_BINS, MOST_BINS = 20, 2, 100


class ChartError(Exception):
    """A chart cannot be drawn; *parameter* is the name of the Drawing's field that is wrong."""

    def __init__(self, parameter: str, message: str):
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Drawing:
    """The specification of a chart.

    *x*, *y* and *colour* are columns. A date may have a part (``date_of_birth:year`` or ``:month``), a number the width
    of its bins (``age:10``). Box plots, heat maps and scatter plots use *y*. *measure* is ``count``, ``share``, the
    ``mean``, ``median`` or ``sum`` of a column, such as ``mean:hours_per_week``, or the ``count`` or ``share`` of yes
    in a boolean column. *weight* is a column that weighs the records. *bins* is the approximate number of bins of a
    column of numbers. *sort* orders bars and boxes by ``name``, ``value``, or the minimum of a column
    (``education_years``); the prefix ``-`` reverses the order. *scale* is ``log`` for a logarithmic scale of the
    values; a scatter plot also has ``log-x`` and ``log-both``. *title* replaces the chart's own title.
    """

    kind: str = "bar"
    x: str = ""
    y: str = ""
    colour: str = ""
    measure: str = "count"
    bins: int = BINS
    sort: str = ""
    weight: str = ""
    scale: str = ""
    title: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ChartError("kind", f"Expected one of {', '.join(KINDS)}; found {self.kind[:100]}.")
        if not FEWEST_BINS <= self.bins <= MOST_BINS:
            raise ChartError("bins", f"Expected between {FEWEST_BINS} and {MOST_BINS}, found {self.bins}.")
        if self.scale and self.scale not in SCALES_OF_POINTS:
            raise ChartError("scale", f"Expected one of {', '.join(SCALES_OF_POINTS)}; found {self.scale[:100]}.")
        if len(self.title) > LONGEST_TITLE:
            raise ChartError("title", f"Expected at most {LONGEST_TITLE} characters, found {len(self.title)}.")
        if not all(sign.isprintable() or category(sign) == "Zs" for sign in self.title):
            raise ChartError("title", "Expected a title without line breaks or control characters.")

    @classmethod
    def read(cls, parameters: Mapping[str, str], otherwise: "Drawing") -> "Drawing":
        """Read a drawing from *parameters*, based on *otherwise* if they name no kind or column; raises ChartError."""
        given: dict[str, Any] = {
            field.name: parameters[field.name] for field in fields(cls) if parameters.get(field.name)
        }
        if "bins" in given:
            try:
                given["bins"] = whole_number(given["bins"], FEWEST_BINS, MOST_BINS)
            except ValueError as error:
                raise ChartError("bins", str(error)) from None
        if not given.keys() & {"kind", "x", "y", "measure", "weight"}:
            return replace(otherwise, **given)
        return cls(**{"kind": otherwise.kind, **given})

    def with_column(self, axis: str, column: str) -> "Drawing":
        """Return the drawing with *column* on *axis*, which is ``x``, ``y`` or ``colour``."""
        changes: dict[str, Any] = {axis: column}
        return replace(self, **changes)

    @property
    def is_log(self) -> bool:
        """Whether the values have a logarithmic scale."""
        return self.scale in ("log", "log-both")

    @property
    def unused(self) -> dict[str, str]:
        """The parameters that are set although this kind of chart does not use them."""
        scale = {"scale": self.scale} if self.scale and self.kind != "scatter" and self.scale not in SCALES else {}
        used = ("kind", *USED[self.kind])
        return scale | {name: value for name, value in self.parameters().items() if name not in used}

    def parameters(self) -> dict[str, str]:
        """Return the drawing as query parameters, without those that have their default value."""
        plain = Drawing()
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in own.items() if name == "kind" or value != getattr(plain, name)}
