"""A table as we export it, as a source of an import: what we write, we read."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from django.apps import apps
from django.db import models

from datasets.models import Lookup, MaterializedView
from datasets.records.columns import columns_of
from datasets.records.personal_data import MASK_MARK
from exports.formula_escaping import MARK
from imports.readers import Expected, ReadError, find_layout
from imports.readers.dialect import plain
from imports.sources import Column, CSVSource, JSONSource, Many, Source

DERIVED = (Lookup, MaterializedView)  # tables that no file fills by itself
FILE, LINE = "changed_in_file", "changed_line"  # the columns that say which file a record is from, and which line


class ExportedTable(CSVSource):
    """The table of another source, as an export writes it; of a source of documents, too.

    Nothing but an empty cell is missing. A column of the export that no source needs is passed over: what it holds
    follows from the others.
    """

    def __init__(self, of: Source):
        self.of, self.model, self.key, self.columns = of, of.model, of.key, of.columns
        self.file = f"{of.name}*.csv"
        super().__init__()

    @cached_property
    def bound(self) -> dict[str, Column]:
        bound = super().bound
        for column in bound.values():
            column.required = column.required and not isinstance(column, Many)  # there may be none
        return bound

    @cached_property
    def expected(self) -> Expected:
        expected = super().expected
        many = {column.name for column in self.columns_of(Many)}
        return replace(expected, required=expected.required | many, passed_over=self.listed - {*_spellings(self)})

    @cached_property
    def listed(self) -> frozenset[str]:
        """The headings that an export of the table may have."""
        return frozenset(plain(column.name) for column in columns_of(self.model))


def _spellings(source: Source) -> Iterable[str]:
    return (plain(name) for column in source.bound.values() for name in (column.name, *column.names))


def exported_table(path: Path, sources: Iterable[Source], encoding: str) -> ExportedTable | None:
    """Return the one of the sources' tables of which the file is an export; None where it is of none.

    Such a file says of each record which file it is from. Of a source of documents, whose own files are no tables, a
    file of some of the table's columns is one, too.
    """
    found = []
    for source in sources:
        table = ExportedTable(source)
        try:
            layout = find_layout(path, table.expected, encoding=encoding, allow_missing=True)
        except ReadError:
            continue
        headings = {plain(cell) for cell in layout.header or ()}
        whole = headings <= table.listed | {MARK, MASK_MARK}
        if FILE in headings or (isinstance(source, JSONSource) and whole):
            found.append((len(headings & table.listed), len(found), table))
    return max(found)[2] if found else None


def instead(path: Path, sources: list[Source], encoding: str) -> str:
    """Return a sentence that says what to import where a file is an export of a view or a vocabulary, else nothing."""
    tables = apps.get_app_config(sources[0].model._meta.app_label).get_models()
    fitting = [model for model in tables if issubclass(model, DERIVED) and _holds(path, model, encoding)]
    if not fitting:
        return ""
    fitting = [model for model in fitting if path.name.lower().startswith(model._meta.db_table)] or fitting
    names = " or ".join(str(model._meta.verbose_name_plural) for model in fitting)
    if issubclass(fitting[0], MaterializedView):
        others = " and ".join(source.name for source in sources)
        return f"It is an export of {names}, a view that is computed from other tables: import {others} instead."
    using = [s.name for s in sources if any(f.related_model in fitting for f in s.model._meta.concrete_fields)]
    others = " and ".join(using)
    return f"It is an export of {names}, a vocabulary that imports of other tables fill: import {others} instead."


def _holds(path: Path, model: type[models.Model], encoding: str) -> bool:
    """Tell whether the columns of a file are those of *model*'s list, or at least two of them."""
    names = {column.name: () for column in columns_of(model)}
    try:
        layout = find_layout(path, Expected(names, frozenset()), encoding=encoding)
    except ReadError:
        return False
    unknown = {plain(heading) for heading in layout.unknown} - {MARK, MASK_MARK}
    return not unknown and len(layout.columns) > 1
