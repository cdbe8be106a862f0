"""Find the missing records of which staged rows are edited versions, for sources without a key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection, models
from django.template.defaultfilters import pluralize

from datasets.sql.dialect import analyze, quoted
from datasets.sql.row_json import is_corrected, value_of
from imports import fingerprints
from imports.engine.chosen_pairs import PairChoice, choices_of, find_chosen
from imports.engine.pair_list import PairList
from imports.engine.pairing import Candidates, ChosenPairs, Pairs, find_pairs
from imports.engine.references import joins_by_index
from imports.engine.source_load import SourceLoad, Staged
from imports.engine.staged_rows import StagedRows
from imports.engine.staging import Writer
from imports.models import ImportRun
from imports.sources import Column, Reference, VocabularyColumn

SAMPLE = 5_000  # records from either end of the table, for the frequencies of values
MOST_ROWS = 1_000_000  # new rows, or missing records, of a source; more are not paired
FEW = 20  # records of the files for each row or record to pair, so that these are few
AT_ONCE = 50_000
NOWHERE, ELSEWHERE = -(2**40), 2**40  # far from every position, and from each other

Cells = list[pa.Array]  # the values of each column


class PairedRows(StagedRows):
    """The staged rows that are paired with a record, with the record's primary key as ``paired``."""

    def __init__(self, load: SourceLoad):
        super().__init__(load)
        self.pairs = quoted(load.stage.pairs)
        self.same = f"r.{self.pk} = s.paired"

    def resolved(self) -> str:
        """Return a subquery of the paired rows with database column names, resolved references, and their likeness."""
        same_row = "q.source_file = s.source_file AND q.source_line = s.source_line"
        return f"(SELECT s.*, q.pk AS paired, q.likeness FROM {super().resolved()} s JOIN {self.pairs} q ON {same_row})"

    def records(self) -> str:
        """Return a query of the primary keys of the paired records."""
        return f"SELECT pk FROM {self.pairs}"


@dataclass
class Paired:
    """The pairs of a source, the choices of the user that apply to them, and notes for the report."""

    pairs: PairList = field(default_factory=PairList)
    choices: list[PairChoice] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    few: bool = False  # whether the records are few among those of the files


def pair_rows(staged: Staged, rows: StagedRows) -> Paired:
    """Pair staged rows with the missing records in the stage, and remove these from the missing records.

    If the user has turned pairing off, or if there are too many rows or records, only the pairs that the user has
    chosen are made.
    """
    load = staged.load
    choices, automatic = choices_of(load.run, load.source.name), load.run.pairing != ImportRun.Pairing.OFF
    paired = Paired()
    if not (automatic or choices) or not load.stage.has(load.stage.missing):
        return paired
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT (SELECT count(*) FROM {rows.staged}), (SELECT count(*) FROM {_missing(load)})")
        counts = cursor.fetchone()
    if automatic and all(counts) and max(counts) > MOST_ROWS:
        automatic = False
        paired.notes.append(
            f"{load.source.name}: {counts[0]:,} new row{pluralize(counts[0])}, {counts[1]:,} missing "
            f"record{pluralize(counts[1])}. Edited rows are paired with their records only if there are at most "
            f"{MOST_ROWS:,} of each."
        )
    if all(counts) and (automatic or choices):
        paired.few = FEW * max(counts) < len(staged.known)
        finder = _Finder(staged, rows, None if automatic else choices, few=paired.few)
        candidates = finder.candidates()
        chosen = ChosenPairs()
        if choices:
            chosen, paired.choices = find_chosen(choices, candidates, finder.named_rows, finder.keys)
        pairs = find_pairs(candidates, load.source.pairing_threshold, chosen, automatic=automatic)
        paired.pairs = finder.store(candidates, pairs)
    return paired


