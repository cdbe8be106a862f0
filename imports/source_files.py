"""The files of an import: which source each belongs to, and their bytes, kept by sha256."""

import fnmatch
import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from datasets.terminal_text import escaped
from imports.exported_tables import exported_table, instead
from imports.file_names import as_text, given, shortest
from imports.folders import Folders, dangling, read_twice, real_first
from imports.readers import OddTextError, ReadError, StoredFile, matches
from imports.readers.decoding import Text
from imports.sources import CSVSource, JSONSource, Source

MOST_TOLD = 1000  # paths that were not read; of more, their number is told


class FilesError(Exception):
    """Files that cannot be imported as they were named: a sentence that says which, and what was expected."""


@dataclass(frozen=True)
class Upload:
    """A file that came by browser: kept already, or still in its temporary place."""

    name: str
    sha256: str
    path: Path | None = None


@dataclass(frozen=True)
class Found:
    """A file, and the sources that read it, in the dataset's order; *called* is its path under its own name.

    *top* is the folder that everything was in that was given to be imported.
    """

    path: Path | StoredFile
    sources: tuple[Source, ...]
    called: Path
    top: Path | None = None

    def keep(self) -> StoredFile:
        """Return where its bytes are kept, and their sha256."""
        return self.path if isinstance(self.path, StoredFile) else keep(self.path)


def find_uploads(uploads: Iterable[Upload], sources: list[Source], encoding: str = "utf-8") -> list[Found]:
    """Return the uploaded files with their sources; raises FilesError and ReadError, which speak of them by name."""
    found = []
    for upload in uploads:
        path = StoredFile(upload.path or kept_at(upload.sha256), upload.sha256)
        called = Path(upload.name)
        try:
            fitting = _sources_for(path, sources, encoding, called, outright=True)
            with Text(path, encoding, "JSON" if fitting and isinstance(fitting[0], JSONSource) else "CSV"):
                pass  # one that only its name speaks for is looked at, too: it may be a picture
        except ReadError as error:
            raise FilesError(escaped(str(error).replace(str(path), upload.name), "\n")) from None
        if not fitting and (told := instead(path, sources, encoding)):
            raise FilesError(f"{upload.name} fills no table. {told}")
        if not fitting:
            raise FilesError(
                f"{upload.name} fits no source, neither by name nor by its columns. Expected:\n{described(sources)}"
            )
        found.append(Found(path, tuple(fitting), called))
    return found


def find(
    paths: Iterable[Path], sources: list[Source], encoding: str = "utf-8", patterns: Sequence[str] = ()
) -> tuple[list[Found], list[str]]:
    """Return the files among *paths*, folders searched through, and a sentence for each path that was not read.

    A file belongs to the source that names it, else to the one whose columns it has; one in a folder whose name
    matches one of *patterns* is taken as if it were named outright. Raises FilesError for a path that is not there,
    and for a file named outright that fits none or several; ReadError for one that cannot be read.
    """
    found: dict[Path, Found] = {}
    folders, unfit = Folders(), []
    folders.pass_over(kept_at(""))  # imports that were kept are not to come again

    def search(files: Iterable[Path]) -> None:
        for file in files:
            if matched := any(fnmatch.fnmatchcase(as_text(file.name).lower(), p.lower()) for p in patterns):
                fitting, why = _outright(file, sources, encoding), ""
            else:
                fitting, why = _sources_in_folder(file, sources, encoding)
            if fitting:
                found.setdefault(given(file), Found(file, tuple(fitting), given(file), top))
            elif not matched:
                unfit.append((file, why))

    paths = list(paths)
    top = Path(os.path.commonpath([given(path).parent for path in paths]))
    for path in real_first(paths, top):
        if path.is_dir():
            search(sorted(folders.files_in(path)))
    for _, files in folders.files_behind_links():
        search(sorted(files))
    holding = {folder for path in (*found, *folders.again) for folder in (path, *path.parents)}
    for path in paths:
        if path.is_dir():
            if given(path) not in holding:
                raise FilesError(
                    f"{as_text(path)} holds no file that fits a source. Expected:\n{described(sources)}"
                    + "".join(f"\n{as_text(one)} {why}." for one, why in folders.unread[:MOST_TOLD])
                )
        elif path.is_file():
            found.setdefault(given(path), Found(path, tuple(_outright(path, sources, encoding)), given(path), top))
        elif why := dangling(path):
            raise FilesError(f"{as_text(path)} {as_text(why)}.")
        else:
            what = "is neither a file nor a folder" if path.exists() else "is not there: expected a file or a folder"
            raise FilesError(f"{as_text(path)} {what}.")
    own_name = ((path, any(s.folder_of(path) == path.parent for s in one.sources)) for path, one in found.items())
    for path, other in read_twice(own_name, top).items():
        folders.tell_again(path, other)
        del found[path]
    unread = [*unfit, *folders.unread]
    return list(found.values()), _told(found, sorted(unread))


