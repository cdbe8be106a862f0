"""Sources: declarations of files and their columns, comparable to a ModelForm for a request."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import models

from datasets.fields import related_model
from datasets.models import ContentRecord, Record, Vocabulary
from datasets.records.columns import columns_of
from datasets.registry import dataset_apps
from imports.cell_types import DocumentCell
from imports.file_columns import Column, Detail, Many, Reference, VocabularyColumn, as_cell
from imports.models import SourceFile
from imports.readers import ExpectedColumns
from imports.readers.headers import plain
from imports.readers.tables import without_table_suffix
from imports.written_forms import DateFormat, NumberFormat

__all__ = [
    "CSVSource",
    "Column",
    "DateFormat",
    "Detail",
    "DocumentError",
    "JSONRecords",
    "JSONSource",
    "Many",
    "NumberFormat",
    "Reference",
    "Row",
    "Source",
    "VocabularyColumn",
    "as_cell",
    "dataset_apps",
    "name_in",
    "sources_of",
]


C = TypeVar("C", bound=Column)


class Source:
    """A table and the files that it is filled from.

    ``file`` is a pattern, or several patterns, of file names. ``named`` has further patterns, which apply only to files
    given by name and not to files found in a folder. ``columns`` overrides columns. By default, each model field is a
    column of the same name. ``key`` names the columns that identify a record. Without a key, records are identified by
    their content. ``missing`` has the strings that mean a missing value, in addition to an empty cell.

    Without a key, an import pairs edited rows with their records. ``identity_hint`` names the columns that never
    change. ``pairing_threshold`` is the evidence that a pair needs, in bits; see imports.engine.pairing.
    """

    file: str | tuple[str, ...]
    named: tuple[str, ...] = ()
    model: type[Record]
    key: Sequence[str] = ()
    columns: Mapping[str, Column] = {}
    missing: tuple[str, ...] = ()
    identity_hint: Sequence[str] = ()
    pairing_threshold: float = 10.0

    def __init__(self) -> None:
        if bool(self.key) == issubclass(self.model, ContentRecord):
            raise ImproperlyConfigured(
                f"{type(self).__name__}: a ContentRecord has no key; any other Record has a key."
            )
        if unknown := set(self.identity_hint) - set(self.bound):
            raise ImproperlyConfigured(
                f"{type(self).__name__}: identity_hint names {sorted(unknown)}, which are not columns."
            )

    @property
    def name(self) -> str:
        """The name of the table, which reports show as the source."""
        return self.model._meta.db_table

    @cached_property
    def bound(self) -> dict[str, Column]:
        """The columns by name, in the order of a file without a header."""
        columns = dict(self.columns)
        declared = {column.field_name or name for name, column in columns.items()}
        fields = [f for f in self.model._meta.concrete_fields if f.name not in PROVENANCE and not _is_generated(f)]
        order = {field.name: index for index, field in enumerate(fields)}
        for field in fields:
            if field.name not in declared:
                is_vocabulary = field.is_relation and issubclass(related_model(field), Vocabulary)
                columns[field.name] = VocabularyColumn() if is_vocabulary else Column()
        bound = {name: column.bind(name, self.model) for name, column in columns.items()}
        _add_export_headings(self.model, bound)
        # The sort is stable, so a Detail follows its column, and the other columns keep the model's order.
        return dict(sorted(bound.items(), key=lambda item: order.get(item[1].field.name, len(order))))

    def columns_of(self, kind: type[C]) -> list[C]:
        return [column for column in self.bound.values() if type(column) is kind]

    @cached_property
    def spellings(self) -> dict[str, str]:
        """The names of the columns by each accepted header, in its plain form."""
        return {plain(text): name for name, column in self.bound.items() for text in (name, *column.names)}

    @cached_property
    def references(self) -> dict[str, Reference]:
        """The columns that refer to records of other tables, by name."""
        return {name: column for name, column in self.bound.items() if isinstance(column, Reference)}

    @cached_property
    def key_columns(self) -> list[Column]:
        return [self.bound[name] for name in self.key]

    def fits_name(self, path: Path, *, outright: bool = False) -> bool:
        """Return whether the name of *path* matches this source. *outright* means that the file was given by name."""
        patterns = ((self.file,) if isinstance(self.file, str) else self.file) + (self.named if outright else ())
        return any(fnmatch.fnmatchcase(path.name.lower(), pattern.lower()) for pattern in patterns)

    def known_as(self, path: Path) -> str:
        """Return the name of a file, which must be the same in every import."""
        return path.name

    def folder_of(self, path: Path) -> Path:
        """Return the parent folder of the path that :meth:`known_as` names.

        This folder distinguishes files with the same name.
        """
        return path.parent


class CSVSource(Source):
    """A source whose files are tables: delimited text, Parquet, Feather, or JSON objects."""

    headerless: bool = False  # whether a file may lack a header; its columns are then in the order of ``bound``
    comment: str | None = None  # prefix of lines to skip

    def fits_name(self, path: Path, *, outright: bool = False) -> bool:
        """Return whether the name of *path*, or the name that it would have as a CSV file, matches this source."""
        as_csv = path.with_name(without_table_suffix(path.name))
        return any(super(CSVSource, self).fits_name(name, outright=outright) for name in (path, as_csv))

    @cached_property
    def expected(self) -> ExpectedColumns:
        return ExpectedColumns(
            names={name: column.names for name, column in self.bound.items()},
            required=frozenset(name for name, column in self.bound.items() if column.required),
            key=frozenset(self.key),
            headerless=self.headerless,
            comment=self.comment,
            documents=frozenset(name for name, column in self.bound.items() if isinstance(column.kind, DocumentCell)),
            dictionaries=frozenset(
                n for n, c in self.bound.items() if isinstance(c, VocabularyColumn) or c.field.choices
            ),
        )


class DocumentError(Exception):
    """A document that a source cannot convert to a row. The message states the reason."""


@dataclass
class Row:
    """The values of a record in a document, by column, with the document's SourceFile and line number.

    *name* is the name of the document (see :func:`name_in`).
    """

    file: SourceFile
    line: int
    values: dict[str, Any]
    name: str


def name_in(file: str, number: int) -> str:
    """Return the name of a document in *file*: the file's name, with ``#number`` for all documents except the first."""
    return file if number == 1 else f"{file}#{number}"


