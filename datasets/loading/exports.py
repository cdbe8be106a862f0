"""Rows of our own exports: each is of the file that it names, and of the record that holds what it says."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from datasets import identity
from datasets.checking import Checked, Checker
from datasets.dialect import quoted
from datasets.exported import FILE, LINE
from datasets.models import SourceFile
from datasets.naming import LONGEST
from datasets.problems import Rejection
from datasets.reading import Batch, Layout, ReadError, StoredFile, find_layout, read_csv
from datasets.reading.layout import plain
from datasets.sources import Source
from datasets.staging import Writer

if TYPE_CHECKING:
    from datasets.loading.filling import SourceRun
    from datasets.loading.merging import Merge

OF_NONE = " (of no file)"  # behind the name of an export, for rows that name no file
LONGEST_DOCUMENT = 64 << 20  # bytes of a row that holds a JSON document, whose quotes are written twice


class ExportChecker(Checker):
    """Checks the batches of an export, each row of which is of the file that it names."""

    def __init__(self, parts: "Parts", *checker):
        super().__init__(*checker)
        self.parts = parts

    def check(self, batch: Batch) -> Checked:
        which, files = self.parts.of(batch)
        self._which, self._names = which, [file.name for file in files]
        checked = super().check(batch)
        owners = np.array([file.pk for file in files], np.int64)[which]
        checked.files = owners[np.searchsorted(batch.lines, checked.lines)]
        return checked

    def _rejection(self, row: int, batch: Batch, *about) -> Rejection:
        rejection = super()._rejection(row, batch, *about)
        rejection.file = self.parts.files[batch.columns[self.parts.place][row].as_py()].pk
        return rejection

    def _name_terms(self, rows: int) -> np.ndarray:
        return identity.text_terms("file name", self._names)[:, self._which]


@dataclass
class Parts:
    """The files that the rows of an export are from, by name, each a SourceFile of its own; they share its bytes.

    Rows that name no file, such as those of records that a curator made, are of the export itself, named "" here.
    """

    place: int  # of the column that names them
    files: dict[str, SourceFile] = field(default_factory=dict)

    @property
    def own(self) -> SourceFile | None:
        """The SourceFile of rows that name no file."""
        return self.files.get("")

    def of(self, batch: Batch) -> tuple[np.ndarray, list[SourceFile]]:
        """Return which file each row of a batch is of, and these files."""
        names = batch.columns[self.place].dictionary_encode()
        found = [self.files[name] for name in names.dictionary.to_pylist()]
        return names.indices.to_numpy(zero_copy_only=False), found


def parts_of(stored: StoredFile, source: Source, record: SourceFile) -> Parts | None:
    """Return the files that the rows of an export are from, *record* as the first of them; they are not saved yet.

    None where the export does not tell them. Raises ReadError.
    """
    layout = find_layout(stored, source.expected, encoding=record.encoding, allow_missing=True)
    headings = [plain(heading) for heading in layout.header or ()]
    if FILE not in headings:
        return None
    parts, names = Parts(headings.index(FILE)), {}
    for batch in rows_of(stored, layout, source, record.encoding):
        for name in pc.unique(batch.columns[parts.place]).to_pylist():
            names.setdefault(name, int(batch.lines[0]) if len(batch.lines) else 0)
    for name, line in names.items():
        if len(name) > LONGEST:
            raise ReadError(
                f"{record.original_name}, from line {line}: {FILE} has {len(name)} characters. Expected the name of a "
                f"file, of at most {LONGEST}."
            )
    for name in sorted(names):  # "" is the first
        parts.files[name] = _like(record, name) if parts.files else record
        parts.files[name].name = name or f"{record.name[: LONGEST - len(OF_NONE)]}{OF_NONE}"
    return parts if parts.files else None


def rows_of(stored: StoredFile, layout: Layout, source: Source, encoding: str) -> Iterable[Batch]:
    """Return the rows of a table; a row that holds a document may be long."""
    has_documents = any(not column.field.is_relation and _is_document(column) for column in source.bound.values())
    longest = {"longest": LONGEST_DOCUMENT} if has_documents else {}
    return read_csv(stored, layout, source.expected, encoding=encoding, **longest)


def _is_document(column) -> bool:
    return column.field.get_internal_type() == "JSONField"


def _like(record: SourceFile, name: str) -> SourceFile:
    return SourceFile(
        run=record.run,
        source=record.source,
        name=name,
        original_name=record.original_name,
        sha256=record.sha256,
        size=record.size,
        encoding=record.encoding,
    )


def recognise(merge: "Merge") -> None:
    """Take the staged rows out of the stage whose record is stored; of a source without a key.

    A row is the record of its file that holds what it says, be it by a correction; else the one that its file once
    knew by that content, also where a curator has corrected or deleted it since.
    """
    run, stage = merge.run, merge.stage
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {merge.table}), EXISTS (SELECT 1 FROM {merge.staged})")
        if not all(cursor.fetchone()) and not run.known.has_deleted:
            return
        with Writer(stage.unseen, ["identity"]) as writer:
            writer.write({"identity": identity.stored(run.known.unseen())})
        stage.collect(stage.again, _pairs(merge))
        cursor.execute(f"DELETE FROM {quoted(stage.unseen)}")
        cursor.execute(f"SELECT identity FROM {quoted(stage.again)} WHERE identity IS NOT NULL")
        while rows := cursor.fetchmany(50_000):
            run.known.agree(_lanes(rows))
        _take_out(cursor, merge, f"SELECT source_file, source_line FROM {quoted(stage.again)}")
    _claim(merge)


def _pairs(merge: "Merge") -> str:
    """Return the query of staged rows beside the records that hold the same, one for one."""
    run, stage = merge.run, merge.stage
    rest = ", ".join(str(parts.own.pk) for parts in run.parts.values() if parts.own) or "NULL"
    columns = [quoted(column.stored_as) for column in merge.stored]
    return (
        "SELECT s.source_file, s.source_line, c.identity FROM ("
        f"SELECT s.source_file, s.source_line, {_numbered(columns, 's', 's.source_file, s.source_line', rest)}"
        f" FROM {merge.resolved()} s JOIN source_files f ON f.id = s.source_file) s"
        " JOIN ("
        f"SELECT r.identity, {_numbered(columns, 'r', f'r.{merge.pk}', rest)}"
        f" FROM {merge.table} r LEFT JOIN source_files f ON f.id = r.changed_in_id"
        f" WHERE r.identity IN (SELECT identity FROM {quoted(stage.unseen)}) OR r.changed_in_id IS NULL) c"
        " ON c.file = s.file AND c.content = s.content AND c.number = s.number"
    )


def _numbered(columns: list[str], alias: str, order: str, rest: str) -> str:
    """Return the file and the content of a row, as texts, and the how-manieth of these it is."""
    own = f"SELECT name FROM source_files WHERE id IN ({rest})"
    file = f"CASE WHEN f.id IS NULL OR f.name IN ({own}) THEN '' ELSE f.name END"
    if connection.vendor == "postgresql":
        content = f"CAST(ROW({', '.join(f'{alias}.{column}' for column in columns)}) AS text)"
    else:
        content = " || ',' || ".join(f"quote({alias}.{column})" for column in columns)
    number = f"row_number() OVER (PARTITION BY {file}, {content} ORDER BY {order})"
    return f"{file} AS file, {content} AS content, {number} AS number"


def _claim(merge: "Merge") -> None:
    """Take out the rows of records that a curator has corrected or deleted since; no two rows are one record."""
    run, stage = merge.run, merge.stage
    claimed, doubled = [], []
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT identity, source_file, source_line FROM {merge.staged}")
        while rows := cursor.fetchmany(50_000):
            found, free = run.known.claim(_lanes(rows))
            for which, into in ((free, claimed), (found & ~free, doubled)):
                into += [row[1:] for row, there in zip(rows, which, strict=True) if there]
    run.kept.update(file for file, _ in claimed)
    with connection.cursor() as cursor:
        # Rows that are one by one out of a million: such tables are read once.
        for rows, table in ((claimed, stage.first), (doubled, stage.changed)):
            stage.collect(table, f"SELECT source_file, source_line FROM {merge.staged} WHERE 1 = 0")
            with Writer(table, ["source_file", "source_line"]) as writer:
                if rows:
                    files, lines = (pa.array(values) for values in zip(*rows, strict=True))
                    writer.write({"source_file": files, "source_line": lines})
        _take_out(cursor, merge, f"SELECT source_file, source_line FROM {quoted(stage.first)}")
        fresh = "uuid_send(gen_random_uuid())" if connection.vendor == "postgresql" else "randomblob(16)"
        cursor.execute(
            f"UPDATE {merge.staged} SET identity = {fresh} WHERE (source_file, source_line) IN"
            f" (SELECT source_file, source_line FROM {quoted(stage.changed)})"
        )


def line_of(run: "SourceRun", rejection: Rejection) -> int:
    """Return the line that a rejected row has in its file: of a row of an export, the line that it names."""
    if run.parts and isinstance(rejection.values, dict):
        named = rejection.values.get(LINE) or ""
        return int(named) if named.isascii() and named.isdigit() and len(named) < 10 else rejection.line
    return rejection.line


def _take_out(cursor, merge: "Merge", rows: str) -> None:
    for table in (merge.staged, *(quoted(merge.stage.members(column)) for column in merge.many)):
        cursor.execute(f"DELETE FROM {table} WHERE (source_file, source_line) IN ({rows})")


def _lanes(rows: list[tuple]) -> identity.Lanes:
    return np.frombuffer(b"".join(bytes(row[0]) for row in rows), "<u8").reshape(-1, 2).T