def _told(found: Iterable[Path], unread: list[tuple[Path, str]]) -> list[str]:
    """Return a sentence for each path that was not read, which names it by as much of it as is needed."""
    names = shortest([*found, *(given(path) for path, _ in unread)])
    told = [f"{names[given(path)]} {as_text(why)}." for path, why in unread[:MOST_TOLD]]
    more = len(unread) - MOST_TOLD
    return told + ([f"{more:,} more files and folders were not read."] if more > 0 else [])


def _outright(path: Path, sources: list[Source], encoding: str) -> list[Source]:
    """Return the sources that read a file which was named; raises FilesError where there is none."""
    if fitting := _sources_for(path, sources, encoding, outright=True):
        return fitting
    if told := instead(path, sources, encoding):
        raise FilesError(f"{as_text(path)} fills no table. {told}")
    raise FilesError(
        f"{as_text(path)} fits no source, neither by name nor by its columns. Expected:\n{described(sources)}"
    )


def described(sources: list[Source]) -> str:
    """Return the sources with the files and columns they expect, a line each."""
    lines = []
    for source in sources:
        patterns = source.file if isinstance(source.file, tuple) else (source.file,)
        columns = ", ".join(source.bound) if isinstance(source, CSVSource) else "JSON documents"
        patterns = (*patterns, *(f"{pattern} where it is named itself" for pattern in source.named))
        lines.append(f"  {source.name} ({' or '.join(patterns)}): {columns}")
    return "\n".join(lines)


def looks_like(path: Path, source: Source, sources: list[Source], encoding: str) -> str:
    """Return a sentence that says which other source a file fits by its columns; nothing where none does."""
    if told := instead(path, sources, encoding):
        return f" {told}"
    others = [s for s in sources if isinstance(s, CSVSource) and s.name != source.name]
    for other in others:
        if matches(path, other.expected, encoding=encoding):
            pattern = other.file if isinstance(other.file, str) else other.file[0]
            return f" By its columns it looks like {other.name}: if it is, call it as those are called, {pattern}."
    return ""


def keep(path: Path) -> StoredFile:
    """Copy a file to where imports are kept, and return the copy, which takes the place of any that is there."""
    folder = Path(settings.MEDIA_ROOT, "imports")
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
            # A file of that name may have been altered; a new one is left for a day by the sweep of what no run owns.
            kept = stored(digest.hexdigest())
            os.replace(copy.name, kept)
        except BaseException:
            os.unlink(copy.name)
            raise
    return kept


def stored(sha256: str) -> StoredFile:
    """Return the kept file with that sha256, to be read: by its bytes, not by its name alone."""
    return StoredFile(kept_at(sha256), sha256)


def kept_at(sha256: str) -> Path:
    """Return where the bytes of the file with that sha256 are kept."""
    return Path(settings.MEDIA_ROOT, "imports", sha256)


def _sources_in_folder(path: Path, sources: list[Source], encoding: str) -> tuple[list[Source], str]:
    """Return the sources that read a file found in a folder, where other things may lie too, and why none may."""
    try:
        fitting = _sources_for(path, sources, encoding)
        told = "" if fitting or path.suffix.lower() != ".csv" else instead(path, sources, encoding)
        return fitting, f"fits no source and was passed over. {told}".rstrip(". ")
    except OddTextError as error:
        return [], f"was passed over: {str(error).removeprefix(f'{path}, ').rstrip('.')}"
    except ReadError:
        return [], "fits no source and was passed over"


def _sources_for(
    path: Path, sources: list[Source], encoding: str, called: Path | None = None, *, outright: bool = False
) -> list[Source]:
    named = [source for source in sources if source.fits_name(called or path, outright=outright)]
    if named and isinstance(named[0], JSONSource):
        return named  # several sources may read one JSON document; a table has one
    if exported := exported_table(path, named[:1] or sources, encoding):
        return [exported]
    if named:
        return named[:1]
    fitting = [s for s in sources if isinstance(s, CSVSource) and matches(path, s.expected, encoding=encoding)]
    if len(fitting) > 1:
        names = " and ".join(source.name for source in fitting)
        which = as_text(called or path)
        raise FilesError(f"{which} fits more than one source by its columns: {names}. Call it as one of them does.")
    return fitting