class JSONSource(Source):
    """A source whose files contain JSON documents, each of which becomes one row.

    If several documents may describe the same record, ``settles`` is true and :meth:`settle` chooses the row to merge.
    Such a source cannot have vocabulary columns or many-to-many references.
    """

    settles: bool = False

    def row(self, document: Any, name: str) -> Mapping[str, Any]:
        """Return the values of *document*, named *name*, by column. Raises DocumentError if there are none."""
        raise NotImplementedError

    def settle(self, rows: list[Row]) -> tuple[list[Row], list[str]]:
        """Return one row to merge for each record in *rows*, and notes for the run's report."""
        raise NotImplementedError

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the *values* of ``row()`` converted to the columns' types, with None for invalid values."""
        return {name: column.value_of(values.get(name)) for name, column in self.bound.items()}


class JSONRecords(JSONSource):
    """A source whose documents are objects with a property for each column."""

    def row(self, document: Any, name: str) -> dict[str, Any]:
        if not isinstance(document, dict):
            raise DocumentError("is not an object with a property for each column")
        spelled = {column.name: (column.name, *column.names) for column in self.bound.values()}
        return {
            column: next((document[heading] for heading in headings if heading in document), None)
            for column, headings in spelled.items()
        }


PROVENANCE = {"identity", *(f.name for f in Record._meta.fields)}


def _add_export_headings(model: type[models.Model], columns: dict[str, Column]) -> None:
    """Add the header of each column in this site's exports to the column's accepted headers."""
    taken = {spelling for name, column in columns.items() for spelling in (name, *column.names)}
    listed = {column.path: column.name for column in columns_of(model)}
    for column in columns.values():
        heading = listed.get(column.exported_path)
        if heading and heading not in taken:
            column.names = (*column.names, heading)


def _is_generated(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.AutoField) or field.generated


def sources_of(dataset: str) -> list[Source]:
    """Return a dataset's sources in declaration order: parent tables before the tables that refer to them."""
    module = import_module(f"{dataset_apps()[dataset].name}.sources")
    declared = (item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Source))
    return [source() for source in declared if source.__module__ == module.__name__ and hasattr(source, "model")]
