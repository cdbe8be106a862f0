"""The files of the analytical copy, in a folder or in any storage that fsspec knows."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO, cast

import fsspec

from analytics.options import options

MOST_MANIFEST = 256 * 2**20  # bytes


class Storage:
    """The files below *location*, which is a folder or a URL. Paths are relative to it."""

    def __init__(self, location: str):
        self.fs, root = fsspec.core.url_to_fs(location)
        self.root = str(root).rstrip("/")
        self.is_local = isinstance(self.fs, fsspec.implementations.local.LocalFileSystem)

    def url(self, path: str) -> str:
        """Return the address of a file for DuckDB and Spark: an absolute path, or a URL."""
        full = f"{self.root}/{path}"
        return full if self.is_local else str(self.fs.unstrip_protocol(full))

    def open(self, path: str) -> BinaryIO:
        """Open a file to read it. Raises OSError."""
        return cast(BinaryIO, self.fs.open(f"{self.root}/{path}", "rb"))

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a small file, or None if there is no such file. Raises OSError."""
        try:
            with self.open(path) as file:
                return file.read(MOST_MANIFEST)
        except FileNotFoundError:
            return None

    def write(self, path: str, blocks: Iterable[bytes]) -> int:
        """Write a new file, and return its size. It is on the disk when this returns. Raises OSError."""
        full, size = f"{self.root}/{path}", 0
        self.fs.makedirs(full.rpartition("/")[0], exist_ok=True)
        with self.fs.open(full, "wb") as file:
            for block in blocks:
                file.write(block)
                size += len(block)
            self._flush(file)
        return size

    def replace(self, path: str, content: bytes) -> None:
        """Write a small file atomically: a reader gets either the old content or the new. Raises OSError."""
        if not self.is_local:
            self.write(path, [content])  # an object store shows an object only when it is complete
            return
        draft = f"{path}.part"
        self.write(draft, [content])
        os.replace(f"{self.root}/{draft}", f"{self.root}/{path}")

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files, and their folders if they are empty. A file that is missing is no error."""
        folders = set()
        for path in paths:
            with suppress(FileNotFoundError):
                self.fs.rm_file(f"{self.root}/{path}")
            folders.add(path.rpartition("/")[0])
        for folder in folders:
            with suppress(OSError):  # not empty, or a storage without folders
                self.fs.rmdir(f"{self.root}/{folder}")

    def files(self, folder: str) -> Iterator[str]:
        """Yield the paths of all files below *folder*."""
        with suppress(FileNotFoundError):
            for full in self.fs.find(f"{self.root}/{folder}"):
                yield str(full)[len(self.root) + 1 :]

    def _flush(self, file: Any) -> None:
        if self.is_local:
            file.flush()
            os.fsync(file.fileno())


@cache
def storage_at(location: str) -> Storage:
    """Return the storage of the copy at *location*."""
    return Storage(location)


def storage() -> Storage:
    """Return the storage of the site's copy."""
    return storage_at(options().copy)
