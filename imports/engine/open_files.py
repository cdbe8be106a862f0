"""Store the bytes of a run's files, and assign each file to its sources."""

from collections import Counter
from collections.abc import Mapping

from imports.engine.exported_rows import ExportParts, parts_of
from imports.engine.fixed_rows import continued
from imports.engine.locks import ImportRefusedError
from imports.engine.source_load import SourceLoad
from imports.engine.staging import Stage
from imports.exported_tables import ExportedTable
from imports.file_names import SameNameError, as_text, names_of, shortest
from imports.input_files import Given, InputFile, stored_size
from imports.models import ImportRun, SourceFile
from imports.readers import Part, ReadError, Stored, StoredFile, read_json
from imports.sources import JSONSource, Source


def open_sources(
    run: ImportRun, sources: list[Source], inputs: list[InputFile], known_as: str | None
) -> list[SourceLoad]:
    """Store the files' bytes, and return a load for each source that reads any of the files."""
    kept = {file.path: file.keep() for file in inputs}
    result = []
    for source in sources:
        read = [(file, reading) for file in inputs for reading in file.sources if reading.name == source.name]
        if not read:
            continue
        reading = _one_kind(read)
        records: list[SourceFile] = []
        paths: dict[int, Stored] = {}
        resubmissions: dict[int, SourceFile] = {}
        exported: dict[int, ExportParts] = {}
        names = _names_of(reading, [file for file, _ in read], kept, run.encoding)
        for (file, _), name in zip(read, names, strict=True):
            stored = kept[file.path]
            of = None if known_as else continued(as_text(file.called.name), source.name)
            record = SourceFile(
                run=run,
                source=source.name,
                name=as_text(known_as or "") or (of.name if of else name),
                original_name=name,
                sha256=_sha256(stored),
                part=stored.name if isinstance(stored, Part) else "",
                size=stored_size(stored),
                encoding=run.encoding,
                is_partial=of is not None,
            )
            parts = None
            if isinstance(reading, ExportedTable) and not known_as and not of:
                parts = parts_of(stored, reading, record)
            record.is_partial = record.is_partial or parts is not None
            part_records = list(parts.files.values()) if parts else [record]
            record.save()
            SourceFile.objects.bulk_create(part_records[1:], batch_size=1000)
            records += part_records
            paths |= {part.pk: stored for part in part_records}
            resubmissions |= {record.pk: of} if of else {}
            exported |= {record.pk: parts} if parts else {}
        own = {parts.own.pk for parts in exported.values() if parts.own}
        twice = [
            name for name, count in Counter(file.name for file in records if file.pk not in own).items() if count > 1
        ]
        if twice and not source.key:
            raise ImportRefusedError(
                f"Several of these files have the name {twice[0]}, so their rows cannot be distinguished"
                f"{_paths(read, twice[0])}. "
                "Import them one by one, and set “new version of” to a different name for all but one."
            )
        result.append(SourceLoad(run, reading, records, paths, resubmissions, exported, Stage(reading)))
    return result


def _names_of(source: Source, read: list[InputFile], kept: Mapping[Given, Stored], encoding: str) -> list[str]:
    """Return the names of the files. Raises ImportRefusedError if two files would have the same name."""

    def documents(index: int) -> int:
        try:
            return sum(1 for _ in read_json(kept[read[index].path], encoding=encoding))
        except ReadError:
            return 1

    files = [(file.called, _sha256(kept[file.path])) for file in read]
    try:
        return names_of(source, files, read[0].top, documents if isinstance(source, JSONSource) else lambda index: 1)
    except SameNameError as error:
        raise ImportRefusedError(str(error)) from None


def _sha256(stored: Stored) -> str:
    whole = stored.file if isinstance(stored, Part) else stored
    return whole.sha256 if isinstance(whole, StoredFile) else ""


def _paths(read: list[tuple[InputFile, Source]], name: str) -> str:
    """Return the paths of the files with one name, as short as possible."""
    called = shortest(file.called for file, _ in read)
    paths = [called[file.called] for file, _ in read if as_text(file.called.name) == name]
    return f": {', '.join(paths)}" if len(set(paths)) > 1 else ""


def _one_kind(read: list[tuple[InputFile, Source]]) -> Source:
    """Return the source that reads the files. Raises ImportRefusedError if only some of them are exports."""
    exports = [file for file, reading in read if isinstance(reading, ExportedTable)]
    others = [file for file, reading in read if not isinstance(reading, ExportedTable)]
    if exports and others:
        export, other = (as_text(files[0].called.name) for files in (exports, others))
        raise ImportRefusedError(f"{export} was exported from this site, but {other} was not. Import them one by one.")
    return read[0][1]
