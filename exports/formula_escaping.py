"""Cells that a spreadsheet would run as a formula: an apostrophe goes before them, and is taken off again exactly.

A file with such cells says so itself, by a column of its own (see docs/decisions/0010-defused-cells.md): in each row
where that column says ``yes``, a cell that has apostrophes and then the beginning of a formula loses the first. So
``=x`` goes out as ``'=x``, ``'=x`` as ``''=x``, and both come back as they were; no other file is touched.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

MARK, MARKED = "cells_defused", "yes"  # the column, and what it says in each row
FORMULA = r"'*[-=+@\t\r\n]"  # the beginning of a text that gets an apostrophe; PostgreSQL reads it alike
_FORMULA = re.compile(FORMULA)


def defused(text: str) -> str:
    """Return *text* as a cell that no spreadsheet runs."""
    return f"'{text}" if _FORMULA.match(text) else text


def undefused(text: str) -> str:
    """Return what a text was before it was defused."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def restored(columns: list[pa.Array], mark: int) -> list[pa.Array]:
    """Return the columns of a batch as they were before they were defused, *mark* being where the mark's column is."""
    marked = pc.equal(pc.ascii_trim(columns[mark].cast(pa.string()), " \t"), MARKED)
    if not pc.any(marked).as_py():
        return columns
    return [column if place == mark else _restored(column, marked) for place, column in enumerate(columns)]


def _restored(column: pa.Array, marked: pa.Array) -> pa.Array:
    if not pa.types.is_dictionary(column.type):
        return pc.if_else(marked, _without_apostrophe(column), column)
    if pc.all(marked).as_py():
        return pa.DictionaryArray.from_arrays(column.indices, _without_apostrophe(column.dictionary))
    return _restored(column.cast(pa.string()), marked).dictionary_encode()


def _without_apostrophe(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, rf"\A'({FORMULA})", r"\1", max_replacements=1)
