"""Read files of fixed rejected rows. Each row keeps its line number in the original file."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from datasets.records.masking import MASK_MARK
from imports.engine.exported_rows import rows_of
from imports.engine.locks import ImportRefusedError
from imports.engine.source_load import SourceLoad
from imports.input_files import stored_file
from imports.models import SourceFile
from imports.readers import Batch, Document, ReadError, read_json
from imports.readers.headers import plain
from imports.rejected_rows import EXTRA, NAMED, RAW, file_name


def continued(name: str, source: str) -> SourceFile | None:
    """Return the file whose rejected rows a file named *name* contains, or None for other names.

    Raises ImportRefusedError if there is no such file.
    """
    if not (match := NAMED.fullmatch(name)):
        return None
    files = SourceFile.objects.filter(run_id=int(match["run"]), source=source)
    candidates = files.filter(name=match["name"]) or files.filter(name__contains="/")
    file = next((file for file in candidates if file_name(file.name) == match["name"]), None)
    if file is None:
        raise ImportRefusedError(
            f"{name} has the name of a file of rejected rows of {match['name']} in run {match['run']}, but that run "
            f"imported no such file into {source}. Rename the file, or set “new version of” to the original file."
        )
    return file


def batches_of(load: SourceLoad, file: SourceFile) -> Iterator[Batch]:
    """Yield the rows of one of the load's tables. Fixed rows get their original line numbers."""
    layout = load.layouts[file.pk]
    batches = rows_of(load.paths[file.pk], layout, load.csv_source, file.encoding)
    return _on_old_lines(load, file, batches) if file.pk in load.resubmissions else batches


def documents_of(load: SourceLoad, file: SourceFile) -> Iterator[Document]:
    """Yield the documents of one of the load's files.

    Fixed documents get their original line numbers and positions. Raises ReadError if there is no document, or if two
    have the same line number, because the line number identifies a row.
    """
    path, lines = load.paths[file.pk], set[int]()
    places = _places(load.resubmissions[file.pk]) if file.pk in load.resubmissions else {}
    for document in read_json(path, encoding=file.encoding):
        if file.pk in load.resubmissions and isinstance(document.value, dict):
            value = {name: item for name, item in document.value.items() if name not in (*EXTRA, RAW, MASK_MARK)}
            named = document.value.get("line")
            line = named if type(named) is int else document.line
            document = replace(document, value=value, line=line, place=places.get(line, document.place))
        if document.line in lines:
            raise ReadError(f"{path}: two objects have “line” {document.line}. Do not change “line”.")
        lines.add(document.line)
        yield document
    if not lines:
        raise ReadError(f"{path}: the array is empty. Expected a JSON object or an array of objects.")


def _places(file: SourceFile) -> dict[int, int]:
    """Return the position of each document of an imported file by its line number."""
    try:
        return {document.line: document.place for document in read_json(stored_file(file), encoding=file.encoding)}
    except (ReadError, OSError):  # the file was rejected as a whole
        return {}


def only_unknown(columns: Iterable[str], *, fixed: bool) -> list[str]:
    """Return the unknown columns of a file, except those that the site adds to exports and to *fixed* rejected rows."""
    added = (MASK_MARK, *EXTRA, RAW) if fixed else (MASK_MARK,)
    return [column for column in columns if plain(column) not in added]


def _on_old_lines(load: SourceLoad, file: SourceFile, batches: Iterator[Batch]) -> Iterator[Batch]:
    layout, seen = load.layouts[file.pk], set[int]()
    headings = [plain(heading) for heading in layout.header or ()]
    if "line" not in headings:
        raise ReadError(
            f"{file.original_name}: the file has no column “line”. Expected the line number of each row in {file.name}."
        )
    index = headings.index("line")
    for batch in batches:
        lines = []
        for text, current_line in zip(batch.columns[index].to_pylist(), batch.lines.tolist(), strict=True):
            if not (text.strip().isascii() and text.strip().isdigit() and 0 < int(text) < 2**31) or int(text) in seen:
                repeated = " more than once" if text.strip().isdigit() else ""
                raise ReadError(
                    f'{file.original_name}, line {current_line}: the column “line” contains "{text[:20]}"{repeated}. '
                    f"Expected the line number of the row in {file.name}. Do not change this column."
                )
            seen.add(int(text))
            lines.append(int(text))
        yield Batch(np.array(lines, np.int32), batch.columns, batch.malformed, batch.bytes_read)
