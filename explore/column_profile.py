"""The profile of a column in a list: its distribution, and bars that filter the list when they are clicked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from datasets.records.aggregation import can_group_by, groupings, summarise
from datasets.records.columns import ListedColumn
from datasets.records.distribution import Distribution, distribution, is_ordered
from datasets.records.filter_widgets import title_of
from datasets.records.formatting import GROUPED, format_value, is_key
from datasets.records.grouping import Measure
from datasets.records.ordering import slow_seconds
from datasets.sql.query_timeout import limited
from explore.bins import Bin, bins_of
from explore.url_state import State
from explore.version_cache import VersionCache
from exports.columns import is_masked

FREQUENT, BINS = 10, 20
COUNTED = 1_000  # distinct texts or terms; one query counts these
POINTS = ("Minimum", "Lower quartile", "Median", "Upper quartile", "Maximum")
WIDTH, HEIGHT = 300, 60  # of the drawing of bins


@dataclass(frozen=True)
class Counts:
    """The counts behind a profile: the *distribution*, and the most *frequent* values or the *bins*."""

    distribution: Distribution
    frequent: list[tuple[Any, int]]
    bins: list[Bin]


@dataclass(frozen=True)
class Bar:
    """A bar of a drawing with *x*, *y*, *width* and *height*. *query* selects its records, or is ""."""

    label: str
    count: str
    share: str
    query: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Profile:
    """A profile for display: *facts* are pairs of name and value. *missing* selects the records without a value."""

    title: str
    records: str
    facts: list[tuple[str, str]]
    missing: str
    frequent: list[Bar]
    bins: list[Bar]
    others: str


_counts: VersionCache[Counts] = VersionCache(64)


def has_profile(state: State, column: ListedColumn) -> bool:
    """Return whether the user may see a profile of *column*. Lists and JSON documents have none."""
    return can_group_by(column) and not is_masked(column, state.user)


def profile_of(state: State, column: ListedColumn) -> Profile:
    """Return the profile of *column*. Raises QueryTimeError if it takes longer than a slow order may."""
    counts = _counts.get(state, ("profile", column.name), lambda: _count(state, column))
    known = counts.distribution.records - counts.distribution.missing
    others = known - sum(count for _, count in counts.frequent) if counts.frequent else 0
    return Profile(
        title_of(state.model, column),
        f"{counts.distribution.records:,}",
        list(_facts(column, counts.distribution)),
        _query(state, column, "__isnull", "true") if counts.distribution.missing else "",
        list(_frequent_bars(state, column, counts.frequent, known)),
        list(bars_of(state, column, counts.bins)),
        f"{others:,}" if others else "",
    )


def _count(state: State, column: ListedColumn) -> Counts:
    records = state.narrowed()
    [grouping] = groupings(state.model, [column.name], state.user)
    with limited(slow_seconds()):
        if is_ordered(column):
            found = distribution(records, grouping)
            if not found.points or is_key(column):
                return Counts(found, [], [])
            return Counts(found, [], bins_of(records, column, found.points[0], found.points[-1], BINS, found.counts))
        summary = summarise(records, [grouping], [Measure("count")], ["-count"], COUNTED)
        frequent = [(value, count) for value, count in summary.rows if value is not None]
        if summary.truncated:
            found = distribution(records, grouping)
        else:
            known, total = sum(count for _, count in frequent), sum(count for _, count in summary.rows)
            found = Distribution(total, total - known, len(frequent))
    return Counts(found, frequent[:FREQUENT], [])


def _facts(column: ListedColumn, found: Distribution) -> Iterator[tuple[str, str]]:
    yield "Missing", f"{found.missing:,}{_percent(found.missing, found.records)}"
    yield "Distinct", f"{found.distinct:,}"
    if found.points:
        grouped = not is_key(column) and any(isinstance(p, int | float) and abs(p) >= GROUPED for p in found.points)
        for name, point in zip(POINTS, found.points, strict=True):
            yield name, format_value(column, point, grouped=grouped)


def _percent(count: int, total: int) -> str:
    return f" ({count / total:.1%})" if count and total else ""


def _frequent_bars(state: State, column: ListedColumn, frequent: list[tuple[Any, int]], known: int) -> Iterator[Bar]:
    most = max((count for _, count in frequent), default=1)
    for value, count in frequent:
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        query = _query(state, column, "", text) if text.strip() and not column.is_list else ""
        label = format_value(column, value) or "(blank)"
        width = max(100 * count / most, 0.5)
        yield Bar(label, f"{count:,}", f"{count / known:.1%}", query, 0, 0, width, 8)


def bars_of(state: State, column: ListedColumn, bins: list[Bin]) -> Iterator[Bar]:
    """Yield a bar for each bin, from the left to the right of a drawing of WIDTH and HEIGHT."""
    most, total = max((each.count for each in bins), default=0) or 1, sum(each.count for each in bins) or 1
    wide = WIDTH / max(len(bins), 1)
    for place, each in enumerate(bins):
        height = max(HEIGHT * each.count / most, 1.5) if each.count else 0
        query = _query(state, column, "__gte", each.first, "__lte", each.last) if each.count else ""
        share = f"{each.count / total:.1%}"
        x, y = round(place * wide, 2), round(HEIGHT - height, 2)
        yield Bar(each.label, f"{each.count:,}", share, query, x, y, round(wide * 0.9, 2), round(height, 2))


def parameters_of(state: State, column: ListedColumn) -> list[str]:
    """Return the names of the parameters that filter by *column*."""
    return [name for name in state.filters if name == column.name or name.rpartition("__")[0] == column.name]


def _query(state: State, column: ListedColumn, *pairs: Any) -> str:
    """Return the address of the table filtered by pairs of suffix and value, or "" if there is no such filter."""
    filters = {column.name + suffix: value for suffix, value in zip(pairs[::2], pairs[1::2], strict=True)}
    if not filters.keys() <= state.filterset.base_filters.keys():
        return ""
    cleared = dict.fromkeys(parameters_of(state, column))
    return state.table.address() + state.query(**{**cleared, **filters})
