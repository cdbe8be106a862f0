"""Match the files of an import to sources, and store their bytes by SHA-256."""

import fnmatch
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.terminal_text import escaped
from imports import file_storage
from imports.exported_tables import derived_table_hint, exported_table
from imports.file_names import as_text, given, shortest
from imports.file_storage import kept_at
from imports.folders import Folders, dangling, read_twice, real_first
from imports.readers import OddTextError, ReadError, StoredFile, matches
from imports.readers.decoding import Text
from imports.sources import CSVSource, JSONSource, Source

MOST_LISTED = 1000  # the maximum number of unread paths to list one by one


class FilesError(Exception):
    """Files that cannot be imported. The message names them and states what was expected."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file, which is stored or still in temporary storage."""

    name: str
    sha256: str
    path: Path | None = None


@dataclass(frozen=True)
class InputFile:
    """A file and the sources that read it, in the dataset's order.

    *called* is its path under its own name. *top* is the common folder of all given paths.
    """

    path: Path | StoredFile
    sources: tuple[Source, ...]
    called: Path
    top: Path | None = None

    @property
    def has_own_name(self) -> bool:
        """Whether the file's own name identifies it, instead of the name of its folder."""
        return any(source.folder_of(self.called) == self.called.parent for source in self.sources)

    def keep(self) -> StoredFile:
        """Store a copy of the file if needed, and return the copy."""
        return self.path if isinstance(self.path, StoredFile) else keep(self.path)


def find_uploads(uploads: Iterable[Upload], sources: list[Source], encoding: str = "utf-8") -> list[InputFile]:
    """Return the uploaded files with their sources. Raises FilesError, whose message uses the upload's name."""
    files: list[InputFile] = []
    for upload in uploads:
        path = StoredFile(upload.path or kept_at(upload.sha256), upload.sha256)
        called = Path(upload.name)
        try:
            fitting = _sources_for(path, called, sources, encoding, outright=True)
            with Text(path, encoding, "JSON" if fitting and isinstance(fitting[0], JSONSource) else "CSV"):
                pass  # also check the content of a file that matches only by name, because it may be an image
        except ReadError as error:
            raise FilesError(escaped(str(error).replace(str(path), upload.name), "\n")) from None
        if not fitting and (hint := derived_table_hint(path, called, sources, encoding)):
            raise FilesError(f"{upload.name} cannot be imported. {hint}")
        if not fitting:
            raise FilesError(
                f"{upload.name} does not match any source by name or by columns. Expected:\n{describe_sources(sources)}"
            )
        files.append(InputFile(path, tuple(fitting), called))
    return files


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
    for file in _files_in(folders, real_first(paths, top)):
        fitting, why = _sources_in_folder(file, sources, encoding, patterns)
        if fitting:
            files_by_path.setdefault(given(file), InputFile(file, tuple(fitting), given(file), top))
        else:
            unfit.append((file, why))
    holding = {folder for path in (*files_by_path, *folders.second_names) for folder in (path, *path.parents)}
    for path in paths:
        if path.is_file():
            files_by_path.setdefault(
                given(path), InputFile(path, tuple(_outright(path, sources, encoding)), given(path), top)
            )
        elif not path.is_dir():
            raise _unreadable(path)
        elif given(path) not in holding:
            raise FilesError(
                f"{as_text(path)} contains no file that matches a source. Expected:\n{describe_sources(sources)}"
                + "".join(f"\n{as_text(unread)} {why}." for unread, why in folders.unread[:MOST_LISTED])
            )
    for path, other in read_twice(((path, file.has_own_name) for path, file in files_by_path.items()), top).items():
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


def _outright(path: Path, sources: list[Source], encoding: str) -> Sequence[Source]:
    """Return the sources that read a file given by name. Raises FilesError if there is none."""
    if fitting := _sources_for(path, path, sources, encoding, outright=True):
        return fitting
    if hint := derived_table_hint(path, path, sources, encoding):
        raise FilesError(f"{as_text(path)} cannot be imported. {hint}")
    raise FilesError(
        f"{as_text(path)} does not match any source by name or by columns. Expected:\n{describe_sources(sources)}"
    )


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


def keep(path: Path) -> StoredFile:
    """Copy a file to the storage of imports, and return the copy. An existing copy is replaced."""
    folder = file_storage.folder()
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        opened = path.open("rb")
    except OSError as error:
        raise ReadError(f"{as_text(path)} cannot be read: {error.strerror}.") from None
    with opened as original, tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        try:
            while block := original.read(2**20):
                digest.update(block)
                copy.write(block)
            copy.close()
            # An existing copy may have been altered. The sweep does not delete a new copy for a day.
            file_storage.store(Path(copy.name), digest.hexdigest())
        except BaseException:
            os.unlink(copy.name)
            raise
    return stored(digest.hexdigest())


def stored(sha256: str) -> StoredFile:
    """Return the stored file with that SHA-256. Its bytes are verified during reading."""
    return StoredFile(kept_at(sha256), sha256)


def _sources_in_folder(
    path: Path, sources: list[Source], encoding: str, patterns: Sequence[str]
) -> tuple[Sequence[Source], str]:
    """Return the sources that read a file found in a folder, or the reason why no source reads it."""
    if any(fnmatch.fnmatchcase(as_text(path.name).lower(), pattern.lower()) for pattern in patterns):
        return _outright(path, sources, encoding), ""
    try:
        fitting = _sources_for(path, path, sources, encoding)
        hint = "" if fitting or path.suffix.lower() != ".csv" else derived_table_hint(path, path, sources, encoding)
        return fitting, f"was skipped because it matches no source. {hint}".rstrip(". ")
    except OddTextError as error:
        return [], f"was skipped: {str(error).removeprefix(f'{path}, ').rstrip('.')}"
    except ReadError:
        return [], "was skipped because it matches no source"


def _sources_for(
    path: os.PathLike[str], called: Path, sources: list[Source], encoding: str, *, outright: bool = False
) -> Sequence[Source]:
    named = [source for source in sources if source.fits_name(called, outright=outright)]
    if named and isinstance(named[0], JSONSource):
        return named  # several sources may read the same JSON document, but only one reads a table
    if exported := exported_table(path, named[:1] or sources, encoding):
        return [exported]
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
