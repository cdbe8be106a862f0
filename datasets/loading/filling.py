"""From files to a stage: read, check, stage, each a step ahead of the next."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa

from datasets import identity
from datasets.checking import Checked, Checker
from datasets.loading import masks, mostly_rejected
from datasets.loading.documents import documents
from datasets.loading.exports import ExportChecker, Parts
from datasets.loading.known import Known
from datasets.loading.mended import batches_of
from datasets.loading.rejections import Rejections
from datasets.markers import Markers
from datasets.models import SourceFile
from datasets.reading import Layout, StoredFile, ahead
from datasets.sources import Detail, JSONSource, LookUp, Many, Source
from datasets.staging import Stage, Writer
from datasets.vocabularies import Vocabulary

Progress = Callable[[int, int], None]  # bytes read, rows read, since it was called last

ROWS_AT_ONCE = 25_000

# Where a row says which file and line it is from: in the stage, and in its table.
STAGED_FROM = ("source_file", "source_line")
FROM_FILE = ("created_in_id", "created_line", "changed_in_id", "changed_line")


@dataclass
class SourceRun:
    """One source in one run: its files, and what has become of their rows so far."""

    source: Source
    files: list[SourceFile]
    paths: dict[int, StoredFile]  # the kept bytes, by file
    # Documents that a source has rejected, by file, sha256 and line: no other source takes anything from them.
    unusable: set[tuple[str, str, int]]
    stage: Stage = field(init=False)
    rejections: Rejections = field(init=False)
    markers: Markers = field(init=False)
    vocabularies: dict[str, Vocabulary] = field(init=False)
    layouts: dict[int, Layout] = field(default_factory=dict)
    staged: Counter[int] = field(default_factory=Counter)  # rows that were usable, by file
    direct: bool = False  # rows go straight into the table, which is empty, with their keys
    next_key: int = 1
    kept: Counter[int] = field(default_factory=Counter)  # rows whose record somebody has deleted by hand, by file
    passed_over: Counter[int] = field(default_factory=Counter)  # rows that are known to be stored, by file
    known: Known | None = None  # the records of these files, for a source without a key
    repeated: Counter[int] = field(default_factory=Counter)  # rows of a record that another row speaks for, by file
    notes: list[str] = field(default_factory=list)
    beside: list["SourceRun"] = field(default_factory=list, repr=False)  # all of this import, in order
    mended: dict[int, SourceFile] = field(default_factory=dict)  # files that hold mended rows, and of which others
    parts: dict[int, Parts] = field(default_factory=dict)  # of an export, by the first of its files
    deletions: list[int] = field(default_factory=list)  # Changes that deleted records which the files still have

    def __post_init__(self):
        self.stage, self.rejections, self.markers = Stage(self.source), Rejections(self.source), Markers(self.source)
        details = self.source.columns_of(Detail)
        self.vocabularies = {
            column.name: Vocabulary(column.model, column.name, [d.attribute for d in details if d.of == column.name])
            for column in self.source.columns_of(LookUp)
        }

    @property
    def file_ids(self) -> list[int]:
        return [file.pk for file in self.files]

    @property
    def files_query(self) -> str:
        """A query of the keys of its files, however many there are."""
        return f"SELECT id FROM source_files WHERE run_id = {self.files[0].run_id} AND source = '{self.source.name}'"

    @property
    def names_query(self) -> str:
        """A query of the names of its files."""
        return self.files_query.replace("SELECT id", "SELECT name", 1)

    @property
    def known_files_query(self) -> str:
        """A query of the keys of all files, of this run and of others, that are known by these names."""
        return f"SELECT id FROM source_files WHERE source = '{self.source.name}' AND name IN ({self.names_query})"

    @property
    def read_files(self) -> list[SourceFile]:
        """The files without those that are parts of an export, which is read once."""
        parts = {file.pk for first, parts in self.parts.items() for file in parts.files.values() if file.pk != first}
        return [file for file in self.files if file.pk not in parts]

    @property
    def present(self) -> list[str]:
        """The staged columns that the files have."""
        if isinstance(self.source, JSONSource):
            return [column.name for column in self.stage.columns]
        layout = self.layouts[self.files[0].pk]
        return [column.name for column in self.stage.columns if column.name in layout.columns]


def fill(run: SourceRun, progress: Progress) -> None:
    """Bring every usable row of the source's files to its stage, but for rows that are known to be stored."""
    if not run.source.key:
        run.known = Known(run.source, run.known_files_query, exported=bool(run.parts))
    with Writer(run.source.name, _table_columns(run)) if run.direct else run.stage.writer() as writer:
        batches = documents(run, progress) if isinstance(run.source, JSONSource) else _tables(run, progress)
        with _threads_taking_turns():
            for file_ids, checked in batches:
                _write(run, writer, file_ids, checked, progress)
    if not run.direct:
        run.stage.finish()


