"""Cells such as ``NA``, which look as if a value was missing although the source does not say that they mean it."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.text import visible
from imports.readers.text_columns import formats_removed
from imports.sources import Column, Source

SPELLED = "NA N/A n.a. #N/A <NA> NaN NULL None nil \\N ? - -- .".split()
MARKERS = pa.array(sorted({w for m in SPELLED for w in (m, m.lower(), m.upper(), m.capitalize())}), pa.string())
SHOWN = 5  # markers that are told of a column


class Markers:
    """Counts, over all files of a source, the cells that look like markers of missing values, by column."""

    def __init__(self, source: Source):
        self.source = source
        self.found: dict[str, Counter[str]] = {}

    def look(self, column: Column, distinct: pa.Array, indices: pa.Array | None) -> None:
        """Count the markers in a column of a batch, of which those that are declared are null already."""
        marked = pc.is_in(formats_removed(distinct), MARKERS)
        if not pc.any(marked).as_py():
            return
        places = np.flatnonzero(marked.fill_null(False))
        texts = distinct.take(pa.array(places)).to_pylist()
        counts = np.ones(len(places), int)
        if indices is not None:
            rows = indices.drop_null().to_numpy(zero_copy_only=False)
            counts = np.bincount(rows, minlength=len(distinct))[places]
        found = self.found.setdefault(column.name, Counter())
        for text, count in zip(texts, counts.tolist(), strict=True):
            found[text] += count  # none for a text of another batch, which the dictionary still has

    def notes(self) -> list[str]:
        """Return a sentence for each column that has some."""
        declared = " or ".join(["an empty cell", *(f'"{marker}"' for marker in self.source.missing)])
        return [
            f"{self.source.name}: {_listed(found)} in the column {name} may mean that a value is missing, but only "
            f"{declared} means it here, so that it was read as a value."
            for name, found in self.found.items()
            if found.total()
        ]


def _listed(found: Counter[str]) -> str:
    shown = [(visible(text), count) for text, count in found.most_common(SHOWN)]
    told = [f'"{text}" ({count:,} {"row" if count == 1 else "rows"})' for text, count in shown]
    return ", ".join(told) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
