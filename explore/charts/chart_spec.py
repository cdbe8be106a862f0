"""What is asked of a chart, in the words of its address: ``kind=bar&x=education&measure=mean:hours_per_week``."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

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
    "bar": ("x", "colour", "measure", "bins", "sort"),
    "line": ("x", "colour", "measure", "bins"),
    "histogram": ("x", "colour", "measure", "bins"),
    "box": ("x", "y", "colour", "bins", "sort"),
    "heat": ("x", "y", "measure", "bins", "sort"),
    "scatter": ("x", "y", "colour"),
}
BINS, FEWEST_BINS, MOST_BINS = 20, 2, 100


class ChartError(Exception):
    """What is refused of a chart: *parameter* is the name of a Drawing's field."""

    def __init__(self, parameter: str, message: str):
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Drawing:
    """What to draw.

    *x*, *y* and *colour* are columns; dates may come with a part (``date_of_birth:year`` or ``:month``), and numbers
    with the width of their bins (``age:10``). *y* is of box plots, heat maps and scatters; the others measure:
    ``count``, ``share``, or ``mean``, ``median`` or ``sum`` of a column, such as ``mean:hours_per_week``. *bins* is
    about how many groups are made of numbers. *sort* is a column by whose least value bars and boxes are put in order
    (``education_years``), ``name`` or ``value``; ``-`` before it for the other way round.
    """

    kind: str = "bar"
    x: str = ""
    y: str = ""
    colour: str = ""
    measure: str = "count"
    bins: int = BINS
    sort: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ChartError("kind", f"Expected one of {', '.join(KINDS)}; found {self.kind[:100]}.")
        if not FEWEST_BINS <= self.bins <= MOST_BINS:
            raise ChartError("bins", f"Expected between {FEWEST_BINS} and {MOST_BINS}, found {self.bins}.")

    @classmethod
    def read(cls, parameters: Mapping[str, str], otherwise: "Drawing") -> "Drawing":
        """Return what *parameters* ask for; raises ChartError. With no kind or x among them, *otherwise* fills in."""
        given = {field.name: parameters[field.name] for field in fields(cls) if parameters.get(field.name)}
        if "bins" in given:
            try:
                given["bins"] = whole_number(given["bins"], FEWEST_BINS, MOST_BINS)
            except ValueError as error:
                raise ChartError("bins", str(error)) from None
        if not given.keys() & {"kind", "x", "y", "measure"}:
            return replace(otherwise, **given)
        return cls(**{"kind": otherwise.kind, **given})

    @property
    def unused(self) -> dict[str, str]:
        """What was asked for that the kind has no use for."""
        return {name: value for name, value in self.parameters().items() if name not in ("kind", *USED[self.kind])}

    def parameters(self) -> dict[str, str]:
        """Return the drawing as parameters of an address, without what goes without saying."""
        plain = Drawing()
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in own.items() if name == "kind" or value != getattr(plain, name)}
