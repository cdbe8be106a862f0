"""Convert JSON documents to the rows of several sources.

Either all of these sources accept a document, or none does.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from imports.engine import mostly_rejected
from imports.engine.fixed_rows import documents_of
from imports.engine.source_load import Staged
from imports.masking import masked_value_refused
from imports.models import SourceFile
from imports.readers import AlteredError, Batch, Document, ReadError
from imports.row_problems import MaskedValueError, Rejection, problem
from imports.sources import DocumentError, JSONSource, Row, Source, as_cell, name_in
from imports.validation import BatchValidator, ValidatedBatch

EXPORTED = {"created_in_file", "changed_in_file"}  # fields of every exported record
FILES_AT_ONCE = 500
BYTES_AT_ONCE = 32 << 20
Read = dict[tuple[str, str], list[Document] | ReadError]  # documents of files, by name and SHA-256


def documents(staged: Staged, progress: Callable[[int, int], None]) -> Iterator[tuple[np.ndarray, ValidatedBatch]]:
    """Yield the valid rows of a source's documents, with their files.

    If a later source rejects a document, it is rejected here, before any of its rows are staged.
    """
    source = staged.load.json_source
    examiner = _Examiner(staged)
    examiner.checker.markers = staged.markers  # later sources report their own markers
    index = next(index for index, other in enumerate(staged.beside) if other is staged)
    later = [_Examiner(other) for other in staged.beside[index + 1 :] if _reads_documents(other)]
    settling: list[Row] = []
    for files in _parts(staged.load.files):
        read: Read = {}
        rows, checked = examiner.examine(files, read)
        for file in files:
            progress(file.size, 0)
        progress(0, len(rows))
        for other in later:
            other.examine([file for file in other.load.files if _name(file) in read], read)
        usable = np.array([(*_name(row.file), row.line) not in staged.unusable for row in rows], bool)
        if not usable.all():
            rows, checked = [row for row, good in zip(rows, usable, strict=True) if good], checked.only(usable)
        staged.usable.update(row.file.pk for row in rows)
        if staged.load.resubmissions:
            staged.keep_fixed((row.file.pk for row in rows), (row.line for row in rows), checked)
        for file in files:
            mostly_rejected.refuse(file, staged.read(file), staged.rejections.count_open(file))
        if source.settles:
            columns = {name: values.to_pylist() for name, values in checked.values.items()}
            settling += [
                Row(row.file, row.line, {name: values[index] for name, values in columns.items()}, row.name)
                for index, row in enumerate(rows)
            ]
        else:
            checked.lines = np.array([row.line for row in rows], np.int32)
            yield np.array([row.file.pk for row in rows], np.int64), checked
    if source.settles:
        rows, staged.notes = source.settle(settling)
        staged.duplicates = staged.usable - Counter(row.file.pk for row in rows)
        values = {
            c.name: pa.array([row.values[c.name] for row in rows], c.kind.type) for c in staged.load.stage.columns
        }
        lines = np.array([row.line for row in rows], np.int32)
        yield np.array([row.file.pk for row in rows], np.int64), ValidatedBatch(lines, values, {}, None, [], 0)


def _reads_documents(staged: Staged) -> bool:
    return isinstance(staged.load.source, JSONSource)


def _parts(files: list[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield the files in groups that fit into memory."""
    part: list[SourceFile] = []
    size = 0
    for file in files:
        if part and (len(part) == FILES_AT_ONCE or size + file.size > BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(file)
        size += file.size
    if part:
        yield part


def _name(file: SourceFile) -> tuple[str, str]:
    return file.name, file.sha256


class _Examiner:
    """Converts documents to the rows of one source, and rejects documents without a valid row."""

    def __init__(self, staged: Staged):
        self.staged, self.load, self.source = staged, staged.load, staged.load.json_source
        self.names = list(self.source.bound)
        places = {name: index for index, name in enumerate(self.names)}
        self.checker = BatchValidator(
            self.source, places, self.names, "", staged.vocabularies, fixed=bool(self.load.resubmissions)
        )
        # Models that are filled from the same documents. An unknown reference to them is not reported as a separate
        # problem.
        self.filled = {other.load.source.model for other in staged.beside if _reads_documents(other)}
        self.first: dict[tuple[Any, ...], tuple[SourceFile, int, bytes]] = {}  # by key, the first row with this key

    def examine(self, files: list[SourceFile], read: Read) -> tuple[list[Row], ValidatedBatch]:
        """Return the valid rows of *files*. Files that are not in *read* yet are read and added to it."""
        pending = [row for file in files for row in self._rows(file, read)]
        cells = [pa.array([as_cell(row.values.get(name)) for row in pending], pa.string()) for name in self.names]
        # Rows are numbered by their index in ``pending``, which has their file and line number.
        try:
            checked = self.checker.check(Batch(np.arange(len(pending), dtype=np.int32), cells, [], 0))
        except MaskedValueError as error:
            raise masked_value_refused(pending[error.row].file, pending[error.row].line, error) from None
        for rejection in checked.rejections:
            row = pending[rejection.line]
            rejection.line = row.line
            self._reject(row.file, rejection)
        rows = [pending[index] for index in checked.lines]
        if self.source.key and not self.source.settles:
            again = np.array([self._repeats_key(row, checked, index) for index, row in enumerate(rows)], bool)
            if again.any():
                rows, checked = [row for row, bad in zip(rows, again, strict=True) if not bad], checked.only(~again)
        return rows, checked

    def _read(self, file: SourceFile) -> list[Document] | ReadError:
        try:
            return list(documents_of(self.load, file))
        except AlteredError:
            raise
        except ReadError as error:
            return error

    def _rows(self, file: SourceFile, read: Read) -> Iterator[Row]:
        path, unusable = self.load.paths[file.pk], self.staged.unusable
        if _name(file) not in read:
            read[_name(file)] = self._read(file)
        result = read[_name(file)]
        if isinstance(result, ReadError):
            if (*_name(file), result.line) not in unusable:
                self._reject_document(file, result.line, str(result).replace(str(path), file.original_name))
            return
        for document in result:
            if (*_name(file), document.line) in unusable:
                continue
            if document.error:
                self._reject_document(file, document.line, document.error.replace(str(path), file.original_name))
                continue
            if isinstance(document.value, dict) and EXPORTED <= document.value.keys():
                self._reject_document(
                    file, document.line, "is an exported record. Import the export of its table instead"
                )
                continue
            known_as = name_in(file.name, document.place)
            try:
                values = dict(self.source.row(document.value, known_as))
            except DocumentError as error:
                self._reject_document(file, document.line, str(error))
                continue
            if wrong := [problem(name, as_cell(value), text) for name, value, text in misfits(self.source, values)]:
                self._reject(file, Rejection(document.line, _cells(values), wrong))
            else:
                yield Row(file, document.line, values, known_as)

    def _repeats_key(self, row: Row, checked: ValidatedBatch, index: int) -> bool:
        """Reject a row if an earlier row has the same key and different values. Return whether it was rejected."""
        key = tuple(checked.values[name][index].as_py() for name in self.source.key)
        values = repr([array[index].as_py() for array in checked.values.values()])
        digest = hashlib.sha256(values.encode()).digest()
        file, line, before = self.first.setdefault(key, (row.file, row.line, digest))
        if before == digest or (file.pk, line) == (row.file.pk, row.line):
            return False
        where = f"line {line}" + (f" of {file.name}" if file.pk != row.file.pk else "")
        repeated = problem(
            self.source.key[0],
            key[0],
            f"is a duplicate key: {where} has other values and takes precedence",
        )
        self._reject(row.file, Rejection(row.line, _cells(row.values), [repeated], key=list(key)))
        return True

    def _reject_document(self, file: SourceFile, line: int, message: str) -> None:
        values: dict[str, str | None] = {"file": file.original_name}
        self._reject(file, Rejection(line, values, [problem(None, file.original_name, message)]))

    def _reject(self, file: SourceFile, rejection: Rejection) -> None:
        rejection.references = {
            name: values
            for name, values in rejection.references.items()
            if self.source.references[name].model not in self.filled
        }
        self.staged.unusable.add((*_name(file), rejection.line))
        self.staged.rejections.add(file, [rejection])


def _cells(values: dict[str, Any]) -> dict[str, str | None]:
    return {name: as_cell(value) for name, value in values.items()}


def misfits(source: Source, values: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield the values whose type does not match their column, each with its column and problem."""
    for name, value in values.items():
        if message := source.bound[name].misfit(value):
            yield name, value, message
