"""Examine a column of a whole file: its types, missing values, distinct values, lengths and uniqueness."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imports.missing_value_markers import MARKERS
from imports.new_dataset.flat_files import FlatFile
from imports.written_forms import DateFormat, NumberFormat

MOST_VALUES = 1_000  # distinct values to count
MOST_UNIQUE = 5_000_000  # rows in which to look for repeated values; each takes 8 bytes
SAMPLES = 5  # rows

PATTERNS = {
    "whole": r"[+-]?(?:0|[1-9][0-9]*)",
    "digits": r"[0-9]+",  # with or without leading zeros
    "number": r"[+-]?(?:(?:0|[1-9][0-9]*)\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
    "groups": r"[+-]?(?:[1-9][0-9]{0,2}(?:[,' ][0-9]{3})+|[0-9]{1,3})",
    "percent": r"[+-]?[0-9]+(?:[.][0-9]+)? ?%",
    "day": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*",
    "telephone": r"[+(]?[0-9][0-9 ()/.-]{5,}[0-9]",
}
WRITTEN_NUMBERS = [
    NumberFormat(","),
    NumberFormat("'"),
    NumberFormat(" "),
    NumberFormat(" ", ","),
    NumberFormat("'", ","),
    NumberFormat("", ","),
]
DATE_FORMATS = "%Y-%m-%d %d/%m/%Y %m/%d/%Y %d.%m.%Y %d-%m-%Y %m-%d-%Y %Y/%m/%d %Y.%m.%d".split()
COMPACT = "%Y%m%d"  # also a whole number
DATE_FORMATS += [COMPACT, "%d %b %Y", "%b %d %Y", "%b %d, %Y", "%d-%b-%Y", "%d %B %Y", "%B %d, %Y"]
SHORT_YEAR = re.compile(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}")


def pattern_of(form: NumberFormat) -> str:
    """Return the regular expression of the numbers that *form* reads, grouped or without separators."""
    point = re.escape(form.decimal)
    plain = rf"[+-]?[0-9]{{1,3}}(?:{point}[0-9]+)?" if form.thousands else rf"[+-]?[0-9]+(?:{point}[0-9]+)?"
    return rf"(?:{form.grouped}|{plain})" if form.thousands else plain


@dataclass
class Examined:
    """What a whole column contains. Missing-value markers such as NA are counted in *markers*, not in *fails*.

    *values* has the distinct values with their counts, markers included, and is empty if there are more than
    MOST_VALUES. *fails* has the names of the patterns and forms that a value does not have.
    """

    heading: str
    rows: int = 0
    empty: int = 0
    values: Counter[str] = field(default_factory=Counter)
    has_many: bool = False
    markers: Counter[str] = field(default_factory=Counter)
    longest: int = 0
    least: float = math.inf
    most: float = -math.inf
    fails: set[str] = field(default_factory=set)
    short: bool = False  # whether a value is a number of up to 3 digits, without a separator
    short_years: bool = True
    unique: bool = True
    distinct: int = 0  # the number of distinct values, if there are at most MOST_VALUES
    samples: list[str] = field(default_factory=list)
    sequence: bool = True  # whether the rows count up by 1
    _hashes: list[np.ndarray] = field(default_factory=list)
    _last: int | None = None

    def add(self, cells: pa.Array) -> None:
        """Add a batch of cleaned cells."""
        self.samples += cells.slice(0, SAMPLES - len(self.samples)).to_pylist() if self.rows < SAMPLES else []
        self.rows += len(cells)
        encoded = cells.dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        counts = np.bincount(encoded.indices.to_numpy(zero_copy_only=False), minlength=len(texts)).tolist()
        counted = dict(zip(texts, counts, strict=True))
        self.empty += counted.pop("", 0)
        self._count(counted)
        self._look_for_repeats(encoded, texts, len(counted) < len(texts))
        marked = pc.is_in(encoded.dictionary, MARKERS).to_numpy(zero_copy_only=False)
        for index in np.flatnonzero(marked).tolist():
            self.markers[texts[index]] += counts[index]
        values = encoded.dictionary.filter(pa.array(~marked & np.array([text != "" for text in texts], bool)))
        if len(values):
            self.longest = max(self.longest, *(len(text) for text in counted))
            self._match(values)
            self._count_up(cells)

    def _count(self, counted: dict[str, int]) -> None:
        if not self.has_many:
            self.values.update(counted)
            if len(self.values) > MOST_VALUES:
                self.has_many = True
                self.values.clear()

    def _look_for_repeats(self, encoded: pa.DictionaryArray, texts: list[str], has_empty: bool) -> None:  # noqa: FBT001
        if not self.unique or has_empty or len(texts) < len(encoded) or self.rows > MOST_UNIQUE:
            self.unique, self._hashes = False, []
            return
        self._hashes.append(np.fromiter(map(hash, texts), np.int64, len(texts)))

    def _match(self, values: pa.Array) -> None:
        for name, pattern in PATTERNS.items():
            self._keep(name, values, pattern)
        for form in WRITTEN_NUMBERS:
            self._keep(form, values, pattern_of(form))
        self.short = self.short or bool(pc.any(pc.match_substring_regex(values, r"\A[+-]?[0-9]{1,3}\z")).as_py())
        if "number" not in self.fails:
            numbers = pc.min_max(pc.cast(values, pa.float64()))
            self.least, self.most = min(self.least, numbers["min"].as_py()), max(self.most, numbers["max"].as_py())
        dates = [name for name in DATE_FORMATS if name not in self.fails]
        if dates or self.short_years:
            self._match_dates(values.to_pylist(), dates)

    def _keep(self, name: str | NumberFormat, values: pa.Array, pattern: str) -> None:
        key = str(name)
        if key not in self.fails and not pc.all(pc.match_substring_regex(values, rf"\A(?:{pattern})\z")).as_py():
            self.fails.add(key)

    def _match_dates(self, texts: list[str], formats: list[str]) -> None:
        self.short_years = self.short_years and all(map(SHORT_YEAR.fullmatch, texts))
        for name in formats:
            form = DateFormat(name)
            for text in texts:
                if not 6 <= len(text) <= 20 or form.day(text) is None:
                    self.fails.add(name)
                    break

    def _count_up(self, cells: pa.Array) -> None:
        if not self.sequence or self.markers or "whole" in self.fails or not self.unique or abs(self.most) > 2**53:
            self.sequence = False
            return
        numbers = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
        last = numbers[0] - 1 if self._last is None else self._last
        self.sequence = bool((np.diff(numbers, prepend=last) == 1).all())
        self._last = numbers[-1]

    def finish(self) -> None:
        """Compare the values of all batches."""
        self.distinct = len(self.values)
        if self.unique and self._hashes:
            hashes = np.concatenate(self._hashes)
            self.unique = len(np.unique(hashes)) == len(hashes)
        self.unique = self.unique and self.rows > 0
        self._hashes = []
        self.sequence = self.sequence and self._last is not None

    def has(self, name: object) -> bool:
        """Return whether all values, except markers, have the pattern or form *name*, and there is a value."""
        return str(name) not in self.fails and self.known > 0

    @property
    def known(self) -> int:
        """The number of values that are neither empty nor markers."""
        return self.rows - self.empty - self.markers.total()

    @property
    def dates(self) -> list[str]:
        """The formats in which all values are dates."""
        return [name for name in DATE_FORMATS if self.has(name)]


def examine(file: FlatFile) -> list[Examined]:
    """Examine all columns of *file*, in memory that does not depend on its size. Raises ReadError."""
    columns = [Examined(heading) for heading in file.headings]
    for batch in file.batches():
        for column, cells in zip(columns, batch, strict=True):
            column.add(cells)
    for column in columns:
        column.finish()
    return columns