class _Finder:
    """Reads the rows and records to compare, and stores the pairs. With *only*, reads those of these choices."""

    def __init__(self, staged: Staged, rows: StagedRows, only: Sequence[PairChoice] | None, *, few: bool):
        self.few = few
        self.staged, self.load, self.rows, self.only = staged, staged.load, rows, only
        self.names = {file.pk: file.name for file in self.load.files}

    @property
    def named_rows(self) -> list[tuple[str, str, int]]:
        """The name of the file, its SHA-256 and the line of each row."""
        sha256 = {file.pk: file.sha256 for file in self.load.files}
        return [(self.names[file], sha256[file], line) for file, line in zip(self.files, self.lines, strict=True)]

    def candidates(self) -> Candidates:
        """Return the rows and records as codes; the first column is the name of the file."""
        columns, source = self.rows.stored, self.load.source
        kinds = [_kind(column) for column in columns]
        lines = [choice["line"] for choice in self.only or ()]
        (self.files, self.lines), cells = _fetched(
            f"SELECT s.source_file, s.source_line, {self._values('s')} FROM {self.rows.resolved()} s"
            f"{self._where('s.source_line', lines)}",
            2,
            kinds,
            lines,
        )
        rows = [pa.array([self.names[file] for file in self.files]), *cells]
        keys = [source.model._meta.pk.to_python(choice["record"]) for choice in self.only or ()]
        missing = f"(SELECT m.pk, m.name FROM {_missing(self.load)} m{self._where('m.pk', keys)} ORDER BY m.pk)"
        with joins_by_index(few=self.few):
            (self.keys,), cells = _fetched(
                f"SELECT m.pk, m.name, {self._values('r', of_file=True)} FROM {missing} m"
                f" JOIN {self.rows.table} r ON r.{self.rows.pk} = m.pk ORDER BY m.pk",
                1,
                [pa.string(), *kinds],
                keys,
            )
        (coded_rows, records, sample), texts = _coded(rows, cells, self._sample())
        required = [column.name in source.identity_hint for column in columns]
        places = np.array(self.keys if self._in_order else [ELSEWHERE] * len(self.keys), np.int64)
        own = {n: texts[n] for n, c in enumerate(columns, 1) if not isinstance(c, VocabularyColumn | Reference)}
        return Candidates(coded_rows, records, sample, np.array([True, *required]), places, self._expected, own)

    def _where(self, column: str, values: Sequence[Any]) -> str:
        """Return the SQL clause that selects the rows or records of the choices to read."""
        return "" if self.only is None else f" WHERE {column} IN ({', '.join(['%s'] * len(values))})"

    def _values(self, alias: str, *, of_file: bool = False) -> str:
        """Return the SQL expressions of the values of all columns, or with *of_file*, of the values that the file had.

        The rows of an export have the stored values.
        """
        values = []
        corrected = of_file and not self.load.parts and self._has_corrected()
        for column in self.rows.stored:
            value = f"{alias}.{quoted(column.stored_as)}"
            if corrected:
                condition = is_corrected(f"{alias}.corrections", column.stored_as)
                value = f"CASE WHEN {condition} THEN {value_of(column.field, f'{alias}.corrections')} ELSE {value} END"
            values.append(f"CAST({value} AS text)" if _kind(column) == pa.string() else value)
        return ", ".join(values)

    def _has_corrected(self) -> bool:
        """Return whether a curator has corrected any of the missing records."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {_missing(self.load)} WHERE corrected = 1)")
            return bool(cursor.fetchone()[0])

    def _sample(self) -> Cells:
        """Return the file names and the values of the first and the last records of the table."""
        # The union leaves out the second copy of a record of both ends.
        query = " UNION ".join(
            f"SELECT r.{self.rows.pk}, f.name, {self._values('r')}"
            f" FROM (SELECT * FROM {self.rows.table} ORDER BY {self.rows.pk}{end} LIMIT {SAMPLE}) r"
            " LEFT JOIN source_files f ON f.id = r.changed_in_id"
            for end in ("", " DESC")
        )
        return _fetched(query, 1, [pa.string(), *map(_kind, self.rows.stored)])[1]

    @property
    def _in_order(self) -> bool:
        """Whether primary keys show the order of records: the database assigns them in the order of the lines."""
        return isinstance(self.load.source.model._meta.pk, models.IntegerField)

    def _expected(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where the records of *rows* are expected: after the previous unchanged row, and before the next."""
        if not self._in_order:
            return np.full(len(rows), NOWHERE), np.full(len(rows), NOWHERE)
        neighbors = self.staged.new_rows.neighbors(np.array(self.files)[rows], np.array(self.lines)[rows])
        known = np.unique(np.concatenate([[-1], *(indexes for indexes, _ in neighbors)]))
        keys = self._keys_of(known)
        found = [(keys[np.searchsorted(known, indexes)], offsets) for indexes, offsets in neighbors]
        previous, following = (np.where(keys >= 0, keys - offsets, NOWHERE) for keys, offsets in found)
        return previous, following

    def _keys_of(self, indexes: np.ndarray) -> np.ndarray:
        """Return the primary keys of existing rows by their ascending *indexes*, of which the first is -1, or -1."""
        known, stage = self.staged.known, self.load.stage
        keys = np.full(len(indexes), -1, np.int64)
        stage.add_identities(stage.neighbors, np.stack([known.low[indexes[1:]], known.high[indexes[1:]]]))
        with joins_by_index(few=self.few), connection.chunked_cursor() as cursor:
            cursor.execute(
                f"SELECT r.identity, r.{self.rows.pk} FROM {quoted(stage.neighbors)} n"
                f" JOIN {self.rows.table} r ON r.identity = n.identity"
            )
            while part := cursor.fetchmany(AT_ONCE):
                found = known.indexes(fingerprints.lanes_of(identity for identity, _ in part))
                keys[np.searchsorted(indexes, found)] = [key for _, key in part]
        return keys

    def store(self, candidates: Candidates, pairs: Pairs) -> PairList:
        """Store the pairs in the stage, and return them for the report."""
        if not len(pairs.rows):
            return PairList()
        stage = self.load.stage
        keys = [self.keys[index] for index in pairs.records]
        files, lines = ([values[index] for index in pairs.rows] for values in (self.files, self.lines))
        stage.need(stage.pairs)
        pairs_in_columns = {"pk": keys, "source_file": files, "source_line": lines, "likeness": pairs.likeness}
        with Writer(stage.pairs, list(pairs_in_columns)) as writer:
            writer.write({name: pa.array(values) for name, values in pairs_in_columns.items()})
        analyze(stage.pairs, "pk", "source_file", "source_line")
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {_missing(self.load)} WHERE pk IN (SELECT pk FROM {quoted(stage.pairs)})")
        columns = [column.name for column in self.rows.stored]
        differing = (candidates.rows[pairs.rows] != candidates.records[pairs.records])[:, 1:]
        source = self.load.source.name
        return PairList(source, self.names, columns, keys, files, lines, pairs.likeness, differing)


