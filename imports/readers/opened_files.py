"""Open a file, a compressed file, or a file in a zip archive, and read its unpacked bytes."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from django.conf import settings

from imports.readers.archives import member_blocks
from imports.readers.errors import ReadError
from imports.readers.unpacking import Counted, UnpackError, unpacked
from imports.readers.verified_files import Check, Part, StoredFile, check, unreadable

PIECE = 64 << 10  # bytes
LOOKED_AT = 1024  # bytes at the beginning to examine for the kind of file


class OpenedFile:
    """The unpacked bytes of a file. Stored files are verified when they have been read to their end.

    *start* is their beginning, which ``read`` returns again. *in_memory* means that all of them are read into memory,
    so compressed data (*is_packed*) has a lower limit. Opening and reading raise ReadError and UnpackError.
    """

    def __init__(self, path: str | os.PathLike[str], *, in_memory: bool = False):
        self._path, self._check = path, Check(path)
        try:
            self._file: IO[bytes] = open(path, "rb")
        except OSError as error:
            raise unreadable(path, error) from None
        try:
            self._counted, self._blocks = self._opened()
            self.is_packed = self._blocks is not None
            self._limit = _memory_limit() if in_memory and self._blocks is not None else None
            self._size = 0  # bytes unpacked
            self._waiting = b""
            self.start = self.read(LOOKED_AT)
            self._waiting = self.start + self._waiting  # the rest of the first block
        except OSError as error:
            self._file.close()
            raise ReadError(f"{path}: cannot be read: {error.strerror}.") from None
        except BaseException:
            self._file.close()
            raise

    @property
    def bytes_read(self) -> int:
        """The number of bytes read of the file, or of the part of an archive."""
        return self._counted.count

    def read(self, size: int) -> bytes:
        """Return *size* bytes, or fewer at the end of the file, or b"" after its end."""
        parts, missing = [self._waiting], size - len(self._waiting)
        self._waiting = b""
        while missing > 0:
            block = self._next_block() if self._blocks is not None else self._counted(missing)
            if not block:
                break
            parts.append(block)
            missing -= len(block)
        data = b"".join(parts)
        if missing < 0:
            data, self._waiting = data[:size], data[size:]
        if not data and size:
            self._verify()
        return data

    def close(self) -> None:
        self._file.close()

    def _opened(self) -> tuple[Counted, Iterator[bytes] | None]:
        if isinstance(self._path, Part):
            blocks, counted = member_blocks(self._path, self._file)
            return counted, blocks
        counted = Counted(self._read)
        beginning = self._file.read(LOOKED_AT)
        self._file.seek(0)
        return counted, unpacked(counted, beginning)

    def _next_block(self) -> bytes:
        try:
            block = next(self._blocks or iter(()), b"")
            self._size += len(block)
            if self._limit is not None and self._size > self._limit:
                raise UnpackError(
                    f"the compressed data contains more than {self._limit:,} bytes, the limit for documents. Split the "
                    "file, or increase UPLOAD_LIMIT."
                )
        except UnpackError:
            if isinstance(stored := _whole(self._path), StoredFile):
                check(stored)  # raises AlteredError if the stored file has changed
            raise
        return block

    def _read(self, size: int) -> bytes:
        block = self._file.read(size)
        if block:
            self._check.add(block)
        return block

    def _verify(self) -> None:
        if isinstance(self._path, Part):
            if isinstance(self._path.file, StoredFile):
                check(self._path.file)
        else:
            self._check.add(b"")


def _whole(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    return path.file if isinstance(path, Part) else path


def beginning(path: str | os.PathLike[str], size: int) -> bytes:
    """Return the first *size* unpacked bytes of a file, or fewer if it is shorter or damaged. Raises ReadError."""
    data = b""
    with suppress(UnpackError):
        opened = OpenedFile(path)
        try:
            while len(data) < size and (block := opened.read(min(size - len(data), PIECE))):
                data += block
        finally:
            opened.close()
    return data


def _memory_limit() -> int:
    """Return the maximum size of unpacked data that is read into memory as a whole, such as JSON documents."""
    limit: int = min(settings.UNPACKED_LIMIT, settings.UPLOAD_LIMIT)
    return limit
