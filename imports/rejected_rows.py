"""Format rejected rows: their cells and problems for a page, or a file to fix and import again."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, TypedDict

from django.db import models
from django.http import Http404, StreamingHttpResponse
from django.utils.http import content_disposition_header

from datasets import exact_json
from datasets.records.masking import MASK_MARK, Viewer, hidden_fields
from datasets.records.masking import masked as mask
from exports.formula_escaping import MARK, MARKED, defused
from imports.exported_tables import exported_table
from imports.input_files import stored, stored_file
from imports.masking import is_restricted, known_headings, without_cells
from imports.models import Problem, RejectedRow, SourceFile
from imports.readers import Document, ReadError, find_layout, read_json
from imports.readers.headers import plain
from imports.readers.opened_files import beginning
from imports.readers.verified_files import check
from imports.resolved_rows import ResolvedRow, RowState
from imports.row_problems import distinct
from imports.sources import CSVSource, JSONSource, Source, sources_of

EXTRA = ("line", "problems")  # columns that a file of rejected rows has in addition to those of the original file
RAW = "raw"  # an additional column for rows that cannot be split into cells
MOST_RAW = 1 << 20  # bytes to include of a document that cannot be parsed
# The name of a downloaded file of rejected rows. Browsers add a number to the name of a second download.
NAMED = re.compile(r"(?P<name>.+)\.rejected-(?P<run>\d{1,9})(\.masked)?(?:[ _]?\(\d+\))?\.(csv|json)", re.IGNORECASE)
HIDDEN = "Hidden: the row could not be split into cells, and its table contains personal data."


def line_file_name(file: SourceFile) -> str:
    """Return the name of the file that a row's line number refers to.

    For a row of an export, this is the export's name.
    """
    is_known = file.name == file.original_name or NAMED.fullmatch(file.original_name) or file.run.known_as
    return file.name if is_known else file.original_name


def added(headings: Iterable[str]) -> set[str]:
    """Return the headers that the site added to a file when it exported rejected rows or a table."""
    by_name = {plain(heading): heading for heading in headings}
    names = (*EXTRA, RAW, MARK, MASK_MARK) if by_name.keys() >= set(EXTRA) else (MARK, MASK_MARK)
    return {by_name[name] for name in names if name in by_name}


class ShownCell(TypedDict):
    """A cell of a rejected row for display, with its messages. *key* is its header in the stored values."""

    key: str
    column: str | None  # the source's column
    heading: str
    value: Any
    messages: list[str]


class RejectedRowFormatter:
    """Formats a source's rejected rows for a user, and masks personal data if the user lacks permission to see it."""

    def __init__(self, source: Source, user: Viewer):
        hidden = hidden_fields(source.model, user)
        self.source, self.restricted = source, bool(hidden)
        # A row may have been imported into the wrong table of the dataset.
        self.masks_cells = is_restricted(source.model._meta.app_label, user)
        self.known = known_headings(source.model._meta.app_label) if self.masks_cells else set()
        self.columns = source.spellings
        self.hidden = {name for name, column in source.bound.items() if column.field.name in hidden}
        self.headings: dict[int, list[str]] = {}  # by file

    def may_see(self, column: str) -> bool:
        """Return whether the user has permission to see a column of the source."""
        return column not in self.hidden

    def value(self, heading: str | None, value: Any) -> Any:
        """Return a cell for display. E-mail addresses are masked in any column."""
        if not self.masks_cells or not isinstance(value, str):
            return value
        name = self.columns.get(plain(heading or ""))
        return mask(value) if name is None or name in self.hidden or "@" in value else value

    def heading(self, heading: str, index: int) -> str:
        """Return a header for display. An unknown header may be a cell of a file without a header."""
        is_known = not self.masks_cells or plain(heading) in self.columns
        return heading if is_known else f"(column {index + 1})"

    def raw(self, row: RejectedRow) -> str | None:
        """Return the text of a row that cannot be split into cells, in this import or in an earlier one."""
        text = row.values
        if isinstance(text, dict):
            text = next((text[heading] for heading in added(text) if plain(heading) == RAW), None)
            if not text:
                return None
        return HIDDEN if self.masks_cells else str(text)

    def problems(self, row: RejectedRow) -> list[Problem]:
        """Return the problems of the row. Messages about hidden values do not contain the values."""
        return [
            Problem(column=p["column"], value=self.value(p["column"], p["value"]), message=self.message(p["message"]))
            if p["column"] is None or self.may_see(p["column"])
            else Problem(column=p["column"], value=mask(p["value"]), message="is not valid")
            for p in row.problems
        ]

    def message(self, message: str) -> str:
        """Return a message for display."""
        return without_cells(message, self.known) if self.masks_cells else message

    def cells(self, row: RejectedRow) -> list[ShownCell]:
        """Return the row's cells in order, each with its header, value and messages. A raw row has no cells."""
        if not isinstance(row.values, dict):
            return []
        problems = self.problems(row)
        order = {heading: index for index, heading in enumerate(distinct(self.headings_of(row)))}
        cells, extra = list[ShownCell](), added(row.values)
        for heading, value in sorted(row.values.items(), key=lambda cell: order.get(cell[0], len(order))):
            if heading in extra:
                continue
            name = self.columns.get(plain(heading))
            messages = [p["message"] for p in problems if p["column"] in (name, heading) and p["column"]]
            shown = self.heading(heading, order.get(heading, len(cells)))
            cell = ShownCell(
                key=heading, column=name, heading=shown, value=self.value(heading, value), messages=messages
            )
            cells.append(cell)
        return cells

    def headings_of(self, row: RejectedRow) -> list[str]:
        """Return the headers of the row's file, in order."""
        if row.file_id not in self.headings:
            self.headings[row.file_id] = headings(row.file, self.source)
        return self.headings[row.file_id]

    def heading_of(self, row: RejectedRow, column: str) -> str | None:
        """Return the header of *column* among the row's cells."""
        return next((heading for heading in row.values if self.columns.get(plain(heading)) == column), None)

    def others(self, row: RejectedRow) -> list[str]:
        """Return the messages that do not refer to a single cell."""
        shown = {self.columns.get(plain(h), h) for h in row.values} if isinstance(row.values, dict) else set()
        return [p["message"] for p in self.problems(row) if p["column"] not in shown]

    def problem_text(self, row: RejectedRow) -> str:
        """Return all problems of the row as one string."""
        return RejectedRow(problems=self.problems(row)).problem_text


