"""Rejected JSON documents as texts that a curator changes, and their validation in the same way as in an import.

A column may come from any part of a document, so the document is changed as a whole, and not its columns.
"""

import tempfile
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db.models import Model

from datasets import exact_json
from datasets.records.masking import MASK_MARK
from imports.engine.json_documents import misfits
from imports.exported_tables import exported_table
from imports.fixed_rows_file import original_file
from imports.input_files import stored_file
from imports.models import Problem, RejectedRow, SourceFile
from imports.readers import AlteredError, Document, ReadError, Stored, read_json
from imports.readers.opened_files import beginning
from imports.rejected_rows import EXTRA, RAW, document_line
from imports.row_check import Cells, problems_of
from imports.row_problems import problem
from imports.sources import DocumentError, JSONSource, Source, as_cell, name_in, sources_of

MOST_BYTES = 1 << 20  # of a file whose documents can be changed on a page, because the whole file is read
MOST_CHARACTERS = 20_000  # of a document that can be changed on a page


def document_text(row: RejectedRow, source: JSONSource) -> str | None:
    """Return the text of a rejected document, or None if it is not stored or too long to be changed on a page.

    For a file that cannot be read as JSON, this is the text of the file. Rows of exported tables are not documents.
    """
    file = row.file
    try:
        if _is_long(file):
            return None
        if exported_table(stored_file(file), [source], file.encoding):
            return None
        found = _document(file, row.line)
    except (AlteredError, OSError):
        return None
    except ReadError:
        text = beginning(stored_file(file), 4 * (MOST_CHARACTERS + 1)).decode(file.encoding, "replace")
        text = text[: MOST_CHARACTERS + 1]
    else:
        if found is None:
            return None
        text = found.raw if found.error else exact_json.dumps(_without_added(found.value), indent=True).decode()
    return text if len(text) <= MOST_CHARACTERS else None


def parsed(text: str) -> dict[str, Any]:
    """Return the object that *text* contains. Raises DocumentError with the position of an error."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".json") as file:
        file.write(text)
        file.flush()
        try:
            documents = read_json(file.name)
        except ReadError as error:
            raise DocumentError(_without_path(str(error), file.name)) from None
    if errors := [document.error for document in documents if document.error]:
        raise DocumentError(_without_path(errors[0], file.name))
    if len(documents) != 1:
        raise DocumentError(f"contains {len(documents)} JSON objects: expected one")
    value: dict[str, Any] = documents[0].value
    return value


def check_document(row: RejectedRow, text: str) -> tuple[Cells, list[Problem]]:
    """Return the cells of the changed document of *row*, and its problems in all sources that read its file."""
    try:
        document = parsed(text)
        name = name_in(row.file.name, _place(row))
        values = {source: dict(source.row(document, name)) for source in _sources(row.file)}
    except DocumentError as error:
        return {}, [problem(None, None, str(error))]
    filled = {source.model for source in values}
    problems = [found for source, some in values.items() for found in _problems(source, some, filled)]
    own = next(some for source, some in values.items() if source.name == row.file.source)
    return {name: as_cell(value) for name, value in own.items()}, problems


def fixed_documents(rows: Iterable[tuple[int, str]]) -> str:
    """Return the text of a file of fixed documents, given as line numbers and texts: one document per line."""
    return "".join(exact_json.text(parsed(text) | {"line": line, "problems": ""}) + "\n" for line, text in rows)


def _problems(source: JSONSource, values: dict[str, Any], filled: Collection[type[Model]]) -> list[Problem]:
    if wrong := [problem(name, as_cell(value), message) for name, value, message in misfits(source, values)]:
        return wrong
    cells = {name: as_cell(values.get(name)) for name in source.bound}
    (problems,) = problems_of(source, list(source.bound), [cells], filled)
    return problems


def _sources(file: SourceFile) -> list[JSONSource]:
    """Return the sources that read the documents of *file*."""
    names = set(SourceFile.objects.filter(run=file.run_id, name=file.name).values_list("source", flat=True))
    found: list[Source] = [source for source in sources_of(file.run.dataset) if source.name in names]
    return [source for source in found if isinstance(source, JSONSource)]


def _is_long(file: SourceFile) -> bool:
    """Return whether a file has more than MOST_BYTES after unpacking."""
    return file.size > MOST_BYTES or len(beginning(stored_file(file), MOST_BYTES + 1)) > MOST_BYTES


def _document(file: SourceFile, line: int) -> Document | None:
    documents = _documents(stored_file(file), file.encoding)
    return next((document for document in documents if document_line(document) == line), None)


@lru_cache(maxsize=1)  # a page lists the documents of one file one after the other
def _documents(stored: Stored, encoding: str) -> list[Document]:
    return read_json(stored, encoding=encoding)


def _place(row: RejectedRow) -> int:
    """Return the position of the document in its original file."""
    file = original_file(row)
    try:
        document = _document(file, row.line) if not _is_long(file) else None
    except (ReadError, OSError):
        return 1
    return document.place if document else 1


def _without_added(value: dict[str, Any]) -> dict[str, Any]:
    """Return a document without the properties that the site has added to a file of fixed documents."""
    extra = (*EXTRA, RAW, MASK_MARK) if value.keys() >= set(EXTRA) else ()
    return {name: item for name, item in value.items() if name not in extra}


def _without_path(message: str, path: str | Path) -> str:
    return message.removeprefix(f"{path}, ").removeprefix(f"{path}: ")