def _missing(load: SourceLoad) -> str:
    return quoted(load.stage.missing)


def _kind(column: Column) -> pa.DataType:
    """Return the Arrow type of a column to compare: whole numbers and keys as they are, everything else as text."""
    field = column.field
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return pa.int64() if isinstance(field, models.IntegerField) else pa.string()


def _fetched(
    query: str, plain: int, kinds: Sequence[pa.DataType], parameters: Sequence[Any] = ()
) -> tuple[list[list[Any]], Cells]:
    """Return the first *plain* columns of *query* as lists, and the others as arrays of these *kinds*."""
    values: list[list[Any]] = [[] for _ in range(plain)]
    cells: list[list[pa.Array]] = [[pa.array([], kind)] for kind in kinds]
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters or None)
        while rows := cursor.fetchmany(AT_ONCE):
            columns = list(zip(*rows, strict=True))
            for values_of_column, column in zip(values, columns[:plain], strict=True):
                values_of_column.extend(column)
            for chunks, column, kind in zip(cells, columns[plain:], kinds, strict=True):
                chunks.append(pa.array(column, kind))
    return values, [pa.concat_arrays(chunks) for chunks in cells]


def _coded(*tables: Cells) -> tuple[list[np.ndarray], Cells]:
    """Return an array of codes for each table, and the texts of each column by code.

    The same value in the same column has the same code.
    """
    sizes = np.cumsum([len(table[0]) for table in tables])[:-1]
    coded, dictionaries = [], []
    for columns in zip(*tables, strict=True):
        encoded = pa.concat_arrays(columns).dictionary_encode()
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        coded.append(codes.astype(np.int64))
        dictionaries.append(encoded.dictionary.cast(pa.string()))
    return np.split(np.stack(coded, 1), sizes), dictionaries
