"""Rejected rows for their readers: cell by cell with what is wrong beside each, and as a file to be mended."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from django.http import Http404, StreamingHttpResponse
from django.utils.http import content_disposition_header

from datasets import exact_json
from datasets.records.personal_data import MASK_MARK, hidden_fields
from datasets.records.personal_data import masked as mask
from exports.formula_escaping import MARK, MARKED, defused
from imports.exported_tables import exported_table
from imports.models import RejectedRow, SourceFile
from imports.readers import Document, ReadError, find_layout, read_json
from imports.readers.dialect import plain
from imports.readers.verified_files import check
from imports.redaction import is_restricted, known_headings, without_cells
from imports.row_problems import distinct
from imports.source_files import stored
from imports.sources import CSVSource, JSONSource, Source, sources_of

EXTRA = ("line", "problems")  # what a file of rejected rows has beside the columns of its file
RAW = "raw"  # and this, where a row could not be split into cells
MOST_RAW = 1 << 20  # bytes of a document that cannot be parsed
# As the site names the file that it gives out; a browser that has it already adds a number.
NAMED = re.compile(r"(?P<name>.+)\.rejected-(?P<run>\d{1,9})(\.masked)?(?:[ _]?\(\d+\))?\.(csv|json)", re.IGNORECASE)
HIDDEN = "Hidden: the row could not be split into cells, and its table holds personal data."


def told_as(file: SourceFile) -> str:
    """Return the name of the file that a rejected row's line is in: of a row of an export, that of the export."""
    is_known = file.name == file.original_name or NAMED.fullmatch(file.original_name) or file.run.known_as
    return file.name if is_known else file.original_name


def added(headings: Iterable[str]) -> set[str]:
    """Return which of a file's headings are the site's: all that it adds, where the file holds rejected rows."""
    known = {plain(heading): heading for heading in headings}
    ours = (*EXTRA, RAW, MARK, MASK_MARK) if known.keys() >= set(EXTRA) else (MARK, MASK_MARK)
    return {known[name] for name in ours if name in known}


class Reader:
    """Somebody who looks at a source's rejected rows: personal data are masked for those who may not see them."""

    def __init__(self, source: Source, user):
        hidden = hidden_fields(source.model, user)
        self.source, self.restricted = source, bool(hidden)
        # A row may have come to the wrong table of its dataset.
        self.wary = is_restricted(source.model._meta.app_label, user)
        self.known = known_headings(source.model._meta.app_label) if self.wary else set()
        self.columns = {
            plain(spelling): name for name, column in source.bound.items() for spelling in (name, *column.names)
        }
        self.hidden = {name for name, column in source.bound.items() if column.field.name in hidden}
        self.headings: dict[int, list[str]] = {}  # by file

    def may_see(self, column: str) -> bool:
        """Tell whether a column of the source is shown as it is."""
        return column not in self.hidden

    def value(self, heading: str | None, value):
        """Return a cell as it is shown; an address that has slipped into another column is masked, too."""
        if not self.wary or not isinstance(value, str):
            return value
        name = self.columns.get(plain(heading or ""))
        return mask(value) if name is None or name in self.hidden or "@" in value else value

    def heading(self, heading: str, place: int) -> str:
        """Return a heading as it is shown: one that names no column may be a cell of a file without a header."""
        is_known = not self.wary or plain(heading) in self.columns
        return heading if is_known else f"(column {place + 1})"

    def raw(self, row: RejectedRow) -> str | None:
        """Return the text of a row that could not be split into cells, now or when it was rejected before."""
        text = row.values
        if isinstance(text, dict):
            text = next((text[heading] for heading in added(text) if plain(heading) == RAW), None)
            if not text:
                return None
        return HIDDEN if self.wary else str(text)

    def problems(self, row: RejectedRow) -> list[dict]:
        """Return what is wrong with the row; a message about a hidden value does not tell it."""
        return [
            p | {"value": self.value(p["column"], p["value"]), "message": self.message(p["message"])}
            if p["column"] is None or self.may_see(p["column"])
            else p | {"value": mask(p["value"]), "message": "cannot be used"}
            for p in row.problems
        ]

    def message(self, message: str) -> str:
        """Return a message as it is shown."""
        return without_cells(message, self.known) if self.wary else message

    def cells(self, row: RejectedRow) -> list[dict]:
        """Return the row's cells in order: heading, value, and the messages about it; none for a raw row."""
        if not isinstance(row.values, dict):
            return []
        problems = self.problems(row)
        if row.file_id not in self.headings:
            self.headings[row.file_id] = headings(row.file, self.source)
        order = {heading: place for place, heading in enumerate(distinct(self.headings[row.file_id]))}
        told, ours = [], added(row.values)
        for heading, value in sorted(row.values.items(), key=lambda cell: order.get(cell[0], len(order))):
            if heading in ours:
                continue
            name = self.columns.get(plain(heading))
            messages = [p["message"] for p in problems if p["column"] in (name, heading) and p["column"]]
            shown = self.heading(heading, order.get(heading, len(told)))
            told.append({"heading": shown, "value": self.value(heading, value), "messages": messages})
        return told

    def others(self, row: RejectedRow) -> list[str]:
        """Return the messages about no cell of the row."""
        shown = {self.columns.get(plain(h), h) for h in row.values} if isinstance(row.values, dict) else set()
        return [p["message"] for p in self.problems(row) if p["column"] not in shown]

    def told(self, row: RejectedRow) -> str:
        """Return everything that is wrong with the row, in one text."""
        return RejectedRow(problems=self.problems(row)).told


