"""Files that were stored by their sha256: what is read of them is hashed, and refused where it is something else."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from imports.readers.errors import ReadError


class AlteredError(ReadError):
    """A stored file whose bytes are not those that were stored."""


@dataclass(frozen=True)
class StoredFile(os.PathLike):
    """A path, and the sha256 of the bytes that were stored there."""

    path: Path
    sha256: str

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return self.path.stat().st_size


class Check:
    """Hashes what is read of a file; of one that is no StoredFile, nothing is known and nothing is hashed."""

    def __init__(self, path: str | os.PathLike):
        self._file = path if isinstance(path, StoredFile) else None
        self._digest = hashlib.sha256() if self._file else None

    def add(self, block: bytes) -> None:
        """Go on with a block; an empty one is the end. Raises AlteredError there."""
        if self._digest is None:
            return
        self._digest.update(block)
        if not block and self._digest.hexdigest() != self._file.sha256:
            raise AlteredError(
                f"{self._file}: the stored bytes are not those that were received (sha256 {self._file.sha256}). The "
                "stored file has been changed since, so nothing was imported. Import the file itself again."
            )


def unreadable(file: str | os.PathLike, error: OSError) -> ReadError:
    """Return the error of a file that cannot be opened: of a stored one that is gone, with what to do."""
    if isinstance(file, StoredFile) and isinstance(error, FileNotFoundError):
        return AlteredError(
            f"{file}: the stored file is not there any more, so nothing was imported. Upload the file itself again."
        )
    return ReadError(f"{file}: cannot be read: {error.strerror}.")


def check(file: StoredFile) -> None:
    """Read a stored file to its end; raises AlteredError, and ReadError where it cannot be read."""
    checked = Check(file)
    try:
        with open(file, "rb") as opened:
            while block := opened.read(1 << 20):
                checked.add(block)
    except OSError as error:
        raise unreadable(file, error) from None
    checked.add(b"")
