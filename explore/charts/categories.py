"""The categories along an axis: their labels, their order, and the gaps between them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from explore.charts.axes import Axis
from explore.charts.groups import REST, Groups
from explore.charts.labels import MISSING, OTHER

MOST_FILLED = 1500  # categories to fill in at most


def labels(
    axis: Axis, groups: Groups, place: int, sort: str = "", order: Mapping[Any, float] | None = None
) -> dict[Any, str]:
    """Return the label of each key along *axis*, in display order.

    *order* maps keys to sort values, the lowest first. Without *order* and *sort*, keys follow the order in which a
    filter lists them, or their natural order if they have one, and otherwise the most frequent come first. "Other" and
    "missing" come last.
    """
    counts: dict[Any, int] = {}
    for row in groups.rows:
        counts[row[place]] = counts.get(row[place], 0) + row[groups.depth]
    keys = [key for key in counts if key is not None and key is not REST]
    falling = sort.startswith("-")
    if order is not None:
        keys.sort(key=lambda key: (order.get(key) is None, (order.get(key) or 0) * (-1 if falling else 1)))
    elif axis.ordered or sort.removeprefix("-") == "name":
        keys.sort(reverse=falling)
    elif axis.chosen and not sort:
        chosen = {value: place for place, value in enumerate(axis.chosen)}
        keys.sort(key=lambda key: (chosen.get(str(key), len(chosen)), -counts[key]))
    elif axis.own_order and not sort:
        keys.sort(key=axis.own_order.__getitem__)
    else:
        keys.sort(key=lambda key: -counts[key])
    named = {key: axis.label(key) for key in keys}
    taken = {*named.values()}
    for key, word, otherwise in ((REST, OTHER, "all others"), (None, MISSING, "no value")):
        if key in counts:
            named[key] = otherwise if word in taken else word
    return _told_apart(named)


def along(axis: Axis, keys: Sequence[Any]) -> list[Any]:
    """Return *keys* and every value between the first and the last of them."""
    keys = sorted(keys)
    if not keys or axis.name == "":
        return keys
    if axis.grouping.part == "month":
        first, last = (int(key[:4]) * 12 + int(key[5:7]) - 1 for key in (keys[0], keys[-1]))
        every: list[Any] = [
            f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, min(last, first + MOST_FILLED) + 1)
        ]
    elif axis.grouping.part == "year":
        every = list(range(keys[0], min(keys[-1], keys[0] + MOST_FILLED) + 1))
    elif isinstance(keys[0], int):
        step = int(axis.grouping.width or 1)
        every = list(range(keys[0], min(keys[-1], keys[0] + MOST_FILLED * step) + 1, step))
    else:
        return keys
    return sorted({*every, *keys})


def position(axis: Axis, key: Any) -> Any:
    """Return the position of a group on a continuous axis: a date as text, or the middle of a bin."""
    if axis.of_dates:
        return f"{key}-01" if axis.grouping.part == "month" else date(key, 1, 1).isoformat()
    width = float(axis.grouping.width or 1)
    return key if isinstance(key, int) and width == 1 else key + width / 2 - (0.5 if isinstance(key, int) else 0)


def _told_apart(named: dict[Any, str]) -> dict[Any, str]:
    """Return unique labels by numbering repeated ones: Vega-Lite would merge equal labels."""
    seen: dict[str, int] = {}
    apart = {}
    for key, name in named.items():
        seen[name] = seen.get(name, 0) + 1
        apart[key] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return apart
