"""Where the quotes of a block of text stand: as pyarrow takes them, or so that only the exact reader knows."""

from dataclasses import dataclass

import numpy as np

from imports.readers.csv_scanner import Grammar

FARTHEST = 16  # blanks between a quote and the border of its cell


@dataclass
class Quotes:
    """The quotes of a block.

    `places`: those that open and close cells, in turns (a doubled quote is one that closes and one that opens).
    `sound`: the place up to which all are so; what comes after it is for the exact reader. `blanks`: the places of
    blanks between them and the borders of their cells, which pyarrow would take for text.
    """

    places: np.ndarray
    sound: int
    blanks: np.ndarray


def find_quotes(array: np.ndarray, grammar: Grammar) -> Quotes:
    """The quotes of a block that begins at a row's start.

    Where quotes stand only in the middle of cells, they are characters as others are, and `places` is empty. Otherwise
    every second one has to open a cell, at its border or right after the one before; the others have to close one, at
    its border or right before the one after. Then no quote can be a mere character.
    """
    none = np.empty(0, np.intp)
    places = np.flatnonzero(array == ord('"'))
    border, blank = np.zeros((2, 256), bool)
    border[[ord("\n"), ord("\r"), grammar.delimiter[0]]] = True
    blank[list(grammar.blanks)] = True
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
    """The first place before (-1) or after (1) each that is not a blank, or the farthest that is looked at."""
    found = places + step
    last = len(array) - 1
    on = np.flatnonzero(blank[array[np.clip(found, 0, last)]])
    for _ in range(FARTHEST):
        on = on[(found[on] >= 0) & (found[on] <= last)]
        on = on[blank[array[found[on]]]]
        if not len(on):
            break
        found[on] += step
    return found


def _between(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """All places from each start to before its end."""
    some = np.flatnonzero(ends > starts)
    starts, lengths = starts[some], (ends - starts)[some]
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(starts, lengths) + offsets
