"""Formula escaping against CSV injection (OWASP): cells that a spreadsheet would run get an apostrophe as a prefix.

An escaped file has the column ``cells_defused`` (see docs/decisions/0010-defused-cells.md). In each row with ``yes`` in
this column, an import removes the first apostrophe from cells in which apostrophes precede the start of a formula. For
example, ``=x`` is exported as ``'=x`` and ``'=x`` as ``''=x``, and an import restores both. Other files are not
changed.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

BOM = b"\xef\xbb\xbf"  # identifies UTF-8 for spreadsheets
MARK, MARKED = "cells_defused", "yes"  # the column, and its value in each row
FORMULA = r"'*[-=+@\t\r\n]"  # the start of text that gets an apostrophe; also valid in PostgreSQL's syntax
_FORMULA = re.compile(FORMULA)


def defused(text: str) -> str:
    """Return *text* escaped, so that a spreadsheet does not run it as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def undefused(text: str) -> str:
    """Return the original text of an escaped *text*."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def restored(columns: list[pa.Array], mark: int) -> list[pa.Array]:
    """Return the original columns of an escaped batch. *mark* is the index of the column MARK."""
    marked = pc.equal(pc.ascii_trim(columns[mark].cast(pa.string()), " \t"), MARKED)
    if not pc.any(marked).as_py():
        return columns
    return [column if index == mark else _restored(column, marked) for index, column in enumerate(columns)]


def _restored(column: pa.Array, marked: pa.Array) -> pa.Array:
    if not pa.types.is_dictionary(column.type):
        return pc.if_else(marked, _without_apostrophe(column), column)
    if pc.all(marked).as_py():
        return pa.DictionaryArray.from_arrays(column.indices, _without_apostrophe(column.dictionary))
    return _restored(column.cast(pa.string()), marked).dictionary_encode()


def _without_apostrophe(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, rf"\A'({FORMULA})", r"\1", max_replacements=1)
