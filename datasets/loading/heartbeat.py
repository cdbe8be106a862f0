"""How far a run has come, told about once a second beside its transaction, and whether it is still wanted."""

import threading

from django.db import Error as DatabaseError
from django.db import connection, models, transaction
from django.utils import timezone

from datasets.loading.runs import Cancelled
from datasets.models import ImportRun

INTERVAL = 0.25  # seconds between two looks at whether the run is still wanted; every fourth one tells, too
PATIENCE = 100  # milliseconds that what it tells may wait for another writer


class Heartbeat:
    """Tells of *run* in a thread with a connection of its own, which gives up where it would have to wait.

    SQLite has one writer: while the run merges there, nothing is told. To look never waits.
    """

    def __init__(self, run: ImportRun):
        self.run = run
        self.read = self.rows = 0
        self._merging = False
        self._writing = threading.Lock()
        self._cancelled, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of run {run.pk}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._stopped.set()
        self._thread.join()

    def tell(self, read: int, rows: int) -> None:
        """Add the bytes and rows read since the last call; raises Cancelled where the run is not wanted any more."""
        self.read += read
        self.rows += rows
        self.check()

    def check(self) -> None:
        """Raise Cancelled where somebody has asked for it."""
        if self._cancelled.is_set():
            raise Cancelled("It was cancelled. Nothing was imported.")

    def merging(self) -> None:
        """Say that all is staged, before the transaction that merges begins."""
        with self._writing:  # nothing of ours is to stand in the transaction's way
            self._merging = True
        self.check()
        _runs(self.run).update(**self._progress())

    def _progress(self) -> dict:
        return {
            "heartbeat": timezone.now(),
            "bytes_read": self.read,
            "rows_read": self.rows,
            "merging": self._merging,
        }

    def _beat(self) -> None:
        beats = 0
        try:
            while not self._stopped.wait(INTERVAL):
                beats += 1
                try:
                    if beats == 1:
                        _be_impatient()
                    if _runs(self.run).filter(cancel_requested=True).exists():
                        self._cancelled.set()
                    if beats % 4 == 2:
                        self._write()
                except DatabaseError:
                    pass  # somebody else is writing, or the server is away: the next beat tells
        finally:
            connection.close()

    def _write(self) -> None:
        with self._writing:
            if self._merging and connection.vendor == "sqlite":
                return
            with transaction.atomic():
                if connection.vendor == "postgresql":
                    # For this transaction alone: the connection goes back to a pool, from which others take it.
                    with connection.cursor() as cursor:
                        cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE}")
                _runs(self.run).update(**self._progress())


def _runs(run: ImportRun) -> models.QuerySet:
    return ImportRun.objects.filter(pk=run.pk)


def _be_impatient() -> None:
    """Wait for no other writer on SQLite, where the connection ends with the thread."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {PATIENCE}")
