"""How the files of a run are laid out, and what is said of columns that a file lacks or nobody expects."""

from dataclasses import replace

from exports.formula_escaping import MARK
from imports.engine.absent_columns import refuse_absent_columns
from imports.engine.locks import ImportRefusedError
from imports.engine.resubmissions import only_unknown
from imports.engine.source_load import SourceLoad
from imports.models import SourceFile
from imports.readers import HeaderMismatchError, Layout, MissingColumnsError, find_layout
from imports.readers.headers import columns_told, meant
from imports.rejected_rows import told_as
from imports.source_files import looks_like
from imports.sources import JSONSource, sources_of


def find_layouts(load: SourceLoad, allow_missing: bool) -> tuple[SourceLoad, list[str]]:
    """Return the load with the layout of every file, and notes.

    Raises ReadError, and ImportRefusedError where files differ.

    A file that lacks more than half of the expected columns, and at least two of them, passes with *allow_missing*
    only. Where its rows are known by a key, and there are records for it to change, it may lack required columns.
    """
    if isinstance(load.source, JSONSource):
        return load, []
    names, layouts, notes = load.source.expected.names, {}, []
    for file in load.read_files:
        layout = _layout(load, file, allow_missing)
        file.unknown_columns = only_unknown(layout.unknown, fixed=file.pk in load.mended)
        layouts[file.pk] = layout
        if _lacks_most(layout.absent, load) and not allow_missing:
            raise ImportRefusedError(
                f"{file.original_name}: {len(layout.absent)} of {len(names)} expected columns are not found: "
                f"{', '.join(meant(layout.absent, layout.unknown, names))}. Nothing was imported. Name the columns in "
                "the first row; or, if the file is to be without them, allow missing columns."
            )
        refuse_absent_columns(load, file, layout)
        if told := columns_told(file.unknown_columns, layout.absent, names):
            notes.append(f"{told_as(file)}: {told}.")
        if layout.defused is not None:
            notes.append(
                f"{told_as(file)} was exported for a spreadsheet: apostrophes before cells that it would run as "
                f"formulas were taken off again, as its column {MARK} says."
            )
    for pk, parts in load.parts.items():
        layouts |= {part.pk: layouts[pk] for part in parts.files.values()}
    first = load.files[0]
    for file in load.files[1:]:
        if differing := set(layouts[file.pk].columns) ^ set(layouts[first.pk].columns):
            raise ImportRefusedError(
                f"{told_as(first)} and {told_as(file)} differ in their columns ({', '.join(sorted(differing))}). "
                "Import them one after the other."
            )
    return replace(load, layouts=layouts), notes


def _layout(load: SourceLoad, file: SourceFile, allow_missing: bool) -> Layout:
    path, source = load.paths[file.pk], load.source
    try:
        return find_layout(path, source.expected, encoding=file.encoding)
    except HeaderMismatchError as error:
        told = ""
        if isinstance(error, MissingColumnsError) and source.key and not set(error.absent) & set(source.key):
            if allow_missing or (not _lacks_most(error.absent, load) and source.model._default_manager.exists()):
                return find_layout(path, source.expected, encoding=file.encoding, allow_missing=True)
            told = " If the file is to change only what it has of records that are stored, allow missing columns."
        if isinstance(error, MissingColumnsError) and allow_missing:
            told = " These columns may not be missing: " + (
                "the key says which record a row is." if source.key else "a row without a key is known by all of them."
            )
        told = looks_like(path, source, sources_of(file.run.dataset), file.encoding) or told
        raise HeaderMismatchError(f"{error}{told}") from None


def _lacks_most(absent: tuple[str, ...], load: SourceLoad) -> bool:
    return len(absent) > max(1, len(load.source.expected.names) / 2)
