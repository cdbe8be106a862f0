"""Rows that only the tables could turn down, with their values, which are read from the file once more."""

from collections.abc import Iterator

from datasets.checking import Rejection
from datasets.loading.merging import Merge
from datasets.models import SourceFile
from datasets.reading import read_csv, read_json
from datasets.sources import JSONSource, as_cell


def with_values(merge: Merge) -> Iterator[tuple[int, Rejection]]:
    """Yield each late rejection of *merge* with the values of its line: a stage holds keys, not what was written."""
    files = {file.pk: file for file in merge.run.files}
    by_file: dict[int, dict[int, list]] = {}
    for file, line, problems in merge.late:
        by_file.setdefault(file, {}).setdefault(line, []).extend(problems)
    for file, lines in by_file.items():
        values = _documents if isinstance(merge.source, JSONSource) else _rows
        for line, found in values(merge, files[file], lines):
            yield file, Rejection(line, found, lines[line])


def _rows(merge: Merge, file: SourceFile, lines: dict[int, list]) -> Iterator[tuple[int, dict]]:
    layout = merge.run.layouts[file.pk]
    headings = layout.header or list(merge.source.bound)
    for batch in read_csv(merge.run.paths[file.pk], layout, merge.source.expected, encoding=file.encoding):
        for place, line in enumerate(batch.lines.tolist()):
            if line in lines:
                cells = [column[place].as_py() for column in batch.columns]
                yield line, {h: c.strip(" \t") if c else c for h, c in zip(headings, cells, strict=True)}


def _documents(merge: Merge, file: SourceFile, lines: dict[int, list]) -> Iterator[tuple[int, dict]]:
    for document in read_json(merge.run.paths[file.pk], encoding=file.encoding):
        if document.line in lines:
            row = merge.source.row(document.value, file.name)
            yield document.line, {name: as_cell(value) for name, value in row.items()}
