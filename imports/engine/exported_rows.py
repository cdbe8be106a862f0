"""Read rows of Tabularium's own exports. Each row belongs to the file that it names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.compute as pc

from imports import fingerprints
from imports.cell_types import DocumentCell
from imports.exported_tables import FILE
from imports.file_names import LONGEST
from imports.models import SourceFile
from imports.readers import Batch, Layout, ReadError, Stored, find_layout, read_csv
from imports.readers.csv_scanner import LONGEST as LONGEST_ROW
from imports.readers.headers import plain
from imports.row_problems import Rejection
from imports.sources import CSVSource
from imports.validation import BatchValidator, ValidatedBatch

OF_NONE = " (of no file)"  # suffix of the export's name, for rows without a file
LONGEST_DOCUMENT = 64 << 20  # bytes of a row with a JSON document, in which each quote is doubled


class ExportValidator(BatchValidator):
    """Validates the batches of an export, in which each row names its file."""

    def __init__(self, parts: "ExportParts", *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.parts = parts

    def check(self, batch: Batch) -> ValidatedBatch:
        which, files = self.parts.of(batch)
        self._which, self._names = which, [file.name for file in files]
        checked = super().check(batch)
        owners = np.array([file.pk for file in files], np.int64)[which]
        checked.files = owners[np.searchsorted(batch.lines, checked.lines)]
        return checked

    def _rejection(self, row: int, batch: Batch, *args: Any) -> Rejection:
        rejection = super()._rejection(row, batch, *args)
        rejection.file = self.parts.files[batch.columns[self.parts.index][row].as_py()].pk
        return rejection

    def _name_terms(self, rows: int) -> np.ndarray:
        return fingerprints.text_terms("file name", self._names)[:, self._which]


@dataclass
class ExportParts:
    """The files that the rows of an export belong to, by name.

    Each is a separate SourceFile, and all share the export's bytes. Rows without a file, such as those of records that
    a curator created, belong to the export itself, under the name "".
    """

    index: int  # index of the column with the file names
    files: dict[str, SourceFile] = field(default_factory=dict)

    @property
    def own(self) -> SourceFile | None:
        """The SourceFile of rows without a file."""
        return self.files.get("")

    def of(self, batch: Batch) -> tuple[np.ndarray, list[SourceFile]]:
        """Return the index of each row's file, and the files of a batch."""
        names = batch.columns[self.index].dictionary_encode()
        files = [self.files[name] for name in names.dictionary.to_pylist()]
        return names.indices.to_numpy(zero_copy_only=False), files


def parts_of(stored: Stored, source: CSVSource, record: SourceFile) -> ExportParts | None:
    """Return the unsaved files of the rows of an export, with *record* as the first.

    Return None if the export does not name files. Raises ReadError.
    """
    layout = find_layout(stored, source.expected, encoding=record.encoding, allow_missing=True)
    headings = [plain(heading) for heading in layout.header or ()]
    if FILE not in headings:
        return None
    parts, names = ExportParts(headings.index(FILE)), dict[str, int]()
    for batch in rows_of(stored, layout, source, record.encoding):
        for name in pc.unique(batch.columns[parts.index]).to_pylist():
            names.setdefault(name, int(batch.lines[0]) if len(batch.lines) else 0)
    for name, line in names.items():
        if len(name) > LONGEST:
            raise ReadError(
                f"{record.original_name}, from line {line}: {FILE} has {len(name)} characters. Expected a file name of "
                f"at most {LONGEST} characters."
            )
    for name in sorted(names):  # "" is the first
        parts.files[name] = _like(record, name) if parts.files else record
        parts.files[name].name = name or f"{record.name[: LONGEST - len(OF_NONE)]}{OF_NONE}"
    return parts if parts.files else None


def rows_of(stored: Stored, layout: Layout, source: CSVSource, encoding: str) -> Iterator[Batch]:
    """Return the rows of a table, with a higher limit on their length if they contain JSON documents."""
    has_documents = any(isinstance(column.kind, DocumentCell) for column in source.bound.values())
    longest = LONGEST_DOCUMENT if has_documents else LONGEST_ROW
    return read_csv(stored, layout, source.expected, encoding=encoding, longest=longest)


def _like(record: SourceFile, name: str) -> SourceFile:
    return SourceFile(
        run=record.run,
        source=record.source,
        name=name,
        original_name=record.original_name,
        sha256=record.sha256,
        part=record.part,
        size=record.size,
        encoding=record.encoding,
        is_partial=True,
    )