def rejected_response(
    file: SourceFile, user: Viewer, file_format: str | None = None, *, spreadsheet: bool = False
) -> StreamingHttpResponse:
    """Return a file's rejected rows, masked for *user*, as a download: ``csv`` for a table, or ``ndjson``.

    With *spreadsheet*, formulas in a table are escaped, and an import reverses this (see exports.formula_escaping).
    Raises Http404 if the source no longer exists, and ValueError for an unsupported format.
    """
    source = next((s for s in sources_of(file.run.dataset) if s.name == file.source), None)
    if source is None:
        raise Http404
    if isinstance(source, JSONSource):  # an export of this source is a table
        source = exported_table(stored_file(file), [source], file.encoding) or source
    is_table = isinstance(source, CSVSource)
    file_format = file_format or ("csv" if is_table else "ndjson")
    if file_format == "csv" and not is_table:
        raise ValueError(f"{file.name} contains documents, not a table. Use format=ndjson.")
    reader = RejectedRowFormatter(source, user)
    rows = as_csv(file, reader, defuse=spreadsheet) if file_format == "csv" else as_ndjson(file, reader)
    response = StreamingHttpResponse(rows, content_type="text/csv" if file_format == "csv" else "application/x-ndjson")
    ending = {"csv": "csv", "ndjson": "ndjson" if is_table else "json"}[file_format]
    masked = ".masked" if reader.restricted else ""
    name = f"{file_name(file.name)}.rejected-{file.run_id}{masked}.{ending}"
    response.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def file_name(name: str) -> str:
    """Return *name*, which may contain folders, for use as part of a file name."""
    return name.replace("/", "_")


