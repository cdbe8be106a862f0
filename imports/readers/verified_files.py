"""Verify stored files during reading: their bytes must match the SHA-256 under which they were stored."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from imports.file_storage import AlteredCopyError, drop_copy, fetched
from imports.readers.errors import ReadError
from imports.stored_entry import StorageError


class AlteredError(ReadError):
    """A stored file whose bytes have changed, or that no longer exists."""


@dataclass(frozen=True)
class StoredFile(os.PathLike[str]):
    """The path of a stored file, and the SHA-256 of its bytes. If it is in a bucket, opening it fetches a copy."""

    path: Path
    sha256: str

    def __fspath__(self) -> str:
        return str(fetched(self.path, self.sha256))

    def __str__(self) -> str:
        return str(self.path)

    @property
    def size(self) -> int:
        """The current size in bytes."""
        return os.stat(self).st_size


@dataclass(frozen=True)
class Part(os.PathLike[str]):
    """A file in a zip archive: the path of the archive, and the path of the file in it."""

    file: Path | StoredFile
    name: str

    def __fspath__(self) -> str:
        return os.fspath(self.file)

    def __str__(self) -> str:
        return f"{self.file}/{self.name}"


Stored = StoredFile | Part  # of a stored file


class Check:
    """Hashes the bytes read from a StoredFile, and does nothing for other files."""

    def __init__(self, path: str | os.PathLike[str]):
        self._file = path if isinstance(path, StoredFile) else None
        self._digest = hashlib.sha256()

    def add(self, block: bytes) -> None:
        """Add a block. An empty block marks the end of the file. Raises AlteredError at the end if the hash differs."""
        if self._file is None:
            return
        self._digest.update(block)
        if not block and self._digest.hexdigest() != self._file.sha256:
            drop_copy(self._file.path)
            raise _altered(self._file)


def unreadable(file: str | os.PathLike[str], error: OSError) -> ReadError:
    """Return the error for a file that cannot be opened. For a missing stored file, the message includes the remedy."""
    if isinstance(file, StoredFile) and isinstance(error, FileNotFoundError):
        return AlteredError(
            f"{file}: the stored file no longer exists. Nothing was imported. Upload the original file again."
        )
    if isinstance(file, StoredFile) and isinstance(error, AlteredCopyError):
        return _altered(file)
    return ReadError(f"{file}: cannot be read: {error.strerror}.")


def check(file: StoredFile) -> None:
    """Read a stored file to its end.

    Raises AlteredError, StorageError if its bucket cannot be used, or ReadError if it cannot be read.
    """
    checked = Check(file)
    try:
        with open(file, "rb") as opened:
            while block := opened.read(1 << 20):
                checked.add(block)
    except StorageError:
        raise
    except OSError as error:
        raise unreadable(file, error) from None
    checked.add(b"")


def _altered(file: StoredFile) -> AlteredError:
    return AlteredError(
        f"{file}: the stored file has changed since it was received (SHA-256 {file.sha256}). "
        "Nothing was imported. Import the original file again."
    )
