"""JSON documents on their way to the stages of the sources that they feed: all of these take a document, or none."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from imports.engine import masked_values, mostly_rejected
from imports.engine.resubmissions import documents_of
from imports.engine.source_load import Staged
from imports.models import SourceFile
from imports.readers import AlteredError, Batch, Document, ReadError
from imports.sources import DocumentError, JSONSource, Row, Source, as_cell, name_in
from imports.validation import Checked, Checker, MaskedValueError, Rejection, problem

EXPORTED = {"created_in_file", "changed_in_file"}  # which every record of an export has
FILES_AT_ONCE = 500
BYTES_AT_ONCE = 32 << 20
Read = dict[tuple[str, str], list[Document] | ReadError]  # the documents of files, by name and sha256


def documents(staged: Staged, progress: Callable[[int, int], None]) -> Iterator[tuple[np.ndarray, Checked]]:
    """Yield the usable rows of a source's documents, with their files.

    What a source after it rejects of the same documents is rejected here, before any of it is staged.
    """
    source = staged.load.source
    examiner = _Examiner(staged)
    examiner.checker.markers = staged.markers  # those of later sources are told when it is their turn
    place = next(place for place, other in enumerate(staged.beside) if other is staged)
    later = [_Examiner(other) for other in staged.beside[place + 1 :] if _reads_documents(other)]
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
        mostly_rejected.refuse(staged, files)
        if source.settles:
            columns = {name: values.to_pylist() for name, values in checked.values.items()}
            settling += [
                Row(row.file, row.line, {name: values[place] for name, values in columns.items()}, row.name)
                for place, row in enumerate(rows)
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
        yield np.array([row.file.pk for row in rows], np.int64), Checked(lines, values, {}, None, [], 0)


def _reads_documents(staged: Staged) -> bool:
    return isinstance(staged.load.source, JSONSource)


def _parts(files: list[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield the files in parts that fit into memory together."""
    part, size = [], 0
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
    """Makes rows of documents for one source, and rejects those of which it can make none."""

    def __init__(self, staged: Staged):
        self.staged, self.load, self.source = staged, staged.load, staged.load.source
        self.names = list(self.source.bound)
        places = {name: place for place, name in enumerate(self.names)}
        self.checker = Checker(self.source, places, self.names, "", staged.vocabularies, fixed=bool(self.load.mended))
        # What the same documents would fill: a reference to it that is not there says no more than the rejection.
        self.filled = {other.load.source.model for other in staged.beside if _reads_documents(other)}
        self.first: dict[tuple, tuple[SourceFile, int, bytes]] = {}  # by key, the first row that has it

    def examine(self, files: list[SourceFile], read: Read) -> tuple[list[Row], Checked]:
        """Return the usable rows of *files*, which are read into *read* where they are not in it."""
        pending = [row for file in files for row in self._rows(file, read)]
        cells = [pa.array([as_cell(row.values.get(name)) for row in pending], pa.string()) for name in self.names]
        # In place of a line each row has its place among the pending ones, which know their file and line.
        try:
            checked = self.checker.check(Batch(np.arange(len(pending), dtype=np.int32), cells, [], 0))
        except MaskedValueError as error:
            raise masked_values.error_of(pending[error.row].file, pending[error.row].line, error) from None
        for rejection in checked.rejections:
            row = pending[rejection.line]
            rejection.line = row.line
            self._reject(row.file, rejection)
        rows = [pending[place] for place in checked.lines]
        if self.source.key and not self.source.settles:
            again = np.array([self._comes_again(row, checked, place) for place, row in enumerate(rows)], bool)
            if again.any():
                rows, checked = [row for row, bad in zip(rows, again, strict=True) if not bad], checked.only(~again)
        return rows, checked

    def _rows(self, file: SourceFile, read: Read) -> Iterator[Row]:
        path, unusable = self.load.paths[file.pk], self.staged.unusable
        if _name(file) not in read:
            try:
                read[_name(file)] = list(documents_of(self.load, file))
            except AlteredError:
                raise
            except ReadError as error:
                read[_name(file)] = error
        found = read[_name(file)]
        if isinstance(found, ReadError):
            if (*_name(file), found.line) not in unusable:
                self._turn_down(file, found.line, str(found).replace(str(path), file.original_name))
            return
        for document in found:
            if (*_name(file), document.line) in unusable:
                continue
            if document.error:
                self._turn_down(file, document.line, document.error.replace(str(path), file.original_name))
                continue
            if isinstance(document.value, dict) and EXPORTED <= document.value.keys():
                self._turn_down(file, document.line, "is a record of an export: import the table's CSV instead")
                continue
            known_as = name_in(file.name, document.place)
            try:
                values = dict(self.source.row(document.value, known_as))
            except DocumentError as error:
                self._turn_down(file, document.line, str(error))
                continue
            if misfits := [problem(name, as_cell(value), said) for name, value, said in _misfits(self.source, values)]:
                self._reject(file, Rejection(document.line, _cells(values), misfits))
            else:
                yield Row(file, document.line, values, known_as)

    def _comes_again(self, row: Row, checked: Checked, place: int) -> bool:
        """Tell whether an earlier row has the key and other values: the first is the one that counts."""
        key = tuple(checked.values[name][place].as_py() for name in self.source.key)
        values = repr([array[place].as_py() for array in checked.values.values()])
        digest = hashlib.sha256(values.encode()).digest()
        file, line, before = self.first.setdefault(key, (row.file, row.line, digest))
        if before == digest or (file.pk, line) == (row.file.pk, row.line):
            return False
        where = f"line {line}" + (f" of {file.name}" if file.pk != row.file.pk else "")
        said = problem(
            self.source.key[0],
            key[0],
            f"came before, on {where}, with other values; the first is the one that counts",
        )
        self._reject(row.file, Rejection(row.line, _cells(row.values), [said], key=list(key)))
        return True

    def _turn_down(self, file: SourceFile, line: int, message: str) -> None:
        values = {"file": file.original_name}
        self._reject(file, Rejection(line, values, [problem(None, file.original_name, message)]))

    def _reject(self, file: SourceFile, rejection: Rejection) -> None:
        rejection.references = {
            name: values
            for name, values in rejection.references.items()
            if self.source.bound[name].model not in self.filled
        }
        self.staged.unusable.add((*_name(file), rejection.line))
        self.staged.rejections.add(file, [rejection])


def _cells(values: dict) -> dict[str, str | None]:
    return {name: as_cell(value) for name, value in values.items()}


def _misfits(source: Source, values: dict) -> Iterator[tuple[str, Any, str]]:
    """Yield the values whose type no column of theirs takes, and what is wrong with them."""
    for name, value in values.items():
        if said := source.bound[name].misfit(value):
            yield name, value, said
