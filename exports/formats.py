"""Export records as CSV, JSON, NDJSON, Parquet or Excel, as a stream with constant memory usage."""

import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from django.db import connections, models
from django.utils.http import content_disposition_header

from datasets.records.masking import Viewer, masked_name
from datasets.sql.query_timeout import is_limited, unlimited
from exports import copy_rows, parquet, python_rows, xlsx
from exports.about import About
from exports.columns import ExportedColumn, exported_columns
from exports.concurrency import StreamPermit
from exports.errors import (
    ExportError,
    TooManyRowsError,
    TooManyStreamsError,
    UnknownColumnError,
    UnknownFormatError,
    UnwritableValueError,
)
from exports.file_names import file_stem
from exports.formula_escaping import BOM, MARK
from exports.row_source import Source

__all__ = [
    "FORMATS",
    "MASKED_HEADER",
    "Export",
    "ExportError",
    "Format",
    "TooManyRowsError",
    "TooManyStreamsError",
    "UnknownColumnError",
    "UnknownFormatError",
    "UnwritableValueError",
    "export",
]

BLOCK = 1 << 16  # bytes
MASKED_HEADER = "Masked-Columns"  # the response header with the names of masked columns


@dataclass(frozen=True)
class Format:
    """A file format. *packed* means that it is already compressed."""

    name: str
    title: str
    content_type: str
    suffix: str
    packed: bool = False


FORMATS = {
    known.name: known
    for known in [
        Format("csv", "CSV", "text/csv; charset=utf-8", ".csv"),
        Format("json", "JSON", "application/json", ".json"),
        Format("ndjson", "NDJSON", "application/x-ndjson", ".ndjson"),
        Format("parquet", "Parquet", "application/vnd.apache.parquet", ".parquet", packed=True),
        Format(
            "xlsx",
            "Excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ".xlsx",
            packed=True,
        ),
    ]
}


class Export:
    """An iterator over the bytes of a file, which reads rows while the server sends them.

    If you do not read all of it, you must close it. It raises errors during reading, so a client does not mistake an
    incomplete file for the whole file. *masked* has the names of the masked columns. If there are any, the name of the
    file contains "masked".
    """

    def __init__(
        self,
        content_type: str,
        filename: str,
        masked: str,
        stream: Iterator[bytes],
        source: Source | BinaryIO,
        permit: StreamPermit,
    ):
        self.content_type, self.masked = content_type, masked
        self.filename = masked_name(filename) if masked else filename
        self._stream, self._source, self._permit = stream, source, permit

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a response that sends the file."""
        named = {"Content-Disposition": content_disposition_header(as_attachment=True, filename=self.filename) or ""}
        return named | ({MASKED_HEADER: self.masked} if self.masked else {})

    def __iter__(self) -> "Export":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._stream)
        except BaseException:  # includes StopIteration
            self.close()
            raise

    def begin(self) -> None:
        """Read the first block now, within its time limit. On an error, close the export and raise the error."""
        try:
            if isinstance(self._source, Source):
                self._source.begin()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the database connection and the permit of the stream."""
        try:
            if isinstance(self._stream, Generator):
                self._stream.close()
            self._source.close()
        finally:
            self._permit.release()

    def __enter__(self) -> "Export":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def export(
    model: type[models.Model],
    queryset: models.QuerySet[Any],
    columns: Iterable[str] | None,
    user: Viewer | None,
    file_format: str,
    *,
    defused: bool = False,
    compress: bool = False,
    filters: Mapping[str, str] | None = None,
    source: str = "",
) -> Export:
    """Return *queryset*, records of *model*, as a file of *file_format* (one of FORMATS), with the named *columns*.

    If *columns* is None, all columns are exported. Records are in the queryset's order, or ordered by primary key.
    Personal data that is hidden from *user* is masked, or all personal data if *user* is None. If any data is masked,
    the name of the file and its column MASK_MARK show this. *defused* escapes formulas in CSV. Excel does not run text
    cells as formulas. *compress* compresses the file with gzip if its format is not already compressed. *filters* are
    the parameters of the list's URL that select the records, for the name of the file. A workbook also says its
    *source*, such as this URL. Raises ExportError before any data is sent.
    """
    if file_format not in FORMATS:
        raise UnknownFormatError(file_format, FORMATS)
    by_a_request = is_limited()
    kind, chosen = FORMATS[file_format], exported_columns(model, columns, user)
    about = About.of(model, filters or {}, source)  # before the records, so that its version is not newer
    records = _in_order(queryset)
    if kind.name == "xlsx" and records.order_by()[: xlsx.MOST + 1].count() > xlsx.MOST:
        raise TooManyRowsError(xlsx.MOST)
    with ExitStack() as cleanup:
        permit = StreamPermit()
        cleanup.callback(permit.release)
        opened: Source | BinaryIO
        read = partial(_blocks, kind, records, chosen, defused=defused)
        opened = rows = Source(read, records.db, model, about.version)
        if kind.name == "xlsx":
            with closing(rows), unlimited():
                if by_a_request:
                    rows.begin()
                opened = book = xlsx.workbook(rows, chosen, about)
            stream: Iterator[bytes] = iter(partial(book.read, BLOCK), b"")
        else:
            stream = _stream(kind, rows, chosen, defused=defused)
        if compress and not kind.packed:
            stream, kind = _gzipped(stream), Format(kind.name, kind.title, "application/gzip", f"{kind.suffix}.gz")
        masked = ";".join(column.name for column in chosen if column.masked)
        filename = f"{file_stem(model, filters or {})}{kind.suffix}"
        file = Export(kind.content_type, filename, masked, stream, opened, permit)
        cleanup.pop_all()
    return file


