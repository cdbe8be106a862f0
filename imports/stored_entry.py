"""A stored file as the storage lists it, and the error of a storage that cannot be used."""

from typing import NamedTuple

AWAY = "The storage of imported files does not respond. Try again in a moment, or inform an administrator."


class StorageError(OSError):
    """The file storage does not respond, or it refuses a request."""


class StoredEntry(NamedTuple):
    """The name of a stored file, its size in bytes, and the time of its last change in seconds since 1970."""

    name: str
    size: int
    changed: float
