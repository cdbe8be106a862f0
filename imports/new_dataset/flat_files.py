"""Flat files of unknown columns: delimited text, and JSON arrays of objects, as batches of text columns."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from imports.file_columns import as_cell
from imports.readers import ExpectedColumns, Layout, ReadError, find_header, numbered_headings, read_csv, read_json
from imports.readers.headers import plain
from imports.readers.text_columns import cleaned

ROWS = 10_000  # rows of a batch of JSON objects
MOST_COLUMNS = 1_000
ANY = ExpectedColumns({}, frozenset())


@dataclass
class FlatFile:
    """A file, and what its first reading finds: rows that cannot be read, and the kinds of its JSON values."""

    path: Path
    encoding: str = "utf-8"
    malformed: dict[int, str] = field(default_factory=dict)  # by line
    kinds: dict[str, set[type]] = field(default_factory=dict)  # of JSON values, by heading

    @property
    def is_json(self) -> bool:
        return self.path.suffix.lower() in (".json", ".ndjson", ".jsonl")

    @cached_property
    def layout(self) -> Layout:
        return find_header(self.path, encoding=self.encoding)

    @property
    def headerless(self) -> bool:
        return not self.is_json and self.layout.header is None

    @cached_property
    def headings(self) -> list[str]:
        """The columns' names in sources: distinct, and not empty. Raises ReadError."""
        if self.is_json:
            headings = list(dict.fromkeys(heading for document in self.documents for heading in document))
        else:
            headings = numbered_headings(self.layout.header or [""] * self.layout.width)
        if len({plain(heading) for heading in headings}) < len(headings) or "" in headings:
            raise ReadError(f"{self.path}: two columns have the same name, or one has none. Rename one of them.")
        if len(headings) > MOST_COLUMNS:
            raise ReadError(f"{self.path}: expected at most {MOST_COLUMNS:,} columns, found {len(headings):,}.")
        return headings

    @cached_property
    def documents(self) -> list[dict[str, Any]]:
        """The objects of a JSON file. Like imports, this reads the whole file. Raises ReadError."""
        documents = []
        for document in read_json(self.path, encoding=self.encoding):
            if document.error or not isinstance(document.value, dict):
                self.malformed[document.line] = document.error or "expected an object"
            else:
                documents.append(document.value)
        for value in documents:
            for heading, cell in value.items():
                self.kinds.setdefault(heading, set()).add(type(cell))
        return documents

    def batches(self) -> Iterator[list[pa.Array]]:
        """Yield the rows as columns of text without surrounding blanks, in the order of ``headings``."""
        for columns in self._json_batches() if self.is_json else self._csv_batches():
            yield [cleaned(column)[0] for column in columns]

    def _csv_batches(self) -> Iterator[list[pa.Array]]:
        for batch in read_csv(self.path, self.layout, ANY, encoding=self.encoding):
            self.malformed |= {row.line: row.message for row in batch.malformed[:MOST_COLUMNS]}
            if len(batch.lines):
                yield batch.columns

    def _json_batches(self) -> Iterator[list[pa.Array]]:
        for start in range(0, len(self.documents), ROWS):
            part = self.documents[start : start + ROWS]
            yield [
                pa.array([as_cell(document.get(heading)) or "" for document in part], pa.string())
                for heading in self.headings
            ]
