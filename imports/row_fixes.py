"""Fixes of rejected rows: change cells or documents, validate them as an import does, and write files of fixed rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from imports.document_fixes import check_document, document_text, fixed_documents
from imports.fixed_rows_file import fixed_documents_file, fixed_rows_file, original_file
from imports.models import Problem, RejectedRow
from imports.received_files import ReceivedFile
from imports.rejected_rows import RejectedRowFormatter
from imports.row_check import problems_of
from imports.sources import CSVSource, JSONSource, Many

Formatters = Mapping[str, RejectedRowFormatter]  # by source


@dataclass
class RowFix:
    """A rejected row with changed cells, or with the changed text of its document, and its remaining problems."""

    row: RejectedRow
    cells: Mapping[str, str | None]
    text: str | None = None
    problems: list[Problem] = field(default_factory=list)


def is_fixable(row: RejectedRow, formatters: Formatters) -> bool:
    """Return whether the cells of a row can be changed separately. This is false for documents and malformed lines."""
    formatter = formatters.get(row.file.source)
    return formatter is not None and isinstance(formatter.source, CSVSource) and isinstance(row.values, dict)


def changeable_document(row: RejectedRow, formatters: Formatters) -> str | None:
    """Return the text of a rejected document if the user may see and change it, and otherwise None."""
    formatter = formatters.get(row.file.source)
    if formatter is None or formatter.masks_cells or not isinstance(formatter.source, JSONSource):
        return None
    return document_text(row, formatter.source)


def replaced(rows: Iterable[RejectedRow], formatters: Formatters, column: str, old: str, new: str) -> Iterator[RowFix]:
    """Yield a fix for each row with the value *old* in *column*, or for every row if *old* is empty."""
    for row in rows:
        if not is_fixable(row, formatters):
            continue
        formatter = formatters[row.file.source]
        heading = formatter.heading_of(row, column)
        if heading is None:
            continue
        cell = row.values[heading] or ""
        bound = formatter.source.bound[column]
        members = [part.strip() for part in cell.split(bound.separator)] if isinstance(bound, Many) else [cell]
        if old and old not in members:
            continue
        separator = bound.separator if isinstance(bound, Many) else ""
        text = separator.join(new if part == old else part for part in members) if old else new
        if text != cell and formatter.value(heading, cell) == cell:
            yield RowFix(row, row.values | {heading: text})


def check(fixes: Sequence[RowFix], formatters: Formatters) -> None:
    """Set the problems of each fix."""
    tables = [fix for fix in fixes if fix.text is None]
    for fix in fixes:
        if fix.text is not None:
            fix.cells, fix.problems = check_document(fix.row, fix.text)
    for _, of_file in groupby(sorted(tables, key=_file), key=_file):
        some = list(of_file)
        formatter = formatters[some[0].row.file.source]
        found = problems_of(_table(formatter), formatter.headings_of(some[0].row), [fix.cells for fix in some])
        for fix, problems in zip(some, found, strict=True):
            fix.problems = problems


def files_of(fixes: Iterable[RowFix], formatters: Formatters) -> Iterator[ReceivedFile]:
    """Yield a file of fixed rows for each file with fixed rows."""
    originals = {fix.row.pk: original_file(fix.row) for fix in fixes}
    files = {file.pk: file for file in originals.values()}
    for pk, file in files.items():
        of_file = sorted((fix for fix in fixes if originals[fix.row.pk].pk == pk), key=lambda fix: fix.row.line)
        if documents := [(fix.row.line, fix.text) for fix in of_file if fix.text is not None]:
            yield fixed_documents_file(file, fixed_documents(documents))
        else:
            yield fixed_rows_file(file, _table(formatters[file.source]), [(f.row.line, f.cells) for f in of_file])


def frequent_problems(fixes: Iterable[RowFix], formatters: Formatters) -> list[tuple[str, int]]:
    """Return the messages of the most frequent problems of *fixes*, each with its number of rows."""
    texts = Counter[str]()
    for fix in fixes:
        if fix.problems:
            row = RejectedRow(file=fix.row.file, values=fix.cells, problems=fix.problems)
            texts[formatters[fix.row.file.source].problem_text(row)] += 1
    return texts.most_common(5)


def _file(fix: RowFix) -> int:
    return fix.row.file_id


def _table(formatter: RejectedRowFormatter) -> CSVSource:
    if not isinstance(formatter.source, CSVSource):
        raise TypeError(f"The files of {formatter.source.name} are not tables.")
    return formatter.source
