"""Save the progress of a run about once a second, outside its transaction, and check whether it was cancelled."""

import ctypes
import threading
from time import monotonic
from types import TracebackType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db import Error as DatabaseError
from django.utils import timezone

from imports import merge_steps
from imports.engine.locks import ImportCancelledError
from imports.models import ImportRun

INTERVAL = 0.25  # seconds between two checks for cancellation; every fourth check also saves the progress
THROW_AFTER = 0.7  # seconds that a cancelled run has to stop by itself
PATIENCE = 100  # milliseconds to wait for another writer when saving the progress


class Heartbeat:
    """Saves the progress of *run* in a thread with its own connection.

    If a lock is held, it skips saving instead of waiting. SQLite allows only one writer, so only the steps are saved
    there while the run merges, in a file. Checking for cancellation never waits.
    """

    def __init__(self, run: ImportRun):
        self.run = run
        self.read = self.rows = 0
        self.steps = self.steps_done = 0  # of the merge
        self._merging = False
        self._writing = threading.Lock()
        self._cancelled, self._stopped = threading.Event(), threading.Event()
        self._asked_at: float | None = None  # when the cancellation was detected
        self._noticed = self._thrown = False
        self._throwing = threading.Lock()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of run {run.pk}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._connection, self._worker = connections[DEFAULT_DB_ALIAS], threading.get_ident()
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            with self._throwing:
                self._stopped.set()  # after this, no exception is raised in the import's thread
            _let_it_arrive()
        except ImportCancelledError:
            self._stopped.set()
        self._thread.join()
        merge_steps.forget(self.run)
        if self._thrown:  # the connection may still be executing a statement
            if self._connection.connection is not None:
                self._connection.connection.close()
            self._connection.close()
        if self._cancelled.is_set() and not self._merging and isinstance(error, DatabaseError):
            raise ImportCancelledError from None  # the cancellation interrupted its statement

    def add(self, read: int, rows: int) -> None:
        """Add the bytes and rows read since the last call. Raises ImportCancelledError if the run was cancelled."""
        self.read += read
        self.rows += rows
        self.check()

    def check(self) -> None:
        """Raise ImportCancelledError if the run was cancelled."""
        if self._cancelled.is_set():
            self._noticed = True
            raise ImportCancelledError

    def step(self, count: int = 1) -> None:
        """Record that a step of the merge is complete, or several."""
        self.steps_done += count
        merge_steps.save(self.run, self.steps_done)

    def merging(self, steps: int) -> None:
        """Record that staging is complete and *steps* follow. Call it before the merge transaction begins."""
        self.steps = steps
        with self._writing:  # a write by this thread must not block the transaction
            self._merging = True
        self.check()
        _runs(self.run).update(**self._progress())

    def _progress(self) -> dict[str, Any]:
        return {
            "heartbeat": timezone.now(),
            "bytes_read": self.read,
            "rows_read": self.rows,
            "merging": self._merging,
            "merge_steps": self.steps,
            "merge_steps_done": self.steps_done,
        }

    def _beat(self) -> None:
        beats = 0
        try:
            while not self._stopped.wait(INTERVAL):
                beats += 1
                try:
                    if beats == 1:
                        _set_short_timeout()
                    if _runs(self.run).filter(cancel_requested=True).exists():
                        self._cancelled.set()
                    if self._cancelled.is_set():
                        self._stop_worker()
                    if beats % 4 == 2:
                        self._write()
                except DatabaseError:
                    pass  # another writer holds the lock, or the server is down: try again at the next heartbeat
        finally:
            connection.close()

    def _stop_worker(self) -> None:
        """Interrupt the current statement of the run, and then the run itself, but never while it merges.

        A run checks for cancellation itself, except while it waits for the server, sorts many documents or hashes a
        large file.
        """
        self._asked_at = self._asked_at or monotonic()
        with self._writing:
            if self._merging or self._noticed:
                return
            driver = self._connection.connection
            if driver is not None:
                driver.interrupt() if connection.vendor == "sqlite" else driver.cancel_safe(timeout=0.5)
            with self._throwing:
                if monotonic() - self._asked_at > THROW_AFTER and not (self._thrown or self._stopped.is_set()):
                    self._thrown = True
                    _throw(self._worker, ImportCancelledError)

    def _write(self) -> None:
        with self._writing:
            if self._merging and connection.vendor == "sqlite":
                return
            with transaction.atomic():
                if connection.vendor == "postgresql":
                    # This applies only to the current transaction, because the connection returns to a pool.
                    with connection.cursor() as cursor:
                        cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE}")
                _runs(self.run).update(**self._progress())


def _runs(run: ImportRun) -> models.QuerySet[ImportRun]:
    return ImportRun.objects.filter(pk=run.pk)


def _throw(thread: int, error: type[Exception]) -> None:
    """Raise *error* in a thread at its next Python instruction.

    Do not cancel the error with NULL. Python 3.11 would then check for an error at every instruction for the rest of
    the process, and a traced process (with a debugger or coverage) would hang.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _let_it_arrive() -> None:
    """Do nothing. When a thread calls a function, Python raises an error that another thread has set for it."""


def _set_short_timeout() -> None:
    """Set a short busy timeout on SQLite. The connection is closed when the thread ends."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {PATIENCE}")
