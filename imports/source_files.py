"""Match the files of an import to sources."""

import fnmatch
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.terminal_text import escaped
from imports.exported_tables import derived_table_hint, exported_table
from imports.file_names import as_text, given, shortest
from imports.file_storage import kept_at
from imports.folders import Folders, dangling, read_twice, real_first
from imports.input_files import Given, InputFile, candidates
from imports.readers import OddTextError, Part, ReadError, StoredFile, matches
from imports.readers.archives import is_archive
from imports.readers.decoding import Text
from imports.readers.opened_files import beginning
from imports.readers.table_kinds import table_of
from imports.sources import CSVSource, JSONSource, Source

EXPORTED, BEGINNING = b'"changed_in_file"', 64 << 10  # a name in exported JSON, and the bytes in which it occurs
MOST_LISTED = 1000  # the maximum number of unread paths to list one by one


class FilesError(Exception):
    """Files that cannot be imported. The message names them and states what was expected."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file, which is stored or still in temporary storage."""

    name: str
    sha256: str
    path: Path | None = None


def find_uploads(uploads: Iterable[Upload], sources: list[Source], encoding: str = "utf-8") -> list[InputFile]:
    """Return the uploaded files with their sources. Raises FilesError, whose message uses the upload's name."""
    files: list[InputFile] = []
    for upload in uploads:
        path, name = StoredFile(upload.path or kept_at(upload.sha256), upload.sha256), Path(upload.name)
        try:
            found = candidates(path, name)
            if found[0].path is not path:
                members, unread = _in_folder(path, sources, encoding, called=name)
                notes = tuple(f"{as_text(member)} {why}." for member, why in unread)
                files += [replace(members[0], notes=notes), *members[1:]]
                continue
            called = found[0].called
            fitting = _sources_for(path, called, sources, encoding, outright=True)
            are_documents = bool(fitting) and isinstance(fitting[0], JSONSource)
            if are_documents or not table_of(path, encoding):
                with Text(path, encoding, "JSON" if are_documents else "CSV"):
                    pass  # also check the content of a file that matches only by name, because it may be an image
        except ReadError as error:
            raise FilesError(escaped(str(error).replace(str(path), upload.name), "\n")) from None
        if not fitting and (hint := derived_table_hint(path, called, sources, encoding)):
            raise FilesError(f"{upload.name} cannot be imported. {hint}")
        if not fitting:
            raise _unmatched(name, sources)
        files.append(InputFile(path, tuple(fitting), called))
    return files


def _in_folder(
    path: Path | StoredFile,
    sources: list[Source],
    encoding: str,
    patterns: Sequence[str] = (),
    called: Path | None = None,
) -> tuple[list[InputFile], list[tuple[Path, str]]]:
    """Return a file in a folder if it matches a source, or else the reason why not.

    A zip archive is a folder too. Raises FilesError if none of its files matches, and ReadError if it is damaged.
    *called* is its path under its own name.
    """
    files, unread = list[InputFile](), list[tuple[Path, str]]()
    called = called or given(Path(path))
    for candidate in candidates(path, called):
        fitting, why = _sources_in_folder(candidate.path, candidate.called, sources, encoding, patterns)
        if fitting:
            files.append(InputFile(candidate.path, tuple(fitting), candidate.called))
        else:
            unread.append((path if candidate.path is path and isinstance(path, Path) else candidate.called, why))
    if not files and not (unread and unread[0][0] is path):
        reasons = "".join(f"\n{as_text(name)} {why}." for name, why in unread[:MOST_LISTED])
        raise FilesError(
            f"{as_text(called)} contains no file that matches a source. Expected:\n{describe_sources(sources)}{reasons}"
        )
    return files, unread


def _of_given(
    path: Path, sources: list[Source], encoding: str, patterns: Sequence[str]
) -> tuple[list[InputFile], list[tuple[Path, str]]]:
    """Return a file that was given by name, or the files in it if it is a zip archive, and those that do not match."""
    if is_archive(path):
        return _in_folder(path, sources, encoding, patterns)
    (candidate,) = candidates(path, given(path))
    return [InputFile(path, tuple(_outright(path, candidate.called, sources, encoding)), candidate.called)], []


def _key(file: InputFile) -> Path:
    """Return the path that distinguishes a file from the other files of an import."""
    return file.called if isinstance(file.path, Part) else given(Path(file.path))


def _unmatched(path: Path, sources: list[Source]) -> FilesError:
    return FilesError(
        f"{as_text(path)} does not match any source by name or by columns. Expected:\n{describe_sources(sources)}"
    )


def _unreadable(path: Path) -> FilesError:
    if why := dangling(path):
        return FilesError(f"{as_text(path)} {as_text(why)}.")
    problem = "is neither a file nor a folder" if path.exists() else "does not exist"
    return FilesError(f"{as_text(path)} {problem}. Expected a file or a folder.")


