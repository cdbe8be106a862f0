"""Normalize column headers, and report ignored headers and missing columns."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import islice

from datasets.suggestions import closest
from datasets.terminal_text import escaped
from datasets.text import visible, without_format

ALIKE = 0.7  # minimum similarity of two headers for a suggestion
SHOWN, COMPARED = 30, 300  # headers to show in a message, and to compare with missing columns
LONGEST = 60  # characters of a header to show


def plain(name: str) -> str:
    """Return a column's name without differences in case, separators and invisible characters."""
    folded = unicodedata.normalize("NFKC", without_format(name)).casefold()
    return re.sub(r"[-_.\s]+", "_", unicodedata.normalize("NFKC", folded).strip())


def columns_note(ignored: list[str], absent: Iterable[str], names: Mapping[str, tuple[str, ...]]) -> str:
    """Return a note about the ignored headers and missing columns of a file, or an empty string if there are none."""
    headings = ", ".join(map(quoted_heading, ignored[:SHOWN]))
    headings += f" and {len(ignored) - SHOWN:,} more" if len(ignored) > SHOWN else ""
    if not absent:
        return headings and f"unknown columns ignored: {headings}"
    missing = f"expected columns not found: {', '.join(meant(absent, ignored, names))}"
    return f"columns ignored: {headings}; {missing}" if headings else missing


def meant(absent: Iterable[str], ignored: Iterable[str], names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the missing columns, each with a suggestion if an ignored header is similar."""
    headings = {_letters(heading): heading for heading in reversed([*islice(ignored, COMPARED)])}
    texts = []
    for column in absent:
        matches = (closest(_letters(name), headings, ALIKE) for name in (column, *names.get(column, ())))
        match = next(filter(None, matches), None) or _holding(column, headings)
        texts.append(f"{column} (did you mean {quoted_heading(headings[match])}?)" if match else column)
    return texts


def _holding(column: str, headings: Iterable[str]) -> str | None:
    """Return the first header that contains the column's name, such as income_bracket, or that is contained in it."""
    name = _letters(column)
    return next((h for h in headings if min(len(h), len(name)) >= 4 and (h in name or name in h)), None)


def quoted_heading(heading: str) -> str:
    """Return an unknown header as it is quoted in messages: truncated and escaped."""
    return visible(escaped(heading if len(heading) <= LONGEST else heading[:LONGEST] + "…"))


def _letters(heading: str) -> str:
    return plain(heading[:LONGEST]).replace("_", "")