def _in_order(queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Return the records in order, without select_related(), distinct() or slices, because these would add columns."""
    queryset = queryset.select_related(None)
    if queryset.query.distinct or queryset.query.is_sliced or queryset.query.combinator:
        order, manager = queryset.query.order_by, queryset.model._default_manager
        queryset = manager.using(queryset.db).filter(pk__in=queryset.values("pk")).order_by(*order)
    return queryset if queryset.ordered else queryset.order_by("pk")


def _blocks(
    kind: Format, records: models.QuerySet[Any], columns: list[ExportedColumn], alias: str, *, defused: bool
) -> Generator[bytes]:
    """Return blocks of *records* from the database *alias*, as CSV or NDJSON."""
    records = records.using(alias)
    engine = copy_rows if connections[alias].vendor == "postgresql" else python_rows
    blocks: Generator[bytes]
    if kind.name in ("json", "ndjson"):
        blocks = engine.ndjson_rows(records, columns)
    else:
        defuse = defused and kind.name == "csv"
        # Many CSV readers skip blank lines, so an empty cell in a single column is written as a pair of quotes.
        blank = '""' if kind.name == "csv" and len(columns) == 1 and not defuse else ""
        blocks = engine.csv_rows(records, columns, blank, defuse=defuse)
    return blocks


def _stream(kind: Format, source: Iterator[bytes], columns: list[ExportedColumn], *, defused: bool) -> Iterator[bytes]:
    match kind.name:
        case "csv":
            return _csv(source, columns, defused=defused)
        case "json":
            return _array(source)
        case "parquet":
            return parquet.parquet(source, columns)
    return iter(source)


def _csv(lines: Iterator[bytes], columns: list[ExportedColumn], *, defused: bool) -> Iterator[bytes]:
    names = [column.name for column in columns] + ([MARK] if defused else [])
    yield (BOM if defused else b"") + ",".join(map(python_rows.cell, names)).encode() + b"\n"
    yield from lines


def _array(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield NDJSON lines as one JSON array."""
    before = b"[\n"
    for block in lines:
        yield before + block[:-1].replace(b"\n", b",\n")
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _gzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(level=4, wbits=31)
    for block in blocks:
        if packed := packer.compress(block):
            yield packed
    yield packer.flush()
