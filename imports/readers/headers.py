"""Headings of tables: what two spellings of one have in common, and expected columns that a file does not have."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import islice

from datasets.suggestions import closest
from datasets.terminal_text import escaped
from datasets.text import visible, without_format

ALIKE = 0.7  # of the letters of two headings, for one to be taken for a mistyped other
SHOWN, COMPARED = 30, 300  # headings of a file that are told, and that are compared with those that are not found
LONGEST = 60  # characters of a heading that are told


def plain(name: str) -> str:
    """A column's name without what its spellings may differ in: capitals, separators, and what nobody sees."""
    folded = unicodedata.normalize("NFKC", without_format(name)).casefold()
    return re.sub(r"[-_.\s]+", "_", unicodedata.normalize("NFKC", folded).strip())


def columns_told(ignored: list[str], absent: Iterable[str], names: Mapping[str, tuple[str, ...]]) -> str:
    """Which headings of a file were ignored, and which expected columns it does not have; nothing where none."""
    headings = ", ".join(map(quoted_heading, ignored[:SHOWN]))
    headings += f" and {len(ignored) - SHOWN:,} more" if len(ignored) > SHOWN else ""
    if not absent:
        return headings and f"unknown columns passed over: {headings}"
    lacking = f"expected columns not found: {', '.join(meant(absent, ignored, names))}"
    return f"columns ignored: {headings}; {lacking}" if headings else lacking


def meant(absent: Iterable[str], ignored: Iterable[str], names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The columns that were not found, each with the heading that may be a mistyped one of it."""
    spelled = {_letters(heading): heading for heading in reversed([*islice(ignored, COMPARED)])}
    told = []
    for column in absent:
        found = (closest(_letters(name), spelled, ALIKE) for name in (column, *names.get(column, ())))
        alike = next(filter(None, found), None) or _holding(column, spelled)
        told.append(f"{column} (did you mean {quoted_heading(spelled[alike])}?)" if alike else column)
    return told


def _holding(column: str, spelled: Iterable[str]) -> str | None:
    """The first heading that holds the name of a column, such as income_bracket, or that the name holds."""
    name = _letters(column)
    return next((h for h in spelled if min(len(h), len(name)) >= 4 and (h in name or name in h)), None)


def quoted_heading(heading: str) -> str:
    """A heading that names no expected column, as messages quote it: all of them ask here."""
    return visible(escaped(heading if len(heading) <= LONGEST else heading[:LONGEST] + "…"))


def _letters(heading: str) -> str:
    return plain(heading[:LONGEST]).replace("_", "")
