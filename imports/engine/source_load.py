"""The part of a run that imports the files of one source: its input, and the results of staging its files."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from datasets.sql.literal_keys import as_literals, literal_keys
from imports.engine.existing_rows import ExistingRows
from imports.engine.exported_rows import ExportParts
from imports.engine.new_rows import NewRows
from imports.engine.rejections import Rejections
from imports.engine.row_states import RowStates
from imports.engine.staging import Stage
from imports.fingerprints import stored
from imports.missing_value_markers import Markers
from imports.models import ImportRun, SourceFile
from imports.readers import Layout, Stored
from imports.sources import CSVSource, Detail, JSONSource, Source, VocabularyColumn
from imports.validation import ValidatedBatch
from imports.vocabularies import TermIndex

Progress = Callable[[int, int], None]  # bytes and rows read since the last call
StartProgress = Callable[[list[SourceFile]], Progress]  # the files to read


@dataclass(frozen=True)
class SourceLoad:
    """The input of one source in a run. Every step receives it, and none changes it."""

    run: ImportRun
    source: Source
    files: list[SourceFile]
    paths: dict[int, Stored]  # stored copies, by file
    resubmissions: dict[int, SourceFile]  # the original files of files with fixed rows
    parts: dict[int, ExportParts]  # the files of each export, by the first of them
    stage: Stage
    layouts: dict[int, Layout] = field(default_factory=dict)  # by file, after detection
    direct: bool = False  # write rows directly into the empty table, with their primary keys

    @property
    def csv_source(self) -> CSVSource:
        """The source. Raises TypeError if its files are not tables."""
        if not isinstance(self.source, CSVSource):
            raise TypeError(f"The files of {self.source.name} are not tables.")
        return self.source

    @property
    def json_source(self) -> JSONSource:
        """The source. Raises TypeError if its files are not documents."""
        if not isinstance(self.source, JSONSource):
            raise TypeError(f"The files of {self.source.name} are not documents.")
        return self.source

    @property
    def file_ids(self) -> list[int]:
        return [file.pk for file in self.files]

    @property
    def files_sql(self) -> str:
        """The primary keys of the load's files, for ``IN (…)``."""
        return as_literals(self.file_ids, f"SELECT id {self._files}")

    @property
    def names_query(self) -> str:
        """An SQL query for the names of the load's files."""
        return f"SELECT name {self._files}"

    @cached_property
    def known_files_sql(self) -> str:
        """The primary keys of all files with these names, in this run and in earlier ones, for ``IN (…)``."""
        named = f"source = '{self.source.name}' AND name IN ({self.names_query})"
        return literal_keys(f"SELECT id FROM source_files WHERE {named}")

    @property
    def corrected_sql(self) -> str:
        """The condition that r, a record without a key from files with these names, was corrected.

        Because of the plus, SQLite uses the index of the corrected records instead of reading all records of the files.
        """
        return f"r.corrections IS NOT NULL AND +r.changed_in_id IN ({self.known_files_sql})"

    @property
    def _files(self) -> str:
        return f"FROM source_files WHERE run_id = {self.run.pk} AND source = '{self.source.name}'"

    @property
    def read_files(self) -> list[SourceFile]:
        """The files to read. An export with several parts is read only once."""
        parts = {file.pk for first, parts in self.parts.items() for file in parts.files.values() if file.pk != first}
        return [file for file in self.files if file.pk not in parts]

    @property
    def present(self) -> list[str]:
        """The staged columns that the files contain."""
        if isinstance(self.source, JSONSource):
            return [column.name for column in self.stage.columns]
        layout = self.layouts[self.files[0].pk]
        return [column.name for column in self.stage.columns if column.name in layout.columns]


@dataclass
class Staged:
    """The results of staging the files of one source, counted by file. Later steps read them."""

    load: SourceLoad
    # Rejected documents by file, SHA-256 and line number. Every other source skips them.
    unusable: set[tuple[str, str, int]] = field(repr=False)
    beside: list["Staged"] = field(repr=False)  # the Staged of all sources of this import, in order
    states: RowStates = field(init=False, repr=False)
    rejections: Rejections = field(init=False)
    markers: Markers = field(init=False)
    vocabularies: dict[str, TermIndex] = field(init=False)
    # The stored records of these files. ``fill()`` sets them for a source without a key.
    known: ExistingRows = field(init=False, repr=False)
    usable: Counter[int] = field(default_factory=Counter)
    already_stored: Counter[int] = field(default_factory=Counter)  # rows whose record is stored with the same values
    deleted: Counter[int] = field(default_factory=Counter)  # rows whose record a curator has deleted
    duplicates: Counter[int] = field(default_factory=Counter)  # rows merged into another row of the same record
    notes: list[str] = field(default_factory=list)
    # The valid rows of files with fixed rows: file, line, and the key or the identity.
    resubmitted: list[tuple[Any, ...]] = field(default_factory=list, repr=False)
    new_rows: NewRows = field(default_factory=NewRows, repr=False)  # of a source without a key, if it has records
    next_key: int = 1  # next primary key of rows that are written directly into the table

    def __post_init__(self) -> None:
        source = self.load.source
        self.states = RowStates(source, self.load.files, self.load.resubmissions)
        self.rejections, self.markers = Rejections(source, self.states), Markers(source)
        details = source.columns_of(Detail)
        self.vocabularies = {
            column.name: TermIndex(column.model, column.name, [d.attribute for d in details if d.of == column.name])
            for column in source.columns_of(VocabularyColumn)
        }

    def read(self, file: SourceFile) -> int:
        """Return the number of rows of *file* that have been read."""
        return self.usable[file.pk] + self.rejections.count(file)

    def keep_fixed(self, files: Iterable[int], lines: Iterable[int], checked: ValidatedBatch) -> None:
        """Store the key or identity of each valid row, to find the record that is created from a fixed row."""
        keys = [checked.values[name].to_pylist() for name in self.load.source.key]
        if checked.lanes is not None:
            keys = [stored(checked.lanes).to_pylist()]
        rows = zip(files, lines, *keys, strict=True)
        self.resubmitted += [row for row in rows if row[0] in self.load.resubmissions]


def empty_staged(loads: Iterable[SourceLoad]) -> list[Staged]:
    """Return an empty Staged for each of *loads*."""
    unusable: set[tuple[str, str, int]] = set()
    beside: list[Staged] = []
    beside += (Staged(load, unusable, beside) for load in loads)
    return beside
