"""Dataset lock: only one import of a dataset can run at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from datasets.sql.advisory_locks import advisory_lock
from imports.models import ImportRun


class ImportRefusedError(Exception):
    """The import was not applied. The message says why, and what to do. *run* is the failed run, if there is one."""

    def __init__(self, message: str, run: ImportRun | None = None):
        super().__init__(message)
        self.run = run


class CopyRefusedError(ImportRefusedError):
    """A file contains the rows of another file. *copy_of* is the value of ``ImportRun.copy_of``."""

    def __init__(self, message: str, copy_of: dict[str, str]):
        super().__init__(message)
        self.copy_of = copy_of


class ImportLockedError(ImportRefusedError):
    """Another import of the dataset is running."""


class ImportCancelledError(ImportRefusedError):
    """A user cancelled the import."""

    def __init__(self, message: str = "The import was cancelled. Nothing was imported."):
        super().__init__(message)


@contextmanager
def import_lock(dataset: str) -> Iterator[None]:
    """Hold the dataset's lock.

    Raises ImportLockedError if another process holds it. The server manages the lock on PostgreSQL, and the file system
    manages it on SQLite. Both release it when the process dies.
    """
    with process_lock(f"import of {dataset}") as held:
        if not held:
            other = ImportRun.objects.filter(dataset=dataset, status=ImportRun.Status.RUNNING).first()
            raise ImportLockedError(
                f"Another import of {dataset} is running"
                + (f": run {other.pk}, since {other.started_at:%Y-%m-%d %H:%M:%S} UTC" if other else "")
                + ". Try again when it has finished."
            )
        yield


@contextmanager
def process_lock(name: str) -> Iterator[bool]:
    """Hold the lock *name*, and yield whether no other process holds it. It is released when the process dies."""
    with advisory_lock(f"tabularium {name}") if connection.vendor == "postgresql" else _file_lock(name) as held:
        yield held


def unwritable(error: OSError) -> str:
    """Return the message for an error while storing files."""
    return (
        f"{error}. Nothing was imported. Imported files are stored in MEDIA_ROOT: check that this folder is writable "
        "and that the disk is not full."
    )


@contextmanager
def _file_lock(name: str) -> Iterator[bool]:
    path = Path(settings.MEDIA_ROOT, "imports", f".{name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        open_sources = path.open("w")
    except OSError as error:
        raise ImportRefusedError(unwritable(error)) from None
    with open_sources as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
