"""Read the files again to get the values of rows that were rejected after staging."""

from collections.abc import Container, Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter

from imports.engine.fixed_rows import batches_of, documents_of
from imports.engine.rejections import Rejections
from imports.engine.source_load import SourceLoad, Staged
from imports.models import Problem, SourceFile
from imports.row_problems import Rejection, distinct
from imports.sources import JSONSource, as_cell, name_in

AT_ONCE = 1000  # rows


def read_late(staged: Staged, late: Iterable[tuple[int, int, list[Problem]]]) -> Rejections:
    """Return the rows that were rejected after staging with their values, identities and states."""
    rows, files = Rejections(staged.load.source, staged.states), {file.pk: file for file in staged.load.files}
    for file, of_file in groupby(_with_values(staged.load, late), key=itemgetter(0)):
        while some := [rejection for _, rejection in islice(of_file, AT_ONCE)]:
            rows.add(files[file], some)
    return rows


def _with_values(
    load: SourceLoad, rejections: Iterable[tuple[int, int, list[Problem]]]
) -> Iterator[tuple[int, Rejection]]:
    """Yield each of *rejections* with the values of its line.

    The stage cannot provide them, because it contains keys instead of the original text.
    """
    read = {part.pk: load.parts[pk].files.values() for pk in load.parts for part in load.parts[pk].files.values()}
    files = {file.pk: next(iter(read.get(file.pk, [file]))) for file in load.files}  # the first part of an export
    by_file: dict[int, dict[int, list[Problem]]] = {}
    parts: dict[tuple[int, int], int] = {}  # the part of each line, by the file that is read
    for file, line, problems in rejections:
        by_file.setdefault(files[file].pk, {}).setdefault(line, []).extend(problems)
        parts[files[file].pk, line] = file
    for file, lines in by_file.items():
        values = _documents if isinstance(load.source, JSONSource) else _rows
        for line, cells in values(load, files[file], lines):
            yield parts[file, line], Rejection(line, cells, lines[line])


def _rows(load: SourceLoad, file: SourceFile, lines: Container[int]) -> Iterator[tuple[int, dict[str, str | None]]]:
    layout = load.layouts[file.pk]
    headings = distinct(layout.header or list(load.source.bound))
    for batch in batches_of(load, file):
        for index, line in enumerate(batch.lines.tolist()):
            if line in lines:
                cells = [column[index].as_py() for column in batch.columns]
                yield line, {h: c.strip(" \t") if c else c for h, c in zip(headings, cells, strict=True)}


def _documents(
    load: SourceLoad, file: SourceFile, lines: Container[int]
) -> Iterator[tuple[int, dict[str, str | None]]]:
    for document in documents_of(load, file):
        if document.line in lines:
            row = load.json_source.row(document.value, name_in(file.name, document.place))
            yield document.line, {name: as_cell(value) for name, value in row.items()}
