"""Find the layouts of a run's files, and report missing and unknown columns."""

from dataclasses import replace
from pathlib import Path

from exports.formula_escaping import MARK
from imports.engine.absent_columns import refuse_absent_columns
from imports.engine.fixed_rows import only_unknown
from imports.engine.locks import ImportRefusedError
from imports.engine.source_load import SourceLoad
from imports.models import SourceFile
from imports.readers import HeaderMismatchError, Layout, MissingColumnsError, find_layout
from imports.readers.headers import columns_note, meant
from imports.rejected_rows import line_file_name
from imports.source_files import other_source_hint
from imports.sources import JSONSource, sources_of


def find_layouts(load: SourceLoad, *, allow_missing: bool) -> tuple[SourceLoad, list[str]]:
    """Return the load with the layout of every file, and notes.

    A file that lacks more than half of the expected columns, and at least two, is accepted only with *allow_missing*. A
    file may lack required columns if its rows have a key and there are records to update. Raises ReadError, and
    ImportRefusedError if the files have different columns.
    """
    if isinstance(load.source, JSONSource):
        return load, []
    names, layouts, notes = load.csv_source.expected.names, dict[int, Layout](), list[str]()
    for file in load.read_files:
        layout = _layout(load, file, allow_missing=allow_missing)
        file.unknown_columns = only_unknown(layout.unknown, fixed=file.pk in load.resubmissions)
        layouts[file.pk] = layout
        if _lacks_most(layout.absent, load) and not allow_missing:
            raise ImportRefusedError(
                f"{file.original_name}: {len(layout.absent)} of {len(names)} expected columns are missing: "
                f"{', '.join(meant(layout.absent, layout.unknown, names))}. Nothing was imported. Name the columns in "
                "the first row; or, if the file does not have them, allow missing columns."
            )
        refuse_absent_columns(load, file, layout)
        if differences := columns_note(file.unknown_columns, layout.absent, names):
            notes.append(f"{line_file_name(file)}: {differences}.")
        if layout.defused is not None:
            notes.append(
                f"{line_file_name(file)} is a spreadsheet-safe export (column {MARK}). "
                "The import removed the apostrophes before formulas."
            )
    for pk, parts in load.parts.items():
        layouts |= {part.pk: layouts[pk] for part in parts.files.values()}
    first = load.files[0]
    for file in load.files[1:]:
        if differing := set(layouts[file.pk].columns) ^ set(layouts[first.pk].columns):
            raise ImportRefusedError(
                f"{line_file_name(first)} and {line_file_name(file)} have different columns "
                f"({', '.join(sorted(differing))}). Import them one by one."
            )
    return replace(load, layouts=layouts), notes


def _layout(load: SourceLoad, file: SourceFile, *, allow_missing: bool) -> Layout:
    path, source = load.paths[file.pk], load.csv_source
    try:
        return find_layout(path, source.expected, encoding=file.encoding)
    except HeaderMismatchError as error:
        remedy = ""
        if isinstance(error, MissingColumnsError) and source.key and not set(error.absent) & set(source.key):
            if allow_missing or (not _lacks_most(error.absent, load) and source.model._default_manager.exists()):
                return find_layout(path, source.expected, encoding=file.encoding, allow_missing=True)
            remedy = " If the file updates only some columns of existing records, allow missing columns."
        if isinstance(error, MissingColumnsError) and allow_missing:
            remedy = " These columns are always required: " + (
                "they are the key of the rows." if source.key else "all columns together identify a row without a key."
            )
        called, sources = Path(file.original_name), sources_of(file.run.dataset)
        remedy = other_source_hint(path, called, source, sources, file.encoding) or remedy
        raise HeaderMismatchError(f"{error}{remedy}") from None


def _lacks_most(absent: tuple[str, ...], load: SourceLoad) -> bool:
    return len(absent) > max(1, len(load.csv_source.expected.names) / 2)
