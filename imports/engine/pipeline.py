"""Read, validate and stage the rows of files as a pipeline, in which each step works one batch ahead of the next."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.sql.dialect import pk_column
from imports import fingerprints
from imports.engine import mostly_rejected
from imports.engine.existing_rows import ExistingRows
from imports.engine.exported_rows import ExportValidator
from imports.engine.fixed_rows import batches_of
from imports.engine.json_documents import documents
from imports.engine.source_load import Progress, SourceLoad, Staged
from imports.engine.staging import Writer
from imports.masking import masked_value_refused
from imports.models import SourceFile
from imports.readers import Batch, ahead
from imports.row_problems import MaskedValueError
from imports.sources import JSONSource, Many, VocabularyColumn
from imports.validation import BatchValidator, ValidatedBatch

ROWS_AT_ONCE = 25_000

# The columns with the file and line number of a row: in the stage, and in its table.
STAGED_FROM = ("source_file", "source_line")
FROM_FILE = ("created_in_id", "created_line", "changed_in_id", "changed_line")


def fill(staged: Staged, progress: Progress, first_key: int = 1) -> None:
    """Stage the valid rows of the source's files, except rows without a key that are already stored.

    Rows that are written directly into the table get primary keys starting at *first_key*.
    """
    load = staged.load
    staged.next_key = first_key
    if not load.source.key:
        staged.known = ExistingRows(load.source, load.known_files_sql, exported=bool(load.parts))
    with Writer(load.source.name, _table_columns(load)) if load.direct else load.stage.writer() as writer:
        batches = documents(staged, progress) if isinstance(load.source, JSONSource) else _tables(staged, progress)
        with _threads_taking_turns():
            for file_ids, checked in batches:
                _write(staged, writer, file_ids, checked, progress)
    if not load.direct:
        load.stage.finish()


_turns = threading.Lock()
_filling = 0  # number of imports in this process that are staging rows
USUALLY, IN_TURNS = sys.getswitchinterval(), 0.0002  # seconds


@contextmanager
def _threads_taking_turns() -> Iterator[None]:
    """Let the threads of the reader, validator and writer switch every 0.2 ms, instead of Python's 5 ms.

    Each thread spends most of its time in Arrow or waiting for the server, so importing a million rows takes an eighth
    less time.
    """
    _count_filling(1)
    try:
        yield
    finally:
        _count_filling(-1)


def _count_filling(more: int) -> None:
    global _filling
    with _turns:
        _filling += more
        sys.setswitchinterval(IN_TURNS if _filling else USUALLY)


def _tables(staged: Staged, progress: Progress) -> Iterator[tuple[np.ndarray, ValidatedBatch]]:
    load = staged.load
    for file in load.read_files:
        layout = load.layouts[file.pk]
        names = layout.header or list(load.source.bound)
        args = load.source, layout.columns, list(names), file.name, staged.vocabularies, staged.markers
        stored = None if load.source.key else staged.known
        fixed = file.pk in load.resubmissions
        parts = load.parts.get(file.pk)
        validator = (partial(ExportValidator, parts) if parts else BatchValidator)(*args, fixed=fixed, stored=stored)
        batches = ahead(batches_of(load, file))
        before = rows = 0
        for checked in ahead(_validated(validator, file, batches), check=partial(progress, 0, 0)):
            files = np.full(len(checked.lines), file.pk) if checked.files is None else checked.files
            staged.usable.update(_counted(files))
            if fixed:
                staged.keep_fixed(files.tolist(), checked.lines.tolist(), checked)
            rows += len(checked.lines) + len(checked.rejections)
            if staged.rejections.add(file, checked.rejections, rows):
                mostly_rejected.stop(staged, file, checked.last_line, progress)
            progress(checked.bytes_read - before, len(checked.lines) + len(checked.rejections))
            before = checked.bytes_read
            yield files, checked


def _validated(validator: BatchValidator, file: SourceFile, batches: Iterable[Batch]) -> Iterator[ValidatedBatch]:
    for batch in batches:
        try:
            yield validator.check(batch)
        except MaskedValueError as error:
            raise masked_value_refused(file, int(batch.lines[error.row]), error) from None


def _table_columns(load: SourceLoad) -> list[str]:
    return [
        pk_column(load.source.model),
        *FROM_FILE,
        "identity",
        *(column.stored_as for column in load.stage.columns if column.name in load.present),
    ]


def _counted(files: np.ndarray) -> dict[int, int]:
    return dict(zip(*(each.tolist() for each in np.unique(files, return_counts=True)), strict=True))


def _write(staged: Staged, writer: Writer, file_ids: np.ndarray, checked: ValidatedBatch, progress: Progress) -> None:
    """Stage the new rows of a batch, or all rows if the source has a key."""
    load = staged.load
    if checked.lanes is not None:
        new, deleted, indexes = staged.known.look_up(checked.lanes)
        if len(staged.known):
            staged.new_rows.add(file_ids, checked.lines, new, indexes)
        staged.already_stored.update(_counted(file_ids[~new]))
        staged.deleted.update(_counted(file_ids[deleted]))
        checked, file_ids = (checked, file_ids) if new.all() else (checked.only(new), file_ids[new])
    if not len(checked.lines):
        return
    files, lines = pa.array(file_ids), pa.array(checked.lines)
    if any(len(vocabulary.names) > len(vocabulary.keys) for vocabulary in staged.vocabularies.values()):
        writer.pause()  # the same connection is used to reserve keys for new terms
    rows = _columns(staged, checked, files, lines)
    for start in range(0, len(lines), ROWS_AT_ONCE):
        progress(0, 0)  # may raise ImportCancelledError
        writer.write({name: values.slice(start, ROWS_AT_ONCE) for name, values in rows.items()})
    for column in load.source.columns_of(Many):
        if column.name in checked.members:  # the file may lack the column
            writer.pause()
            _write_members(load.stage.members(column), checked.members[column.name], files, lines)


def _columns(staged: Staged, checked: ValidatedBatch, files: pa.Array, lines: pa.Array) -> dict[str, pa.Array]:
    """Return the columns to write: those of the stage or those of the table."""
    load = staged.load
    rows = dict(zip(FROM_FILE if load.direct else STAGED_FROM, (files, lines) * 2, strict=False))
    for column in load.stage.columns:
        values = checked.values.get(column.name)
        if values is None:
            values = pa.nulls(len(lines), column.kind.type)
        if isinstance(column, VocabularyColumn):
            vocabulary = staged.vocabularies[column.name]
            vocabulary.used.update(pc.unique(values.drop_null()).to_pylist())
            values = pa.array(vocabulary.keys_so_far()).take(values.cast(pa.int64()))
        rows[column.stored_as if load.direct else column.name] = values
    if checked.lanes is not None:
        rows["identity"] = fingerprints.stored(checked.lanes)
    if load.direct:
        rows[pk_column(load.source.model)] = pa.array(np.arange(staged.next_key, staged.next_key + len(lines)))
        staged.next_key += len(lines)
    return rows


def _write_members(table: str, members: pa.ListArray, files: pa.Array, lines: pa.Array) -> None:
    """Stage the members of each row's list, with the row's file and line number."""
    parents = members.value_parent_indices()
    columns = {"source_file": files.take(parents), "source_line": lines.take(parents), "member": members.flatten()}
    with Writer(table, list(columns)) as writer:
        writer.write(columns)
