"""Validate rows that a curator has changed in the same way as an import, without importing them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from django.db.models import Model

from datasets.sql.chunks import chunks
from imports.engine.rejections import unknown_reference
from imports.models import Problem
from imports.readers import Batch
from imports.readers.headers import plain
from imports.row_problems import MaskedValueError, distinct, problem
from imports.sources import Many, Source, VocabularyColumn
from imports.validation import BatchValidator, ValidatedBatch
from imports.vocabularies import TermIndex

Cells = Mapping[str, str | None]


def problems_of(
    source: Source, headings: Sequence[str], rows: Sequence[Cells], filled: Collection[type[Model]] = ()
) -> list[list[Problem]]:
    """Return the problems of each of *rows*. Each row has a cell for each of the distinct *headings*.

    References to records of the *filled* models are not checked: the import of the rows creates these records.

    The check covers the cells and the references. Problems that depend on other rows of an import, such as duplicate
    keys, are found only by the import itself.
    """
    named = map(source.spellings.get, map(plain, headings))
    places = {name: index for index, name in enumerate(named) if name}
    vocabularies = {c.name: TermIndex(c.model, c.name) for c in source.columns_of(VocabularyColumn)}
    columns = [pa.array([row.get(name) or "" for row in rows], pa.string()) for name in distinct(headings)]
    batch = Batch(np.arange(len(rows), dtype=np.int32), columns, [], 0)
    problems: list[list[Problem]] = [[] for _ in rows]
    while True:
        validator = BatchValidator(source, places, list(headings), "", vocabularies, fixed=True)
        try:
            checked = validator.check(batch)
            break
        except MaskedValueError as error:
            line = int(batch.lines[error.row])
            problems[line].append(problem(error.column, error.value, "is masked: enter the full value"))
            rest = np.arange(len(batch.lines)) != error.row
            mask = pa.array(rest)
            batch = Batch(batch.lines[rest], [column.filter(mask) for column in batch.columns], [], 0)
    for rejection in checked.rejections:
        problems[rejection.line] += rejection.problems
    _add_unknown_references(source, checked, problems, filled)
    return problems


def _add_unknown_references(
    source: Source, checked: ValidatedBatch, problems: list[list[Problem]], filled: Collection[type[Model]]
) -> None:
    named: dict[str, list[tuple[int, list[Any]]]] = {}
    checked_columns = {name: column for name, column in source.references.items() if column.model not in filled}
    for name, column in checked_columns.items():
        if name in checked.values:
            cells = (checked.members if isinstance(column, Many) else checked.values)[name].to_pylist()
            values = [cell if isinstance(cell, list) else [cell] for cell in cells]
            named[name] = list(zip(checked.lines.tolist(), values, strict=True))
    for rejection in checked.rejections:
        for name in rejection.references.keys() & checked_columns.keys():
            named.setdefault(name, []).append((rejection.line, rejection.references[name]))
    for name, of_rows in named.items():
        column = source.references[name]
        wanted = {value for _, values in of_rows for value in values} - {None}
        known: set[Any] = set()
        for chunk in chunks(sorted(wanted, key=str)):
            records = column.model._default_manager.filter(**{f"{column.by}__in": chunk})
            known.update(records.values_list(column.by, flat=True))
        for line, values in of_rows:
            problems[line] += [unknown_reference(column, str(v)) for v in values if v is not None and v not in known]
