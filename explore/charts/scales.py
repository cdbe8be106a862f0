"""The ends of an axis and its ticks: an axis ends at the data, and has a label for each of at most 10 ticks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any

import altair as alt

from datasets.records.formatting import format_float
from explore.charts.chart_spec import ChartError

MOST_TICKS = 10
LOG = "log"
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class NumberScale:
    """An axis of numbers from *low* to *high*."""

    low: float
    high: float
    ticks: list[float]
    log: bool = False

    @property
    def scale(self) -> alt.Scale:
        kind: dict[str, Any] = {"type": LOG} if self.log else {"zero": False}
        return alt.Scale(domain=[self.low, self.high], nice=False, padding=0, **kind)

    def axis(self, pattern: str) -> alt.Axis:
        """Return the axis with numbers in the d3 format *pattern*."""
        return alt.Axis(format=pattern, values=self.ticks, labelOverlap=False)

    def amount_axis(self, pattern: str) -> alt.Axis:
        """Return an axis of amounts, with as many decimals as its ticks need."""
        return self.axis(tick_format(pattern, self.ticks))


def number_scale(
    values: Iterable[float | None], *, zero: bool = False, log: bool = False, whole: bool = False
) -> NumberScale:
    """Return the scale of *values*, which includes 0 if *zero*, as for bars.

    A *whole* one has no ticks between whole numbers. A *log* one begins at a round number below the values if *zero*.
    Raises ChartError for a log scale with values that are not above 0.
    """
    known = [value for value in values if value is not None]
    low, high = min(known, default=0), max(known, default=1)
    if log:
        return _log_scale(low, high, zero=zero) if known else NumberScale(1, 10, [1, 10], log=True)
    if zero:
        low, high = min(low, 0), max(high, 0)
    if low == high:
        low, high = min(low, 0), max(high, 0)
    if low == high:
        high = 1
    return NumberScale(low, high, ticks(low, high, whole=whole))


def _log_scale(low: float, high: float, *, zero: bool) -> NumberScale:
    if low <= 0:
        raise ChartError(
            "scale", f"A log scale needs values above 0, but the smallest is {format_float(float(low))}. Use linear."
        )
    if zero or low == high:
        low = max(mark for mark in _round_numbers(low / 20, high) if mark < low)
    marks = [mark for mark in _round_numbers(low, high) if low <= mark <= high]
    if len(marks) > MOST_TICKS:
        marks = [mark for mark in marks if f"{mark:e}".startswith("1.")]
        marks = marks[:: ceil(len(marks) / MOST_TICKS)]
    return NumberScale(low, high, marks if len(marks) > 2 else ticks(low, high), log=True)


def _round_numbers(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times each power of ten from *low* to beyond *high*."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [float(f"{step}e{power}") for power in powers for step in STEPS]


def ticks(low: float, high: float, most: int = MOST_TICKS, *, whole: bool = False) -> list[float]:
    """Return at most *most* multiples of 1, 2 or 5 times a power of ten from *low* to *high*."""
    step = tick_step(low, high, most, whole=whole)
    first, last = ceil(round(low / step, 9)), floor(round(high / step, 9))
    marks = [float(f"{place * step:.12g}") for place in range(first, last + 1)]
    return [int(mark) if mark == int(mark) else mark for mark in marks]


def tick_step(low: float, high: float, most: int = MOST_TICKS, *, whole: bool = False) -> float:
    """Return the smallest step of 1, 2 or 5 times a power of ten with at most *most* ticks."""
    reach = high / most - low / most
    power = floor(log10(reach)) if reach > 0 else 0
    while True:
        for digit in STEPS:
            step = float(f"{digit}e{power}")
            few = floor(round(high / step, 9)) - ceil(round(low / step, 9)) < most
            if few and (not whole or step >= 1):
                return step
        power += 1


def thinned(labels: Sequence[Any], most: int = MOST_TICKS) -> list[Any]:
    """Return at most *most* of *labels* at equal distances, beginning with the first."""
    size = 1
    while ceil(len(labels) / size) > most:
        size += 1
    return list(labels[::size])


def tick_format(pattern: str, marks: Sequence[float]) -> str:
    """Return a d3 format like *pattern* that distinguishes *marks*."""
    share = pattern.endswith("%")
    gaps = [abs(after - before) for before, after in pairwise(marks) if after != before]
    step = min(gaps, default=1) * (100 if share else 1)
    places = max(0, -floor(round(log10(step), 9)))
    if share:
        return f".{max(1, places)}~%"
    return pattern if pattern == ",d" and not places else f",.{max(places, 1)}~f"
