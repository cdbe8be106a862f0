"""Write files of fixed rows: rejected rows of one file with changes, in the format that curators upload."""

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from imports.file_storage import TEMPORARY, folder
from imports.models import ImportRun, RejectedRow, SourceFile
from imports.readers.headers import plain
from imports.received_files import ReceivedFile
from imports.rejected_rows import EXTRA, file_name, headings
from imports.row_problems import distinct
from imports.sources import CSVSource


def original_file(row: RejectedRow) -> SourceFile:
    """Return the file that a row's line number refers to.

    For a fixed row that was rejected again, this is its original file.
    """
    if not row.file.is_partial:
        return row.file
    originals = RejectedRow.objects.filter(
        identity=row.identity, file__is_partial=False, file__run__status=ImportRun.Status.APPLIED
    )
    original = originals.select_related("file__run").order_by("-pk").first()
    return original.file if original else row.file


def fixed_rows_file(
    file: SourceFile, source: CSVSource, rows: Iterable[tuple[int, Mapping[str, str | None]]]
) -> ReceivedFile:
    """Write *rows* of *file*, given as line numbers and cells, to a temporary file that is named like fixed rows."""
    names = headings(file, source)
    columns = {plain(key): name for name, key in zip(names, distinct(names), strict=True) if plain(name) not in EXTRA}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*columns.values(), *EXTRA])
    for line, cells in rows:
        by_heading = {plain(heading): cell for heading, cell in cells.items()}
        writer.writerow([*(by_heading.get(key) for key in columns), line, ""])
    return _temporary_file(file, text.getvalue(), "csv", "text/csv")


def fixed_documents_file(file: SourceFile, text: str) -> ReceivedFile:
    """Write *text*, the fixed documents of *file*, to a temporary file that is named like fixed rows."""
    return _temporary_file(file, text, "json", "application/x-ndjson")


def _temporary_file(file: SourceFile, text: str, ending: str, content_type: str) -> ReceivedFile:
    content = text.encode()
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder(), prefix=TEMPORARY, delete=False) as written:
        written.write(content)
    name = f"{file_name(file.name)}.rejected-{file.run_id}.{ending}"
    return ReceivedFile(name, Path(written.name), hashlib.sha256(content).hexdigest(), len(content), content_type)
