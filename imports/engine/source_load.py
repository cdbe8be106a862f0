"""The part that one source plays in a run: what it is given, and what staging finds in its files."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from imports.engine.existing_rows import Known
from imports.engine.exported_rows import Parts
from imports.engine.rejections import Rejections
from imports.engine.staging import Stage
from imports.missing_value_markers import Markers
from imports.models import ImportRun, SourceFile
from imports.readers import Layout, StoredFile
from imports.sources import Detail, JSONSource, LookUp, Source
from imports.vocabularies import Vocabulary

Progress = Callable[[int, int], None]  # bytes read, rows read, since it was called last


@dataclass(frozen=True)
class SourceLoad:
    """The part of a run that one source plays. Every step takes it; none changes it."""

    run: ImportRun
    source: Source
    files: list[SourceFile]
    paths: dict[int, StoredFile]  # the kept bytes, by file
    mended: dict[int, SourceFile]  # files that hold mended rows, and of which others
    parts: dict[int, Parts]  # of an export, by the first of its files
    stage: Stage
    layouts: dict[int, Layout] = field(default_factory=dict)  # by file, once they are found
    direct: bool = False  # rows go straight into the table, which is empty, with their keys

    @property
    def file_ids(self) -> list[int]:
        return [file.pk for file in self.files]

    @property
    def files_query(self) -> str:
        """A query of the keys of its files, however many there are."""
        return f"SELECT id FROM source_files WHERE run_id = {self.run.pk} AND source = '{self.source.name}'"

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


@dataclass
class Staged:
    """What staging finds in the files of one source, counted by file. Later steps read it."""

    load: SourceLoad
    # Documents that a source has rejected, by file, sha256 and line: no other source takes anything from them.
    unusable: set[tuple[str, str, int]] = field(repr=False)
    beside: list["Staged"] = field(repr=False)  # all of this import, in order
    rejections: Rejections = field(init=False)
    markers: Markers = field(init=False)
    vocabularies: dict[str, Vocabulary] = field(init=False)
    known: Known | None = None  # the records of these files, for a source without a key
    usable: Counter[int] = field(default_factory=Counter)
    passed_over: Counter[int] = field(default_factory=Counter)  # rows that are known to be stored
    deleted: Counter[int] = field(default_factory=Counter)  # rows whose record somebody has deleted by hand
    duplicates: Counter[int] = field(default_factory=Counter)  # rows of a record that another row speaks for
    notes: list[str] = field(default_factory=list)
    next_key: int = 1  # of rows that go straight into the table

    def __post_init__(self):
        source = self.load.source
        self.rejections, self.markers = Rejections(source), Markers(source)
        details = source.columns_of(Detail)
        self.vocabularies = {
            column.name: Vocabulary(column.model, column.name, [d.attribute for d in details if d.of == column.name])
            for column in source.columns_of(LookUp)
        }


def nothing_staged(loads: Iterable[SourceLoad]) -> list[Staged]:
    """Return what staging begins with, for each of *loads*."""
    unusable: set[tuple[str, str, int]] = set()
    beside: list[Staged] = []
    beside += (Staged(load, unusable, beside) for load in loads)
    return beside
