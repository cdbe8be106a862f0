"""The files that an import reads: plain and compressed files, and files in zip archives; stored by their SHA-256."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from imports import file_storage
from imports.file_names import as_text
from imports.models import SourceFile
from imports.readers import Part, ReadError, Stored, StoredFile
from imports.readers.archives import is_archive, members, size_of
from imports.readers.unpacking import DECOMPRESSORS, SUFFIXES, without_suffix
from imports.sources import Source

Given = Path | StoredFile | Part


@dataclass(frozen=True)
class Candidate:
    """A file to match with sources. *called* is its path under its own name, without the suffix of a compression."""

    path: Given
    called: Path


@dataclass(frozen=True)
class InputFile:
    """A file and the sources that read it, in the dataset's order.

    *called* is its path under its own name. *top* is the common folder of all given paths. *notes* are about other
    files of its archive.
    """

    path: Given
    sources: tuple[Source, ...]
    called: Path
    top: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def has_own_name(self) -> bool:
        """Whether the file's own name identifies it, instead of the name of its folder."""
        return any(source.folder_of(self.called) == self.called.parent for source in self.sources)

    def keep(self) -> Stored:
        """Store a copy of the file or of its archive if needed, and return the copy."""
        if isinstance(self.path, Part):
            return Part(_kept(self.path.file), self.path.name)
        return _kept(self.path)


def candidates(path: Path | StoredFile, called: Path) -> list[Candidate]:
    """Return the file, or the files in it if it is a zip archive. Raises ReadError for a damaged archive."""
    if not is_archive(path):
        return [Candidate(path, Path(without_suffix(called)))]
    return [Candidate(member.part, called / member.folder_path) for member in members(path)]


def is_in_folder(path: Given, called: Path) -> bool:
    """Return whether the file is in a folder of a zip archive."""
    return isinstance(path, Part) and len(called.parts) > 2


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


def _kept(path: Path | StoredFile) -> StoredFile:
    return path if isinstance(path, StoredFile) else keep(path)


def stored(sha256: str) -> StoredFile:
    """Return the stored file with that SHA-256. Its bytes are verified during reading."""
    return StoredFile(file_storage.kept_at(sha256), sha256)


def stored_file(file: SourceFile) -> Stored:
    """Return the stored file, or the file in a stored archive, that an import has read as *file*."""
    return Part(stored(file.sha256), file.part) if file.part else stored(file.sha256)


def stored_size(path: Stored) -> int:
    """Return the size of a stored file, or of its part in a stored archive, in bytes."""
    return size_of(path) if isinstance(path, Part) else path.size


def download_name(file: SourceFile) -> str:
    """Return a name for the bytes of a stored file, with the suffix of its compression."""
    if file.part:
        return f"{file.original_name}.zip"
    with open(stored(file.sha256), "rb") as opened:
        start = opened.read(8)
    suffixes = zip(DECOMPRESSORS, SUFFIXES, strict=True)
    return file.original_name + next((suffix for signature, suffix in suffixes if start.startswith(signature)), "")