def headings(file: SourceFile, source: Source, *, whole: bool = False) -> list[str]:
    """Return the headers of a file in order, because the database does not store the order of a row's cells.

    With *whole*, read the stored file to its end to detect whether it was altered.
    """
    if not isinstance(source, CSVSource):
        return list(source.bound)
    try:
        if whole:
            check(stored(file.sha256))
        layout = find_layout(stored_file(file), source.expected, encoding=file.encoding, allow_missing=True)
    except (ReadError, OSError):
        return list(source.bound)
    return list(layout.header or source.bound)


def as_csv(file: SourceFile, reader: RejectedRowFormatter, *, defuse: bool = False) -> Iterator[bytes]:
    """Yield the file's rejected rows as CSV, with the file's columns in order, the line number, and the problems."""
    rows = _open_rows(file, reader.source)
    of_file = headings(file, reader.source, whole=True)
    extra = (*EXTRA, RAW, MARK, MASK_MARK)
    columns = [pair for pair in zip(of_file, distinct(of_file), strict=True) if plain(pair[0]) not in extra]
    masked = [";".join(sorted(reader.hidden))] if reader.restricted else []
    has_raw = any(reader.raw(row) for row in rows.iterator(2000))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # identifies the file as UTF-8 for spreadsheets
    marks = [*([MASK_MARK] if masked else []), *([MARK] if defuse else [])]
    shown = [reader.heading(heading, index) for index, (heading, _) in enumerate(columns)]
    shown = [defused(heading) if defuse else heading for heading in shown]
    writer.writerow([*shown, *EXTRA, *([RAW] if has_raw else []), *marks])
    for row in rows.iterator(2000):
        is_raw = not isinstance(row.values, dict)
        cells = [None if is_raw else reader.value(name, row.values.get(name)) for _, name in columns]
        written = [*cells, row.line, reader.problem_text(row), *([reader.raw(row)] if has_raw else []), *masked]
        if defuse:
            written = [*(defused(cell) if isinstance(cell, str) else cell for cell in written), MARKED]
        writer.writerow(written)
        if buffer.tell() > 2**16:
            yield _taken(buffer)
    yield _taken(buffer)


def as_ndjson(file: SourceFile, reader: RejectedRowFormatter) -> Iterator[bytes]:
    """Yield the file's rejected rows as NDJSON: one document per line, with its line number and problems."""
    is_table = isinstance(reader.source, CSVSource)
    documents: dict[int, object] = {}
    text = b""
    with suppress(ReadError, OSError):  # a document that cannot be parsed is included as text
        if not is_table:
            check(stored(file.sha256))
            text = beginning(stored_file(file), MOST_RAW)
            read = read_json(stored_file(file), encoding=file.encoding)
            documents = {document_line(d): {RAW: d.raw} if d.error else d.value for d in read}
    for row in _open_rows(file, reader.source).iterator(2000):
        document = documents.get(row.line)
        if is_table and not isinstance(row.values, dict):
            document = {RAW: reader.raw(row)}
        elif reader.masks_cells or is_table:
            document = {cell["heading"]: cell["value"] for cell in reader.cells(row)}
            document |= {RAW: raw} if (raw := reader.raw(row)) else {}
        elif not isinstance(document, dict):
            raw_text = text.decode(file.encoding, "replace") if row.line not in documents else ""
            document = {RAW: raw_text or document}
        entry = document | {"line": row.line, "problems": reader.problem_text(row)}
        entry |= {MASK_MARK: ";".join(sorted(reader.hidden))} if reader.restricted else {}
        yield exact_json.text(entry).encode() + b"\n"


def _open_rows(file: SourceFile, source: Source) -> models.QuerySet[RejectedRow]:
    """Return the rejected rows of *file* that have been neither fixed nor ignored since."""
    resolved = ResolvedRow.objects.filter(identity=models.OuterRef("identity")).in_force(source.model)
    rows = file.rejected_rows.filter(~models.Exists(resolved), state=RowState.OPEN)
    return rows.order_by("line", "pk")


def document_line(document: Document) -> int:
    """Return the line number of a document. For a fixed document, this is its line number in the original file."""
    value = document.value
    again = isinstance(value, dict) and value.keys() >= set(EXTRA) and type(value["line"]) is int
    return value["line"] if again else document.line


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
