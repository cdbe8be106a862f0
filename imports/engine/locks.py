"""The record of a run, and the lock that lets a dataset have one import at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from imports.models import ImportRun


class ImportRefusedError(Exception):
    """An import that was not applied: one sentence that says why, and what to do."""


class ImportLockedError(ImportRefusedError):
    """Another import of the dataset is going on."""


class ImportCancelledError(ImportRefusedError):
    """Somebody has stopped the import."""

    def __init__(self, message: str = "It was cancelled. Nothing was imported."):
        super().__init__(message)


# What a run itself writes of its end; how far it has come, and whether to go on, is written beside it by others.
REPORT = ["status", "error", "finished_at", "notes", "new_lookups", "tables_seen", "dry_run", "remove_most"]


@contextmanager
def only_one(dataset: str) -> Iterator[list[ImportRun]]:
    """Hold the dataset's lock; yields the runs that were found interrupted, and marks them so.

    The lock is the server's on PostgreSQL and the file system's on SQLite. Either lets go of a process that dies, so
    a run that says it is running while the lock is free is one whose process is gone. Raises ImportRefusedError.
    """
    with _advisory_lock(dataset) if connection.vendor == "postgresql" else _file_lock(dataset) as held:
        running = ImportRun.objects.filter(dataset=dataset, status=ImportRun.Status.RUNNING)
        if not held:
            other = running.first()
            raise ImportLockedError(
                f"Another import of {dataset} is going on"
                + (f": run {other.pk}, since {other.started_at:%Y-%m-%d %H:%M:%S} UTC" if other else "")
                + ". Start this one when it is done."
            )
        interrupted = list(running)
        for run in interrupted:
            finish(run, ImportRun.Status.INTERRUPTED, "Its process ended before it was done; nothing of it was stored.")
        yield interrupted


def finish(run: ImportRun, status: ImportRun.Status, error: str = "") -> None:
    """Record how *run* ended."""
    run.status, run.error, run.finished_at = status, error, timezone.now()
    run.save(update_fields=REPORT)


def unwritable(error: OSError) -> str:
    """Return what is said where what an import keeps could not be written."""
    return (
        f"{error}. Nothing was imported. Imports are kept under MEDIA_ROOT: see that it names a folder that can be "
        "written, and that there is room."
    )


@contextmanager
def _advisory_lock(dataset: str) -> Iterator[bool]:
    key = f"tabularium import of {dataset}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held and connection.connection and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


@contextmanager
def _file_lock(dataset: str) -> Iterator[bool]:
    path = Path(settings.MEDIA_ROOT, "imports", f".{dataset}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("w")
    except OSError as error:
        raise ImportRefusedError(unwritable(error)) from None
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
