"""Lock of a dataset, which allows one import at a time, and the end of a run."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from imports.models import ImportRun


class ImportRefusedError(Exception):
    """The import was not applied; the message says why and what to do."""


class ImportLockedError(ImportRefusedError):
    """Another import of the dataset is running."""


class ImportCancelledError(ImportRefusedError):
    """A user cancelled the import."""

    def __init__(self, message: str = "The import was cancelled. Nothing was imported."):
        super().__init__(message)


# Fields that the run's own process writes at its end. Others write progress and cancellation meanwhile.
REPORT = ["status", "error", "finished_at", "notes", "new_terms", "tables_seen", "dry_run", "delete_most"]


@contextmanager
def import_lock(dataset: str) -> Iterator[list[ImportRun]]:
    """Hold the dataset's lock; mark interrupted runs as such and yield them.

    The lock belongs to the server on PostgreSQL and to the file system on SQLite. Both release it when the process
    dies, so a running run whose lock is free has lost its process. Raises ImportLockedError.
    """
    with _advisory_lock(dataset) if connection.vendor == "postgresql" else _file_lock(dataset) as held:
        running = ImportRun.objects.filter(dataset=dataset, status=ImportRun.Status.RUNNING)
        if not held:
            other = running.first()
            raise ImportLockedError(
                f"Another import of {dataset} is running"
                + (f": run {other.pk}, since {other.started_at:%Y-%m-%d %H:%M:%S} UTC" if other else "")
                + ". Try again when it has finished."
            )
        interrupted = list(running)
        for run in interrupted:
            finish(
                run, ImportRun.Status.INTERRUPTED, "The process of the run ended unexpectedly. Nothing was imported."
            )
        yield interrupted


def finish(run: ImportRun, status: ImportRun.Status, error: str = "") -> None:
    """Save the final status of *run*."""
    run.status, run.error, run.finished_at = status, error, timezone.now()
    run.save(update_fields=REPORT)


def unwritable(error: OSError) -> str:
    """Return the message for an error while storing files."""
    return (
        f"{error}. Nothing was imported. Imported files are stored in MEDIA_ROOT: check that this folder is writable "
        "and that the disk is not full."
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
