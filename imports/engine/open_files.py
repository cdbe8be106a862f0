"""The files of a run before they are read: their bytes are kept, and each source gets those that it reads."""

from collections import Counter

from imports.engine.exported_rows import parts_of
from imports.engine.locks import ImportRefusedError
from imports.engine.resubmissions import continued
from imports.engine.source_load import SourceLoad
from imports.engine.staging import Stage
from imports.exported_tables import ExportedTable
from imports.file_names import SameNameError, as_text, names_of, shortest
from imports.models import ImportRun, SourceFile
from imports.readers import ReadError, read_json
from imports.source_files import Found
from imports.sources import JSONSource, Source


def opened(run: ImportRun, sources: list[Source], found: list[Found], known_as: str | None) -> list[SourceLoad]:
    """Keep the files' bytes and say which source reads which."""
    kept = {}
    for file in found:
        kept[file.path] = file.keep()
    result = []
    for source in sources:
        read = [(file, reading) for file in found for reading in file.sources if reading.name == source.name]
        if not read:
            continue
        reading = _one_kind(read)
        mine, paths, mended, exported = [], {}, {}, {}
        names = _names_of(reading, [file for file, _ in read], kept, run.encoding)
        for (file, _), name in zip(read, names, strict=True):
            stored = kept[file.path]
            of = None if known_as else continued(as_text(file.called.name), source.name)
            record = SourceFile(
                run=run,
                source=source.name,
                name=as_text(known_as or "") or (of.name if of else name),
                original_name=name,
                sha256=stored.sha256,
                size=stored.size,
                encoding=run.encoding,
            )
            may_have_parts = isinstance(reading, ExportedTable) and not known_as and not of
            parts = parts_of(stored, reading, record) if may_have_parts else None
            records = list(parts.files.values()) if parts else [record]
            record.save()
            SourceFile.objects.bulk_create(records[1:], batch_size=1000)
            mine += records
            paths |= {one.pk: stored for one in records}
            mended |= {record.pk: of} if of else {}
            exported |= {record.pk: parts} if parts else {}
        own = {parts.own.pk for parts in exported.values() if parts.own}
        twice = [name for name, count in Counter(file.name for file in mine if file.pk not in own).items() if count > 1]
        if twice and not source.key:
            raise ImportRefusedError(
                f"Several of these files are known as {twice[0]}, by which their rows could not be told apart"
                f"{_paths(read, twice[0])}. "
                "Import them one after the other, and say of all but one what it is known as: a name of its own."
            )
        result.append(SourceLoad(run, reading, mine, paths, mended, exported, Stage(reading)))
    return result


def _names_of(source: Source, read: list[Found], kept: dict, encoding: str) -> list[str]:
    """Return what the files are known by; raises ImportRefusedError where two would have one name."""

    def documents(place: int) -> int:
        try:
            return sum(1 for _ in read_json(kept[read[place].path], encoding=encoding))
        except ReadError:
            return 1

    files = [(file.called, kept[file.path].sha256) for file in read]
    try:
        return names_of(source, files, read[0].top, documents if isinstance(source, JSONSource) else lambda place: 1)
    except SameNameError as error:
        raise ImportRefusedError(str(error)) from None


def _paths(read: list[tuple[Found, Source]], name: str) -> str:
    """Return which files have one name, by as much of their paths as tells them apart."""
    called = shortest(file.called for file, _ in read)
    paths = [called[file.called] for file, _ in read if as_text(file.called.name) == name]
    return f": {', '.join(paths)}" if len(set(paths)) > 1 else ""


def _one_kind(read: list[tuple[Found, Source]]) -> Source:
    """Return the source by which files are read; raises ImportRefusedError where some are exports and some are not."""
    exports = [file for file, reading in read if isinstance(reading, ExportedTable)]
    others = [file for file, reading in read if not isinstance(reading, ExportedTable)]
    if exports and others:
        one, other = (as_text(files[0].called.name) for files in (exports, others))
        raise ImportRefusedError(f"{one} is an export of ours, and {other} is not. Import them one after the other.")
    return read[0][1]