_turns = threading.Lock()
_filling = 0  # how many imports of this process are at it
USUALLY, IN_TURNS = sys.getswitchinterval(), 0.0002  # seconds


@contextmanager
def _threads_taking_turns() -> Iterator[None]:
    """Let reader, checker and writer hand over to each other in a fraction of a millisecond, not in Python's five.

    Each is mostly in Arrow or waits for the server; a million rows are filled in an eighth less time.
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


def _tables(run: SourceRun, progress: Progress) -> Iterator[tuple[np.ndarray, Checked]]:
    for file in run.read_files:
        layout = run.layouts[file.pk]
        names = layout.header or list(run.source.bound)
        fixed = file.pk in run.mended
        told = run.source, layout.columns, list(names), file.name, run.vocabularies, fixed, run.markers
        parts = run.parts.get(file.pk)
        checker = ExportChecker(parts, *told) if parts else Checker(*told)
        batches = ahead(batches_of(run, file))
        before = rows = 0
        for checked in ahead(masks.checked(checker, file, batches), check=partial(progress, 0, 0)):
            files = np.full(len(checked.lines), file.pk) if checked.files is None else checked.files
            run.staged.update(_counted(files))
            rows += len(checked.lines) + len(checked.rejections)
            if run.rejections.add(file, checked.rejections, rows):
                mostly_rejected.stop(run, file, checked.last_line, progress)
            progress(checked.bytes_read - before, len(checked.lines) + len(checked.rejections))
            before = checked.bytes_read
            yield files, checked


def _table_columns(run: SourceRun) -> list[str]:
    key = run.source.model._meta.pk.column
    return [
        key,
        *FROM_FILE,
        "identity",
        *(column.stored_as for column in run.stage.columns if column.name in run.present),
    ]


def _counted(files: np.ndarray) -> dict[int, int]:
    return dict(zip(*(each.tolist() for each in np.unique(files, return_counts=True)), strict=True))


def _write(run: SourceRun, writer: Writer, file_ids: np.ndarray, checked: Checked, progress: Progress) -> None:
    """Stage what is new of a batch; of a source with a key, all of it."""
    if run.known:
        new, deleted = run.known.look_up(checked.lanes)
        run.passed_over.update(_counted(file_ids[~new]))
        run.kept.update(_counted(file_ids[deleted]))
        checked, file_ids = (checked, file_ids) if new.all() else (checked.only(new), file_ids[new])
    if not len(checked.lines):
        return
    files, lines = pa.array(file_ids), pa.array(checked.lines)
    if any(len(vocabulary.names) > len(vocabulary.keys) for vocabulary in run.vocabularies.values()):
        writer.pause()  # the keys for new values come over the same connection
    rows = dict(zip(FROM_FILE if run.direct else STAGED_FROM, (files, lines) * 2, strict=False))
    for column in run.stage.columns:
        values = checked.values.get(column.name)
        if values is None:
            values = pa.nulls(len(lines), column.kind.type)
        if isinstance(column, LookUp):
            values = pa.array(run.vocabularies[column.name].keys_so_far()).take(values.cast(pa.int64()))
        rows[column.stored_as if run.direct else column.name] = values
    if checked.lanes is not None:
        rows["identity"] = identity.stored(checked.lanes)
    if run.direct:
        rows[run.source.model._meta.pk.column] = pa.array(np.arange(run.next_key, run.next_key + len(lines)))
        run.next_key += len(lines)
    for start in range(0, len(lines), ROWS_AT_ONCE):
        progress(0, 0)  # which may have it stop
        writer.write({name: values.slice(start, ROWS_AT_ONCE) for name, values in rows.items()})
    for column in run.source.columns_of(Many):
        if column.name not in checked.members:
            continue  # the file has no such column
        members = checked.members[column.name]
        parents = members.value_parent_indices()
        writer.pause()
        with Writer(run.stage.members(column), ["source_file", "source_line", "member"]) as other:
            other.write(
                {"source_file": files.take(parents), "source_line": lines.take(parents), "member": members.flatten()}
            )
