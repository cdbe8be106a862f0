"""What a file holds and what its cells mean: a Source is to a file what a ModelForm is to a request."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db import models

from datasets.models import ContentRecord, Lookup, Record
from datasets.records.columns import columns_of
from datasets.registry import dataset_apps
from imports.file_columns import Column, Detail, LookUp, Many, Reference, as_cell
from imports.models import SourceFile
from imports.readers import Expected

__all__ = [
    "CSVSource",
    "Column",
    "Detail",
    "JSONSource",
    "LookUp",
    "Many",
    "Reference",
    "Row",
    "Source",
    "DocumentError",
    "as_cell",
    "dataset_apps",
    "name_in",
    "sources_of",
]


class Source:
    """One table that a dataset's files fill.

    ``file`` is the pattern, or patterns, of the files' names; ``named`` are patterns of more names, which count only
    for a file that is named itself and not found in a folder. ``columns`` says what differs from the model's fields;
    each other field is a column of its own name. ``key`` names the columns by which a file knows its records; without
    one they are known by content. ``missing`` are ways to write that a value is missing, beside an empty cell.
    """

    file: ClassVar[str | tuple[str, ...]]
    named: ClassVar[tuple[str, ...]] = ()
    model: ClassVar[type[Record]]
    key: ClassVar[tuple[str, ...] | list[str]] = ()
    columns: ClassVar[Mapping[str, Column]] = {}
    missing: ClassVar[tuple[str, ...]] = ()

    def __init__(self):
        if bool(self.key) == issubclass(self.model, ContentRecord):
            raise ImproperlyConfigured(f"{type(self).__name__}: a ContentRecord has no key, any other Record has one.")

    @property
    def name(self) -> str:
        """The table's name, by which reports speak of the source."""
        return self.model._meta.db_table

    @cached_property
    def bound(self) -> dict[str, Column]:
        """The columns by name, in the order that a file without a header has them."""
        columns = dict(self.columns)
        claimed = {column.field_name or name for name, column in columns.items()}
        mine = [f for f in self.model._meta.concrete_fields if f.name not in PROVENANCE and not _given_by_database(f)]
        order = {field.name: place for place, field in enumerate(mine)}
        for field in mine:
            if field.name not in claimed:
                is_lookup = field.is_relation and issubclass(field.related_model, Lookup)
                columns[field.name] = LookUp() if is_lookup else Column()
        bound = {name: column.bind(name, self) for name, column in columns.items()}
        _accept_headings_of_exports(self.model, bound)
        # A Detail stands behind the column that it is of; sorting is stable, so the others keep the model's order.
        return dict(sorted(bound.items(), key=lambda item: order.get(item[1].field.name, len(order))))

    def columns_of(self, kind: type[Column]) -> list[Column]:
        return [column for column in self.bound.values() if type(column) is kind]

    @cached_property
    def key_columns(self) -> list[Column]:
        return [self.bound[name] for name in self.key]

    def fits_name(self, path: Path, *, outright: bool = False) -> bool:
        """Tell whether a file called so is one of this source's; *outright* where it was named itself."""
        patterns = ((self.file,) if isinstance(self.file, str) else self.file) + (self.named if outright else ())
        return any(fnmatch.fnmatchcase(path.name.lower(), pattern.lower()) for pattern in patterns)

    def known_as(self, path: Path) -> str:
        """Return the name by which a file is known from one import to the next."""
        return path.name

    def folder_of(self, path: Path) -> Path:
        """Return the folder that holds what :meth:`known_as` names, by which files of one name are told apart."""
        return path.parent


class CSVSource(Source):
    """A source whose files are tables of text."""

    headerless: ClassVar[bool] = False  # the file may come without a header, its columns in the order of ``bound``
    comment: ClassVar[str | None] = None  # lines that begin so are passed over

    @cached_property
    def expected(self) -> Expected:
        return Expected(
            names={name: column.names for name, column in self.bound.items()},
            required=frozenset(name for name, column in self.bound.items() if column.required),
            key=frozenset(self.key),
            headerless=self.headerless,
            comment=self.comment,
            dictionaries=frozenset(n for n, c in self.bound.items() if isinstance(c, LookUp) or c.field.choices),
        )


class DocumentError(Exception):
    """A document of which a source can make no row: a sentence that says what is wrong with it."""


@dataclass
class Row:
    """What one document says of a record: values by column, and the file (a SourceFile) and line it comes from.

    *name* is what the document is known by.
    """

    file: SourceFile
    line: int
    values: dict[str, Any]
    name: str


def name_in(file: str, place: int) -> str:
    """Return what a document of the file known as *file* is known by: the first by that name, others by place too."""
    return file if place == 1 else f"{file}#{place}"


class JSONSource(Source):
    """A source whose files are JSON documents, each of which gives a row.

    Where several documents may speak of one record, ``settles`` is true and :meth:`settle` says what is merged of
    them; such a source has neither look-up values nor references to many.
    """

    settles: ClassVar[bool] = False

    def row(self, document: Any, name: str) -> Mapping[str, Any]:
        """Return the values of *document*, known as *name*, by column; raises DocumentError."""
        raise NotImplementedError

    def settle(self, rows: list[Row]) -> tuple[list[Row], list[str]]:
        """Return one of *rows* for each record, holding what is to be merged, and notes for the run's report."""
        raise NotImplementedError

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return *values*, as row() gives them, as what they stand for; None for one that stands for nothing."""
        return {name: column.value_of(values.get(name)) for name, column in self.bound.items()}


PROVENANCE = {"identity", *(f.name for f in Record._meta.fields)}


def _accept_headings_of_exports(model: type[models.Model], columns: dict[str, Column]) -> None:
    """Let each of the *columns* be called as our export of its values is, too."""
    taken = {spelling for name, column in columns.items() for spelling in (name, *column.names)}
    listed = {column.path: column.name for column in columns_of(model)}
    for column in columns.values():
        heading = listed.get(column.exported_path)
        if heading and heading not in taken:
            column.names = (*column.names, heading)


def _given_by_database(field: models.Field) -> bool:
    return isinstance(field, models.AutoField) or field.generated


def sources_of(dataset: str) -> list[Source]:
    """Return a dataset's sources, parents before those that refer to them, as its module declares them."""
    module = import_module(f"{dataset_apps()[dataset].name}.sources")
    declared = (item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Source))
    return [source() for source in declared if source.__module__ == module.__name__ and hasattr(source, "model")]