def rejected_response(
    file: SourceFile, user, format: str | None = None, spreadsheet: bool = False
) -> StreamingHttpResponse:
    """Return a file's rejected rows as *user* may see them, to be mended: ``csv`` for a table, else ``ndjson``.

    A table for a *spreadsheet* has its formulas defused, which our reader undoes (exports.formula_escaping). Raises
    Http404 for a file of a source that is no more, and ValueError for a format that it cannot be told in.
    """
    source = next((s for s in sources_of(file.run.dataset) if s.name == file.source), None)
    if source is None:
        raise Http404
    if isinstance(source, JSONSource):  # of which an export is a table
        source = exported_table(stored(file.sha256), [source], file.encoding) or source
    is_table = isinstance(source, CSVSource)
    format = format or ("csv" if is_table else "ndjson")
    if format == "csv" and not is_table:
        raise ValueError(f"{file.name} holds documents, not a table. Take format=ndjson.")
    reader = Reader(source, user)
    rows = as_csv(file, reader, spreadsheet) if format == "csv" else as_ndjson(file, reader)
    response = StreamingHttpResponse(rows, content_type="text/csv" if format == "csv" else "application/x-ndjson")
    ending = {"csv": "csv", "ndjson": "ndjson" if is_table else "json"}[format]
    masked = ".masked" if reader.restricted else ""
    name = f"{file_name(file.name)}.rejected-{file.run_id}{masked}.{ending}"
    response.headers["Content-Disposition"] = content_disposition_header(True, name)
    return response


def file_name(name: str) -> str:
    """Return what a file is known by, as a part of the name of another: it may have folders in it."""
    return name.replace("/", "_")


def headings(file: SourceFile, source: Source, whole: bool = False) -> list[str]:
    """Return the columns of a file in their order; the database does not keep the order of a row's cells.

    With *whole*, a stored file that was altered is not trusted: it is read to its end.
    """
    if not isinstance(source, CSVSource):
        return list(source.bound)
    try:
        if whole:
            check(stored(file.sha256))
        layout = find_layout(stored(file.sha256), source.expected, encoding=file.encoding, allow_missing=True)
    except (ReadError, OSError):
        return list(source.bound)
    return list(layout.header or source.bound)


def as_csv(file: SourceFile, reader: Reader, defuse: bool = False) -> Iterator[bytes]:
    """Yield the file's rejected rows as a table: its columns in their order, the line, and what is wrong."""
    rows = file.rejected_rows.order_by("line", "pk")
    called = headings(file, reader.source, whole=True)
    ours = (*EXTRA, RAW, MARK, MASK_MARK)
    columns = [pair for pair in zip(called, distinct(called), strict=True) if plain(pair[0]) not in ours]
    masked = [";".join(sorted(reader.hidden))] if reader.restricted else []
    has_raw = any(reader.raw(row) for row in rows.iterator(2000))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # by which a spreadsheet knows UTF-8
    marks = [*([MASK_MARK] if masked else []), *([MARK] if defuse else [])]
    shown = [reader.heading(heading, place) for place, (heading, _) in enumerate(columns)]
    shown = [defused(heading) if defuse else heading for heading in shown]
    writer.writerow([*shown, *EXTRA, *([RAW] if has_raw else []), *marks])
    for row in rows.iterator(2000):
        is_raw = not isinstance(row.values, dict)
        cells = [None if is_raw else reader.value(name, row.values.get(name)) for _, name in columns]
        written = [*cells, row.line, reader.told(row), *([reader.raw(row)] if has_raw else []), *masked]
        if defuse:
            written = [*(defused(cell) if isinstance(cell, str) else cell for cell in written), MARKED]
        writer.writerow(written)
        if buffer.tell() > 2**16:
            yield _taken(buffer)
    yield _taken(buffer)


def as_ndjson(file: SourceFile, reader: Reader) -> Iterator[bytes]:
    """Yield the file's rejected documents, one a line, each with its line and what is wrong."""
    is_table = isinstance(reader.source, CSVSource)
    documents: dict[int, object] = {}
    text = b""
    with suppress(ReadError, OSError):  # what cannot be parsed comes with its text
        if not is_table:
            check(stored(file.sha256))
            with open(stored(file.sha256), "rb") as opened:
                text = opened.read(MOST_RAW)
            read = read_json(stored(file.sha256), encoding=file.encoding)
            documents = {_line(d): {RAW: d.raw} if d.error else d.value for d in read}
    for row in file.rejected_rows.order_by("line", "pk").iterator(2000):
        document = documents.get(row.line)
        if is_table and not isinstance(row.values, dict):
            document = {RAW: reader.raw(row)}
        elif reader.wary or is_table:
            document = {cell["heading"]: cell["value"] for cell in reader.cells(row)}
            document |= {RAW: raw} if (raw := reader.raw(row)) else {}
        elif not isinstance(document, dict):
            told = text.decode(file.encoding, "replace") if row.line not in documents else ""
            document = {RAW: told or document}
        told = document | {"line": row.line, "problems": reader.told(row)}
        told |= {MASK_MARK: ";".join(sorted(reader.hidden))} if reader.restricted else {}
        yield exact_json.text(told).encode() + b"\n"


def _line(document: Document) -> int:
    """Return the line of a document: of one that was rejected before, the line that it once had."""
    value = document.value
    again = isinstance(value, dict) and value.keys() >= set(EXTRA) and type(value["line"]) is int
    return value["line"] if again else document.line


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
