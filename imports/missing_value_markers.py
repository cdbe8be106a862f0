"""Find cells such as ``NA`` that look like a missing value although the source does not declare them as one."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.text import visible
from imports.readers.text_columns import formats_removed
from imports.sources import Column, Source

SPELLED = "NA N/A n.a. #N/A <NA> NaN NULL None nil \\N ? - -- .".split()
MARKERS = pa.array(sorted({w for m in SPELLED for w in (m, m.lower(), m.upper(), m.capitalize())}), pa.string())
SHOWN = 5  # markers to list for each column


class Markers:
    """Counts cells that look like missing values, by column, in all files of a source."""

    def __init__(self, source: Source):
        self.source = source
        self.counts: dict[str, Counter[str]] = {}

    def look(self, column: Column, distinct: pa.Array, indices: pa.Array | None) -> None:
        """Count the markers in a column of a batch. Declared markers have already been replaced with null."""
        marked = pc.is_in(formats_removed(distinct), MARKERS)
        if not pc.any(marked).as_py():
            return
        indexes = np.flatnonzero(marked.fill_null(fill_value=False))
        texts = distinct.take(pa.array(indexes)).to_pylist()
        counts = np.ones(len(indexes), int)
        if indices is not None:
            rows = indices.drop_null().to_numpy(zero_copy_only=False)
            counts = np.bincount(rows, minlength=len(distinct))[indexes]
        counter = self.counts.setdefault(column.name, Counter())
        for text, count in zip(texts, counts.tolist(), strict=True):
            counter[text] += count  # 0 if the dictionary has the text only because of another batch

    def notes(self) -> list[str]:
        """Return a message for each column with markers."""
        declared = " or ".join(["an empty cell", *(f'"{marker}"' for marker in self.source.missing)])
        return [
            f"{self.source.name}: {_listed(counter)} in the column {name} may mean a missing value, but was imported "
            f"as a value. In this source, only {declared} means a missing value."
            for name, counter in self.counts.items()
            if counter.total()
        ]


def _listed(counter: Counter[str]) -> str:
    most_common = [(visible(text), count) for text, count in counter.most_common(SHOWN)]
    texts = [f'"{text}" ({count:,} {"row" if count == 1 else "rows"})' for text, count in most_common]
    return ", ".join(texts) + (f" and {len(counter) - SHOWN} more" if len(counter) > SHOWN else "")