def find(
    paths: Iterable[Path], sources: list[Source], encoding: str = "utf-8", patterns: Sequence[str] = ()
) -> tuple[list[InputFile], list[str]]:
    """Return the files in *paths* and in its folders, and a message for each path that was not read.

    A file belongs to the source whose name pattern it matches, or else to the source whose columns it has. A file in a
    folder that matches one of *patterns* is treated as if it were given by name. Raises FilesError for a path that does
    not exist, and for a given file that matches no source or several. Raises ReadError for a file that cannot be read.
    """
    files_by_path: dict[Path, InputFile] = {}
    folders, unfit = Folders(), list[tuple[Path, str]]()
    folders.exclude(kept_at(""))  # do not import stored files again
    paths = list(paths)
    top = Path(os.path.commonpath([given(path).parent for path in paths]))
    for path in _files_in(folders, real_first(paths, top)):
        try:
            found, skipped = _in_folder(path, sources, encoding, patterns)
        except (FilesError, ReadError):
            found, skipped = [], [(path, "was skipped because none of its files matches a source")]
        for file in found:
            files_by_path.setdefault(_key(file), replace(file, top=top))
        unfit += skipped
    holding = {folder for path in (*files_by_path, *folders.second_names) for folder in (path, *path.parents)}
    for path in paths:
        if path.is_file():
            found, skipped = _of_given(path, sources, encoding, patterns)
            for file in found:
                files_by_path.setdefault(_key(file), replace(file, top=top))
            unfit += [entry for entry in skipped if entry not in unfit]
        elif not path.is_dir():
            raise _unreadable(path)
        elif given(path) not in holding:
            raise FilesError(
                f"{as_text(path)} contains no file that matches a source. Expected:\n{describe_sources(sources)}"
                + "".join(f"\n{as_text(unread)} {why}." for unread, why in folders.unread[:MOST_LISTED])
            )
    plain = ((path, file.has_own_name) for path, file in files_by_path.items() if not isinstance(file.path, Part))
    for path, other in read_twice(plain, top).items():
        folders.add_second_name(path, other)
        del files_by_path[path]
    unread = [*unfit, *folders.unread]
    return list(files_by_path.values()), _messages(files_by_path, sorted(unread))


def _files_in(folders: Folders, paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files in each path that is a folder, and then those behind links."""
    for path in paths:
        if path.is_dir():
            yield from sorted(folders.files_in(path))
    for _, files in folders.files_behind_links():
        yield from sorted(files)


def _messages(paths: Iterable[Path], unread: list[tuple[Path, str]]) -> list[str]:
    """Return a message for each path that was not read, with paths that are as short as possible."""
    names = shortest([*paths, *(given(path) for path, _ in unread)])
    messages = [f"{names[given(path)]} {as_text(why)}." for path, why in unread[:MOST_LISTED]]
    more = len(unread) - MOST_LISTED
    return messages + ([f"Other files and folders that were not read: {more:,}."] if more > 0 else [])


def _outright(path: Given, called: Path, sources: list[Source], encoding: str) -> Sequence[Source]:
    """Return the sources that read a file given by name. Raises FilesError if there is none."""
    if fitting := _sources_for(path, called, sources, encoding, outright=True):
        return fitting
    if hint := derived_table_hint(path, called, sources, encoding):
        raise FilesError(f"{as_text(str(path))} cannot be imported. {hint}")
    raise _unmatched(Path(str(path)), sources)


def describe_sources(sources: list[Source]) -> str:
    """Return a line for each source, with its file names and columns."""
    lines = []
    for source in sources:
        patterns = source.file if isinstance(source.file, tuple) else (source.file,)
        columns = ", ".join(source.bound) if isinstance(source, CSVSource) else "JSON documents"
        patterns = (*patterns, *(f"{pattern} if given by name" for pattern in source.named))
        lines.append(f"  {source.name} ({' or '.join(patterns)}): {columns}")
    return "\n".join(lines)


def other_source_hint(
    path: os.PathLike[str], called: Path, source: Source, sources: list[Source], encoding: str
) -> str:
    """Return a hint that names another source whose columns the file has, or an empty string."""
    if hint := derived_table_hint(path, called, sources, encoding):
        return f" {hint}"
    others = [s for s in sources if isinstance(s, CSVSource) and s.name != source.name]
    for other in others:
        if matches(path, other.expected, encoding=encoding):
            pattern = other.file if isinstance(other.file, str) else other.file[0]
            name = other.name
            return f" The file has the columns of {name}. To import it as {name}, rename it to match {pattern}."
    return ""


def _sources_in_folder(
    path: Given, called: Path, sources: list[Source], encoding: str, patterns: Sequence[str]
) -> tuple[Sequence[Source], str]:
    """Return the sources that read a file found in a folder, or the reason why no source reads it."""
    if any(fnmatch.fnmatchcase(as_text(called.name).lower(), pattern.lower()) for pattern in patterns):
        return _outright(path, called, sources, encoding), ""
    try:
        fitting = _sources_for(path, called, sources, encoding)
        hint = "" if fitting or called.suffix.lower() != ".csv" else derived_table_hint(path, called, sources, encoding)
        return fitting, f"was skipped because it matches no source. {hint}".rstrip(". ")
    except OddTextError as error:
        return [], f"was skipped: {str(error).removeprefix(f'{path}, ').rstrip('.')}"
    except ReadError:
        return [], "was skipped because it matches no source"


def _sources_for(
    path: os.PathLike[str], called: Path, sources: list[Source], encoding: str, *, outright: bool = False
) -> Sequence[Source]:
    named = [source for source in sources if source.fits_name(called, outright=outright)]
    are_documents = bool(named) and isinstance(named[0], JSONSource)
    if are_documents and EXPORTED not in beginning(path, BEGINNING):
        return named  # several sources may read the same JSON document, but only one reads a table
    if exported := exported_table(path, sources if are_documents else named[:1] or sources, encoding):
        return [exported]
    if are_documents:
        return named
    if named:
        return named[:1]
    fitting = [s for s in sources if isinstance(s, CSVSource) and matches(path, s.expected, encoding=encoding)]
    if len(fitting) > 1:
        names = " and ".join(source.name for source in fitting)
        raise FilesError(
            f"{as_text(called)} has the columns of several sources: {names}. "
            "Rename it to match the file name of one of them."
        )
    return fitting
