"""Convert batches of text to typed columns and rejected rows, with all problems of each row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.records.masking import MASK, personal_names
from datasets.text import clean, is_unseen, visible
from imports import fingerprints
from imports.cell_types import CellType, DocumentCell, TextCell
from imports.missing_value_markers import Markers
from imports.readers import Batch
from imports.readers.text_columns import cleaned, without_marks
from imports.repeated_headers import SECOND, SecondHeadings
from imports.row_problems import BatchRejections, MaskedValueError, Rejection, distinct, problem
from imports.sources import Column, Detail, Many, Source, VocabularyColumn
from imports.vocabularies import TermIndex


@dataclass
class ValidatedBatch:
    """The valid rows and the rejected rows of a batch, with a typed array of ``values`` for each column.

    For a VocabularyColumn, these are the positions of the terms in the vocabulary.
    """

    lines: np.ndarray
    values: dict[str, pa.Array]
    members: dict[str, pa.ListArray]  # for each Many column, by name
    lanes: np.ndarray | None  # identities, if the source has no key
    rejections: Collection[Rejection]
    bytes_read: int
    last_line: int = 0  # number of the line on which the last row of the batch begins
    files: np.ndarray | None = None  # for an export, the primary key of each row's SourceFile

    def only(self, rows: np.ndarray) -> "ValidatedBatch":
        """Return the rows for which *rows* is true, with all rejections."""
        mask = pa.array(rows)
        return ValidatedBatch(
            self.lines[rows],
            {name: array.filter(mask) for name, array in self.values.items()},
            {name: array.filter(mask) for name, array in self.members.items()},
            self.lanes[:, rows] if self.lanes is not None else None,
            self.rejections,
            self.bytes_read,
            self.last_line,
        )


@dataclass
class ColumnResult:
    """A validated column of a batch: its values, and the problem of each invalid row."""

    distinct: pa.Array  # trimmed strings; if there are indices, each distinct string once
    indices: pa.Array | None
    values: pa.Array
    members: pa.ListArray | None
    problems: dict[int, str]  # by row

    def text(self, row: int) -> str | None:
        index = row if self.indices is None else self.indices[row].as_py()
        return None if index is None else self.distinct[index].as_py()

    def named(self, row: int) -> list[Any]:
        """Return the values with which a cell refers to another table, of which there may be none, one or several."""
        if self.members is not None:
            return list(self.members[row].as_py())
        return [value for value in [self.values[row].as_py()] if value is not None]


class BatchValidator:
    """Validates the batches of one file for a source.

    *places* are the indexes of the source's columns in the file. *headings* are the file's headers. Columns of personal
    data are checked for masked values. In a file with *fixed* rejected rows, all columns are checked, because such a
    file has masked e-mail addresses in any column. Rows of *stored* records are counted with less memory.
    """

    def __init__(
        self,
        source: Source,
        places: Mapping[str, int],
        headings: list[str],
        name: str,
        vocabularies: dict[str, TermIndex],
        markers: Markers | None = None,
        *,
        fixed: bool = False,
        stored: fingerprints.Stored | None = None,
    ):
        self.source, self.places, self.names = source, places, distinct(headings)
        self.columns = [column for column in source.bound.values() if column.name in places]
        self.vocabularies = vocabularies
        personal = personal_names(source.model)
        self.may_be_masked = [c.name for c in self.columns if personal and (fixed or c.field.name in personal)]
        self.markers = markers or Markers(source)
        self.second_headings = SecondHeadings(source, places, headings, name)
        # For a source without a key.
        self.name_term, self.occurrences = fingerprints.name_term(name), fingerprints.Occurrences(stored)

    def check(self, batch: Batch) -> ValidatedBatch:
        """Return the valid rows of *batch*, and the rejected rows with all of their problems.

        Raises MaskedValueError.
        """
        cells = {column.name: self._cells(column, batch.columns[self.places[column.name]]) for column in self.columns}
        if masked := [error for name in self.may_be_masked if (error := _first_masked(name, cells[name]))]:
            raise min(masked, key=lambda error: error.row)
        readable = np.ones(len(batch.lines), bool)
        again = self._second_headings(batch, cells)
        readable[again] = False
        for checked in cells.values():
            readable[list(checked.problems)] = False
        for detail in self.source.columns_of(Detail):
            if detail.name in cells:
                self._agree(detail, cells[detail.of], cells[detail.name], readable)
        values = {c.name: cells[c.name].values for c in self.columns if not isinstance(c, Detail)}
        lanes = None if self.source.key else self._lanes(values, readable)

        bad = sorted({*again, *(row for column in cells.values() for row in column.problems)})
        rejections = BatchRejections(
            batch.malformed,
            bad,
            lambda row: self._rejection(row, batch, cells, lanes, readable),
            self.second_headings.message,
        )
        last_line = max([*batch.lines[-1:].tolist(), *(row.line for row in batch.malformed[-1:])], default=0)
        members = {name: column.members for name, column in cells.items() if column.members is not None}
        rows = ValidatedBatch(batch.lines, values, members, lanes, rejections, batch.bytes_read, last_line)
        if not bad:
            return rows
        good = np.ones(len(batch.lines), bool)
        good[bad] = False
        return rows.only(good)

    def _second_headings(self, batch: Batch, cells: dict[str, ColumnResult]) -> list[int]:
        """Return the rows that repeat the header, and drop their other problems."""
        if not (watched := cells.get(self.second_headings.watched)):
            return []
        rows = self.second_headings.find(batch, watched.distinct, watched.indices, watched.problems)
        for column in cells.values() if rows else ():
            column.problems = {row: message for row, message in column.problems.items() if row not in rows}
        return rows

    def _cells(self, column: Column, raw: pa.Array) -> ColumnResult:  # noqa: C901 - the steps share what is encoded
        """Trim the cells, find missing values, and convert each cell to its value."""
        indices, distinct = (raw.indices, raw.dictionary) if pa.types.is_dictionary(raw.type) else (None, raw)
        if self.second_headings.is_table and self.places[column.name] == 0:
            distinct = without_marks(distinct)
        # Documents are stored unchanged.
        distinct, unseen = (
            (pc.ascii_trim(distinct, " \t"), None) if isinstance(column.kind, DocumentCell) else cleaned(distinct)
        )
        blank = (
            pc.is_in(distinct, pa.array(["", *self.source.missing])) if self.source.missing else pc.equal(distinct, "")
        )
        if pc.any(blank).as_py():
            distinct = pc.if_else(blank, pa.scalar(None, pa.string()), distinct)
        members = None
        try:
            if isinstance(column, Many | VocabularyColumn) or unseen is not None:
                raise pa.ArrowInvalid("parse each distinct cell")
            values, problems = column.kind.convert(distinct), dict[int, str]()
        except pa.ArrowInvalid:
            if indices is None:
                encoded = distinct.dictionary_encode()
                indices, distinct = encoded.indices, encoded.dictionary
            values, members, problems = self._one_by_one(column, distinct)
        if isinstance(column.kind, TextCell) or (problems and not isinstance(column.kind, DocumentCell)):
            self.markers.look(column, distinct, indices)
        blanks = values
        if indices is not None:
            if column.required or problems:
                blanks = distinct.take(indices) if distinct.null_count else indices
            values = values.take(indices)
            members = members.take(indices) if members is not None else None
            if problems:
                where = pc.is_in(indices, pa.array(list(problems), indices.type)).to_numpy(zero_copy_only=False)
                codes = indices.fill_null(-1).to_numpy(zero_copy_only=False)
                problems = {int(row): problems[int(codes[row])] for row in np.flatnonzero(where)}
        if column.required and blanks.null_count:
            for row in np.flatnonzero(blanks.is_null().to_numpy(zero_copy_only=False)):
                problems[int(row)] = f"is missing: expected {column.kind.expected}"
        return ColumnResult(distinct, indices, values, members, problems)

    def _one_by_one(self, column: Column, distinct: pa.Array) -> tuple[pa.Array, pa.ListArray | None, dict[int, str]]:
        values, members, problems = list[Any](), list[list[Any]](), dict[int, str]()
        vocabulary = self.vocabularies.get(column.name)
        for index, text in enumerate(distinct.to_pylist()):
            value, members_of_cell = None, []
            try:
                if text is not None:
                    value = _value_of(column.kind, text)
                    if isinstance(column, Many):
                        members_of_cell = _members(column, text)
                        value = column.separator.join(str(member) for member in members_of_cell) or None
                    elif vocabulary:
                        value = vocabulary.position(value)
            except ValueError as error:
                value, problems[index] = None, str(error)
            values.append(value)
            members.append(members_of_cell)
        if isinstance(column, Many):
            return pa.array(values, pa.string()), pa.array(members, pa.list_(column.member_kind.type)), problems
        return pa.array(values, pa.int64() if vocabulary else column.kind.type), None, problems

    def _agree(self, detail: Detail, cells: ColumnResult, details: ColumnResult, readable: np.ndarray) -> None:
        """Check that each row repeats the attribute of its term. The first row defines the attribute of a new term."""
        vocabulary = self.vocabularies[detail.of]
        which = vocabulary.attributes.index(detail.attribute)
        positions = cells.values.fill_null(-1).to_numpy(zero_copy_only=False)
        given = details.values
        rows = readable & given.is_valid().to_numpy(zero_copy_only=False) & (positions >= 0)
        for position in np.unique(positions[rows]):
            known = vocabulary.details[position]
            of_term = np.flatnonzero(rows & (positions == position))
            if known[which] is None:
                known[which] = given[int(of_term[0])].as_py()
            differs = pc.not_equal(given, pa.scalar(known[which], given.type)).to_numpy(zero_copy_only=False)
            for row in of_term[differs[of_term].astype(bool)]:
                details.problems[int(row)] = (
                    f"does not match {detail.of} {vocabulary.names[position]}: expected {known[which]}"
                )

    def _lanes(self, values: dict[str, pa.Array], readable: np.ndarray) -> np.ndarray:
        """Return the identity of every row. The identities of unreadable rows are meaningless and not counted."""
        total = self._name_terms(len(readable))
        for name, array in values.items():
            vocabulary = self.vocabularies.get(name)
            if vocabulary:
                terms = np.array([*vocabulary.terms, (0, 0)], np.uint64).T
                total += terms[:, array.fill_null(-1).to_numpy(zero_copy_only=False)]
            else:
                total += fingerprints.column_terms(name, array)
        if readable.all():
            self.occurrences.add(total)
        else:
            counted = np.ascontiguousarray(total[:, readable])
            self.occurrences.add(counted)
            total[:, readable] = counted
        return total

    def _name_terms(self, rows: int) -> np.ndarray:
        return np.repeat(self.name_term, rows, axis=1)

    def _rejection(
        self, row: int, batch: Batch, cells: dict[str, ColumnResult], lanes: np.ndarray | None, readable: np.ndarray
    ) -> Rejection:
        values = {heading: array[row].as_py() for heading, array in zip(self.names, batch.columns, strict=True)}
        values = {heading: text.strip(" \t") if text is not None else None for heading, text in values.items()}
        problems = [
            problem(name, column.text(row), column.problems[row])
            for name, column in cells.items()
            if row in column.problems
        ]
        if not problems:
            return Rejection(int(batch.lines[row]), values, [problem(None, None, SECOND)])
        key = [cells[column.name].values[row].as_py() for column in self.source.key_columns]
        return Rejection(
            int(batch.lines[row]),
            values,
            problems,
            key=key if key and None not in key else None,
            identity=None if lanes is None or not readable[row] else fingerprints.stored(lanes[:, [row]])[0].as_py(),
            references={
                name: cells[name].named(row)
                for name in self.source.references
                if name in cells and row not in cells[name].problems
            },
        )


def _value_of(kind: CellType, text: str) -> Any:
    if is_unseen(text):
        raise ValueError(f"contains only invisible characters: expected {kind.expected}")
    return kind.check(text)


def _first_masked(name: str, cells: ColumnResult) -> MaskedValueError | None:
    """Return a MaskedValueError for the first masked value of a column, or None."""
    masked = pc.match_substring_regex(cells.distinct, MASK)
    if not pc.any(masked).as_py():
        return None
    row = pc.index(masked if cells.indices is None else masked.take(cells.indices), True).as_py()
    return MaskedValueError(row, name, cells.text(row) or "")


def _members(column: Many, text: str) -> list[Any]:
    """Return the sorted distinct values in a cell such as ``1;2;2``."""
    members = set()
    for part in text.split(column.separator):
        try:
            members.add(_value_of(column.member_kind, clean(part)))
        except ValueError as error:
            raise ValueError(f"contains '{visible(clean(part))}', which {error}") from None
    return sorted(members)
