"""Rows that only the tables could turn down, with their values, which are read from the file once more."""

from collections.abc import Iterator

from datasets.checking import Rejection
from datasets.loading.filling import SourceRun
from datasets.loading.mended import batches_of, documents_of
from datasets.models import SourceFile
from datasets.problems import distinct
from datasets.sources import JSONSource, as_cell, name_in


def with_values(run: SourceRun) -> Iterator[tuple[int, Rejection]]:
    """Yield each of them with the values of its line: a stage holds keys, not what was written."""
    read = {part.pk: run.parts[pk].files.values() for pk in run.parts for part in run.parts[pk].files.values()}
    files = {file.pk: next(iter(read.get(file.pk, [file]))) for file in run.files}  # of an export, its first part
    by_file: dict[int, dict[int, list]] = {}
    parts: dict[tuple[int, int], int] = {}  # which file a line is of, by the one that is read
    for file, line, problems in run.rejections.by_tables():
        by_file.setdefault(files[file].pk, {}).setdefault(line, []).extend(problems)
        parts[files[file].pk, line] = file
    for file, lines in by_file.items():
        values = _documents if isinstance(run.source, JSONSource) else _rows
        for line, found in values(run, files[file], lines):
            yield parts[file, line], Rejection(line, found, lines[line])


def _rows(run: SourceRun, file: SourceFile, lines: dict[int, list]) -> Iterator[tuple[int, dict]]:
    layout = run.layouts[file.pk]
    headings = distinct(layout.header or list(run.source.bound))
    for batch in batches_of(run, file):
        for place, line in enumerate(batch.lines.tolist()):
            if line in lines:
                cells = [column[place].as_py() for column in batch.columns]
                yield line, {h: c.strip(" \t") if c else c for h, c in zip(headings, cells, strict=True)}


def _documents(run: SourceRun, file: SourceFile, lines: dict[int, list]) -> Iterator[tuple[int, dict]]:
    for document in documents_of(run, file):
        if document.line in lines:
            row = run.source.row(document.value, name_in(file.name, document.place))
            yield document.line, {name: as_cell(value) for name, value in row.items()}
