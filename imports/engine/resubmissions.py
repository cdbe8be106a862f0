"""Rejected rows that somebody has mended: they continue the file that they came from, each on its old line."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from datasets.records.personal_data import MASK_MARK
from imports.engine.exported_rows import rows_of
from imports.engine.locks import ImportRefusedError
from imports.engine.source_load import SourceLoad
from imports.models import SourceFile
from imports.readers import Batch, Document, ReadError, read_json
from imports.readers.dialect import plain
from imports.rejected_rows import EXTRA, NAMED, RAW, file_name
from imports.source_files import stored


def continued(name: str, source: str) -> SourceFile | None:
    """Return the file whose rejected rows a file of that name has; raises ImportRefusedError where it is not known."""
    if not (match := NAMED.fullmatch(name)):
        return None
    files = SourceFile.objects.filter(run=match["run"], source=source)
    called = files.filter(name=match["name"]) or files.filter(name__contains="/")
    file = next((file for file in called if file_name(file.name) == match["name"]), None)
    if file is None:
        raise ImportRefusedError(
            f"{name} is called like the rejected rows of {match['name']} in run {match['run']}, but that run has read "
            f"no such file into {source}. Give it another name, or say what it is known as: the file that it continues."
        )
    return file


def batches_of(load: SourceLoad, file: SourceFile) -> Iterator[Batch]:
    """Yield the rows of one of the load's tables; those of a mended file with the lines that they once had."""
    layout = load.layouts[file.pk]
    batches = rows_of(load.paths[file.pk], layout, load.source, file.encoding)
    return _on_old_lines(load, file, batches) if file.pk in load.mended else batches


def documents_of(load: SourceLoad, file: SourceFile) -> Iterator[Document]:
    """Yield the documents of one of the load's files; mended ones as they once were, on their old lines.

    Raises ReadError where there are none, or two of one line, by which rows are told apart from here on.
    """
    path, lines = load.paths[file.pk], set()
    places = _places(load.mended[file.pk]) if file.pk in load.mended else {}
    for document in read_json(path, encoding=file.encoding):
        if file.pk in load.mended and isinstance(document.value, dict):
            line = document.value.get("line")
            value = {name: item for name, item in document.value.items() if name not in (*EXTRA, RAW, MASK_MARK)}
            line = line if type(line) is int else document.line
            document = replace(document, value=value, line=line, place=places.get(line, document.place))
        if document.line in lines:
            raise ReadError(
                f"{path}: found two objects whose line is {document.line}. Leave the line of each as it was."
            )
        lines.add(document.line)
        yield document
    if not lines:
        raise ReadError(f"{path}: the file holds an array of nothing; expected a JSON object, or an array of them.")


def _places(file: SourceFile) -> dict[int, int]:
    """Return which of the objects of a file that was imported before begins on which line."""
    try:
        return {document.line: document.place for document in read_json(stored(file.sha256), encoding=file.encoding)}
    except (ReadError, OSError):  # it was rejected as a whole
        return {}


def only_unknown(columns: Iterable[str], *, fixed: bool) -> list[str]:
    """Return the unknown columns of a file but for those that an export adds, and a file of *fixed* rejected rows."""
    ours = (MASK_MARK, *EXTRA, RAW) if fixed else (MASK_MARK,)
    return [column for column in columns if plain(column) not in ours]


def _on_old_lines(load: SourceLoad, file: SourceFile, batches: Iterator[Batch]) -> Iterator[Batch]:
    layout, seen = load.layouts[file.pk], set()
    headings = [plain(heading) for heading in layout.header or ()]
    if "line" not in headings:
        raise ReadError(f"{file.original_name}: the column line is missing, which says where in {file.name} a row was.")
    place = headings.index("line")
    for batch in batches:
        lines = []
        for text, here in zip(batch.columns[place].to_pylist(), batch.lines.tolist(), strict=True):
            if not (text.strip().isascii() and text.strip().isdigit() and 0 < int(text) < 2**31) or int(text) in seen:
                again = "which is there twice; " if text.strip().isdigit() else ""
                raise ReadError(
                    f'{file.original_name}, line {here}: the column line says "{text[:20]}", {again}'
                    f"expected the line that the row has in {file.name}. Leave that column as it was."
                )
            seen.add(int(text))
            lines.append(int(text))
        yield Batch(np.array(lines, np.int32), batch.columns, batch.malformed, batch.bytes_read)
