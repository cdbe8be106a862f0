"""Read a table of JSON objects, one per line (NDJSON) or in an array, as batches of text in bounded memory.

The names in the objects are the columns. The file is read twice, because any object may have another name.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from datasets import exact_json
from datasets.json_values import WANTED, Values
from datasets.text import shown
from imports.readers.arrow_texts import LIST_SEPARATOR
from imports.readers.batches import Batch
from imports.readers.csv_scanner import Malformed
from imports.readers.decoding import Text
from imports.readers.errors import ReadError
from imports.readers.json_objects import KEPT, JSONObject, Objects, objects_of
from imports.readers.tables import Table, batch_of

ROWS = 10_000  # of a batch
AT_ONCE = 16 << 20  # bytes of a batch
MOST_COLUMNS = 10_000


class JSONTable(Table):
    """A file of JSON objects. Raises ReadError if the objects cannot be told apart."""

    def __init__(self, path: str | os.PathLike[str], encoding: str):
        super().__init__(path)
        self.encoding = encoding
        names, self._on_lines, last = dict[str, None](), True, 0
        for item in objects_of(path, encoding):
            self._on_lines &= item.line > last
            last = item.line
            try:
                value = orjson.loads(item.text)
            except orjson.JSONDecodeError:
                continue  # the second reading reports it
            if isinstance(value, dict):
                names.update(dict.fromkeys(value))
            if len(names) > MOST_COLUMNS:
                raise ReadError(
                    f"{path}, line {item.line}: the objects have more than {MOST_COLUMNS:,} names. Expected a table."
                )
        self.header = tuple(names)

    def batches(self, needed: frozenset[int], nested: frozenset[int], longest: int) -> Iterator[Batch]:
        lines, rows, bad, size = list[int](), list[list[str]](), list[Malformed](), 0
        columns = [(name, index in needed, index in nested) for index, name in enumerate(self.header)]
        with Text(self.path, self.encoding, "JSON") as text:
            for item in Objects(self.path, text):
                line, size = item.line if self._on_lines else item.place, size + len(item.text)
                cells, problem = _cells(item, columns)
                if problem:
                    bad.append(Malformed(line, item.text[:KEPT].decode(errors="replace"), None, problem))
                else:
                    lines.append(line)
                    rows.append(cells)
                if len(lines) + len(bad) == ROWS or size > AT_ONCE:
                    yield self._batch(lines, rows, bad, text.bytes_read, longest)
                    lines, rows, bad, size = [], [], [], 0
            yield self._batch(lines, rows, bad, text.bytes_read, longest)

    def _batch(self, lines: list[int], rows: list[list[str]], bad: list[Malformed], end: int, longest: int) -> Batch:
        cells = zip(*rows, strict=True) if rows else [()] * len(self.header)
        columns = [pa.array(column, pa.string()) for column in cells]
        batch = batch_of(np.array(lines, np.int32), columns, end, longest)
        batch.malformed = sorted(batch.malformed + bad, key=lambda row: row.line)
        return batch


def _cells(item: JSONObject, columns: list[tuple[str, bool, bool]]) -> tuple[list[str], str]:
    """Return the text of each value of an object, or the problem of the object.

    *columns* are the names, whether the column is needed, and whether it may have nested values.
    """
    if item.problem:
        return [], item.problem
    try:
        text = item.text.decode()
        value, _, flaw = Values(text).read(0)
    except json.JSONDecodeError as error:
        return [], f"Expected {WANTED.get(error.msg, 'valid JSON')}, found {shown(text[error.pos :][:20])}."
    if flaw:
        return [], f"Expected {flaw.wanted}, found {flaw.found or shown(text[flaw.position :][:20])}."
    cells = []
    for name, is_needed, is_nested in columns:
        cell = value.get(name)
        if is_needed and not is_nested and not _has_text(cell):
            return [], f"{shown(name)} has nested values. Expected text, a number, true, false, or a list of them."
        cells.append(cell if isinstance(cell, str) else "" if cell is None else _text(cell, is_nested=is_nested))
    return cells, ""


def _has_text(value: Any) -> bool:
    return not any(isinstance(part, list | dict) for part in (value if isinstance(value, list) else [value]))


def _text(value: Any, *, is_nested: bool) -> str:
    if isinstance(value, list) and not is_nested and _has_text(value):
        return LIST_SEPARATOR.join(part if isinstance(part, str) else exact_json.text(part) for part in value)
    return exact_json.text(value)
