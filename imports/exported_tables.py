"""Use exports of this site as sources of an import, so they can be imported again."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path

from django.apps import apps
from django.db import models

from datasets.models import MaterializedView, Vocabulary
from datasets.records.columns import columns_of
from datasets.records.masking import MASK_MARK
from exports.formula_escaping import MARK
from imports.readers import ExpectedColumns, ReadError, find_layout
from imports.readers.headers import plain
from imports.readers.json_tables import JSONTable
from imports.readers.table_kinds import table_of
from imports.sources import Column, CSVSource, JSONSource, Many, Source

DERIVED = (Vocabulary, MaterializedView)  # models whose tables are not filled directly by imports
FILE, LINE = "changed_in_file", "changed_line"  # columns with the file and line number of a record


class ExportedTable(CSVSource):
    """The table of another source, possibly a source of documents, in the format of Tabularium's exports.

    Only an empty cell means a missing value. Exported columns that the source does not need are ignored, because the
    other columns determine them.
    """

    def __init__(self, of: Source):
        self.of, self.model, self.key, self.columns = of, of.model, of.key, of.columns
        self.file = f"{of.name}*.csv"
        super().__init__()

    @cached_property
    def bound(self) -> dict[str, Column]:
        bound = super().bound
        for column in bound.values():
            column.required = column.required and not isinstance(column, Many)  # a record may have no related records
        return bound

    @cached_property
    def expected(self) -> ExpectedColumns:
        expected = super().expected
        many = {column.name for column in self.columns_of(Many)}
        return replace(expected, required=expected.required | many, passed_over=self.listed - {*_spellings(self)})

    @cached_property
    def listed(self) -> frozenset[str]:
        """The headers that an export of the table can have."""
        return frozenset(plain(column.name) for column in columns_of(self.model))


def _spellings(source: Source) -> Iterable[str]:
    return (plain(name) for column in source.bound.values() for name in (column.name, *column.names))


def exported_table(path: PathLike[str], sources: Iterable[Source], encoding: str) -> ExportedTable | None:
    """Return the table in *sources* of which the file is an export, or None.

    An export names the file of each record. The files of a source of documents are not tables. For such a source, a
    file with some columns of the table also counts as an export, unless it is JSON, as the documents are.
    """
    candidates: list[tuple[int, int, ExportedTable]] = []
    for source in sources:
        table = ExportedTable(source)
        try:
            layout = find_layout(path, table.expected, encoding=encoding, allow_missing=True)
        except ReadError:
            continue
        headings = {plain(cell) for cell in layout.header or ()}
        whole = headings <= table.listed | {MARK, MASK_MARK}
        if FILE in headings or (isinstance(source, JSONSource) and whole and not _is_json(path, encoding)):
            candidates.append((len(headings & table.listed), len(candidates), table))
    return max(candidates)[2] if candidates else None


def _is_json(path: PathLike[str], encoding: str) -> bool:
    return isinstance(table_of(path, encoding), JSONTable)


def derived_table_hint(path: PathLike[str], called: Path, sources: list[Source], encoding: str) -> str:
    """Return a hint about what to import instead of an export of a summary table or a vocabulary, or an empty string.

    *called* is the path of the file under its own name.
    """
    tables = apps.get_app_config(sources[0].model._meta.app_label).get_models()
    fitting = [model for model in tables if issubclass(model, DERIVED) and _holds(path, model, encoding)]
    if not fitting:
        return ""
    fitting = [model for model in fitting if called.name.lower().startswith(model._meta.db_table)] or fitting
    names = " or ".join(str(model._meta.verbose_name_plural) for model in fitting)
    if issubclass(fitting[0], MaterializedView):
        others = " and ".join(source.name for source in sources)
        return f"It is an export of {names}, a summary table derived from other tables. Import {others} instead."
    using = [s.name for s in sources if any(f.related_model in fitting for f in s.model._meta.concrete_fields)]
    others = " and ".join(using)
    return f"It is an export of {names}, a vocabulary that imports of other tables fill. Import {others} instead."


def _holds(path: PathLike[str], model: type[models.Model], encoding: str) -> bool:
    """Return whether the file has only columns of *model*'s list, and at least two."""
    names: dict[str, tuple[str, ...]] = {column.name: () for column in columns_of(model)}
    try:
        layout = find_layout(path, ExpectedColumns(names, frozenset()), encoding=encoding)
    except ReadError:
        return False
    unknown = {plain(heading) for heading in layout.unknown} - {MARK, MASK_MARK}
    return not unknown and len(layout.columns) > 1
