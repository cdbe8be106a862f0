"""Find the quotes in a block of text, and the part that pyarrow interprets in the same way as the exact reader."""

from dataclasses import dataclass

import numpy as np

from imports.readers.csv_scanner import Dialect

FARTHEST = 16  # blanks to skip between a quote and the edge of its cell


@dataclass
class Quotes:
    """The quotes in a block.

    `places`: the positions of alternating opening and closing quotes (a doubled quote counts as a closing and an
    opening one). `sound`: the position up to which all quotes are of this kind; the rest needs the exact reader.
    `blanks`: the positions of blanks between quotes and the edges of their cells, which pyarrow would treat as text.
    """

    places: np.ndarray
    sound: int
    blanks: np.ndarray


def find_quotes(array: np.ndarray, dialect: Dialect) -> Quotes:
    """Return the quotes in a block that begins at the start of a row.

    If all quotes are in the middle of cells, they are ordinary characters, and `places` is empty. Otherwise, every
    second quote must open a cell, at its edge or directly after the previous quote. The other quotes must close a cell,
    at its edge or directly before the next quote. In that case, no quote can be an ordinary character.
    """
    none = np.empty(0, np.intp)
    places = np.flatnonzero(array == ord('"'))
    border, blank = np.zeros((2, 256), bool)
    border[[ord("\n"), ord("\r"), dialect.delimiter[0]]] = True
    blank[list(dialect.blanks)] = True
    before = _past_blanks(array, places, -1, blank)
    at_start = border[array[before]] | (before < 0)
    if not at_start.any() and not blank[array[before]].any():
        return Quotes(none, len(array), none)
    firsts, lasts = places[::2], places[1::2]
    after = _past_blanks(array, lasts, 1, blank)
    touching = np.diff(places) == 1
    right = at_start
    right[1:] |= touching
    right[1::2] = border[array[np.minimum(after, len(array) - 1)]] | (after >= len(array))
    right[1:-1:2] |= touching[1::2]
    sound = len(array) if right.all() else int(places[np.argmin(right)])
    gaps = [_between(before[::2] + 1, firsts), _between(lasts + 1, after)]
    return Quotes(places, sound, np.concatenate(gaps))


def _past_blanks(array: np.ndarray, places: np.ndarray, step: int, blank: np.ndarray) -> np.ndarray:
    """Return the first non-blank position before (-1) or after (1) each place, at most FARTHEST blanks away."""
    positions = places + step
    last = len(array) - 1
    on = np.flatnonzero(blank[array[np.clip(positions, 0, last)]])
    for _ in range(FARTHEST):
        on = on[(positions[on] >= 0) & (positions[on] <= last)]
        on = on[blank[array[positions[on]]]]
        if not len(on):
            break
        positions[on] += step
    return positions


def _between(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return all positions from each start up to, but not including, its end."""
    nonempty = np.flatnonzero(ends > starts)
    starts, lengths = starts[nonempty], (ends - starts)[nonempty]
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places: np.ndarray = np.repeat(starts, lengths) + offsets
    return places
