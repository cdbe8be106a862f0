"""The histogram of a range filter, and the sliders below it that set the filter's bounds."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from datasets.query_values import day, decimal_number
from datasets.records.columns import ListedColumn
from datasets.records.distribution import Extent, extent, is_quick_to_count
from datasets.records.filter_widgets import title_of
from datasets.records.ordering import slow_seconds
from datasets.sql.query_timeout import limited
from explore.bins import Bin, bins_of
from explore.charts.axes import extent_of
from explore.column_profile import Bar, bars_of, parameters_of
from explore.url_state import State
from explore.version_cache import VersionCache

BINS = 30
STEPS = 200  # positions of a slider for numbers that are not whole


@dataclass(frozen=True)
class Slider:
    """A range input that sets the field *name*. Its values are numbers; for dates, days since 1970-01-01."""

    name: str
    label: str
    value: float


@dataclass(frozen=True)
class Histogram:
    """The bars of a histogram, each with whether it is within the bounds, and the sliders of the bounds."""

    bars: list[tuple[Bar, float, float, bool]]
    sliders: list[Slider]
    least: float
    most: float
    step: str
    dated: bool


_bins: VersionCache[list[Bin]] = VersionCache(64)


def histogram_of(state: State, column: ListedColumn) -> Histogram | None:
    """Return the histogram of *column* in the list without the filter of *column*, or None without values.

    Raises QueryTimeError if it takes longer than a slow order may.
    """
    own = parameters_of(state, column)
    others = tuple(sorted((name, value) for name, value in state.filters.items() if name not in own))
    bins = _bins.get(state, ("histogram", column.name), lambda: _count(state, column, own), others)
    if not bins:
        return None
    least, most = _number(bins[0].first), _number(bins[-1].last)
    low, high = (_bound(state, f"{column.name}__{suffix}", least, most) for suffix in ("gte", "lte"))
    low, high = (least if low is None else low), (most if high is None else high)
    dated = isinstance(bins[0].first, date)
    title = title_of(state.model, column)
    ends = [(_number(each.first), _number(each.last)) for each in bins]
    drawn = bars_of(state, column, bins)
    bars = [(bar, *end, end[1] >= low and end[0] <= high) for bar, end in zip(drawn, ends, strict=True)]
    sliders = [Slider(f"{column.name}__gte", f"{title} from", low), Slider(f"{column.name}__lte", f"{title} to", high)]
    whole = dated or isinstance(bins[0].first, int)
    return Histogram(bars, sliders, least, most, "1" if whole else f"{(most - least) / STEPS:g}", dated)


def _count(state: State, column: ListedColumn, own: list[str]) -> list[Bin]:
    records = state.narrowed(own)
    with limited(slow_seconds()):
        if is_quick_to_count(records, column):
            found = extent(records, column)
        else:
            found = Extent(*extent_of(records, column), counts=None)
        if found.least is None:
            return []
        return bins_of(records, column, found.least, found.most, BINS, found.counts)


def _bound(state: State, name: str, least: float, most: float) -> float | None:
    """Return the bound that the filter *name* sets, at most as far as the slider reaches, or None."""
    text = state.filters.get(name, "")
    try:
        value = _number(day(text)) if "-" in text[1:] and "e" not in text.lower() else float(decimal_number(text))
    except ValueError:
        return None
    return min(max(value, least), most)


def _number(value: Any) -> float:
    """Return the position of *value* on a slider, for a number that is not whole with 12 digits."""
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    return float(f"{value:.12g}") if isinstance(value, float) else value
