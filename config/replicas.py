"""Read replicas: which database server answers a request that only reads.

Reads of dataset tables are sent to the replica if it has the version of the dataset that the primary has. The
request reads all of its rows from one snapshot of the replica, so they all belong to that version. Sessions, accounts,
tokens, imports and the history are always read from the primary, and everything is written there.

If the replica does not respond, is behind, or raises an error, the primary answers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from threading import Lock
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponseBase

from config.databases import WAIT
from datasets.matviews import views_of
from datasets.read_only import REPLICA, is_read_only
from datasets.registry import dataset_apps
from datasets.sql.query_timeout import unlimited, was_stopped
from exports.responses import ExportResponse
from monitoring.metrics import Counter

REQUESTS = Counter(
    "tabularium_replica_requests",
    "Requests that read datasets, by answer: replica, or why the primary answered (behind, failed, away).",
    ["answer"],
)
SHORTEST, LONGEST = 1, 60  # seconds until a replica that did not respond is tried again
View = Callable[..., HttpResponseBase]
Versions = dict[str, int]


class Breaker:
    """Skip a server that does not respond: for a second at first, and twice as long after each further trial."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seconds, self._until = 0.0, 0.0

    def may_try(self) -> bool:
        """Return whether to use the server. While it does not respond, one thread at a time tries."""
        with self._lock:
            if self._seconds:
                if monotonic() < self._until:
                    return False
                self._pause(2 * self._seconds)
            return True

    def fail(self) -> None:
        """Note that the server did not respond."""
        with self._lock:
            if not self._seconds:
                self._pause(SHORTEST)

    def succeed(self) -> None:
        """Note that the server responded."""
        self._seconds = 0.0

    def _pause(self, seconds: float) -> None:
        self._seconds = min(seconds, LONGEST)
        self._until = monotonic() + self._seconds


breaker = Breaker()  # of this process


class Reading:
    """The database servers of one request that only reads. *has_failed* if rows from the replica cannot be used."""

    def __init__(self) -> None:
        self.replica = connections[REPLICA]
        self.is_open = self.has_failed = False
        self._uses_primary = False
        self._of_primary: Versions = {}
        self._of_replica: Versions = {}
        self._aliases: dict[str, str] = {}

    def alias_of(self, dataset: str) -> str:
        """Return the alias of the server for the tables of *dataset*, the same one for the whole request.

        In a transaction of the primary, it is the primary, because the transaction may have written.
        """
        if is_read_only():
            return REPLICA if self.is_open or self._open() else DEFAULT_DB_ALIAS
        if self._uses_primary or self.has_failed or connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return DEFAULT_DB_ALIAS
        if dataset not in self._aliases:
            self._aliases[dataset] = REPLICA if self._is_current(dataset) else DEFAULT_DB_ALIAS
        return self._aliases[dataset]

    def use_primary(self) -> None:
        """Read from the primary from now on."""
        self._uses_primary = True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note the errors of the replica in the block, which the view may handle."""
        self.replica.execute_wrappers.insert(0, self._watch)  # outermost, to see the errors of the other wrappers
        try:
            yield
        finally:
            self.replica.execute_wrappers.remove(self._watch)

    def close(self) -> None:
        """End the snapshot."""
        if self.is_open:
            self.is_open = False
            _end(self.replica)

    def _is_current(self, dataset: str) -> bool:
        if not self.is_open and not self._open():
            self.use_primary()
            return False
        is_current = all(self._of_primary.get(name) == self._of_replica.get(name) for name in _versions_of(dataset))
        REQUESTS.labels("replica" if is_current else "behind").inc()
        return is_current

    def _open(self) -> bool:
        """Read the versions of the primary, and those in a new snapshot of the replica. Return False if it is away."""
        if not breaker.may_try():
            REQUESTS.labels("away").inc()
            return False
        if not is_read_only():  # the primary does not respond
            self._of_primary = _stored_versions(connections[DEFAULT_DB_ALIAS])
        try:
            self.replica.set_autocommit(False)
            self._wait_at_most(WAIT)
            self._of_replica = _stored_versions(self.replica)
            # The server stops slower queries itself.
            self._wait_at_most(WAIT + max(settings.QUERY_SECONDS, settings.FIRST_ROW_SECONDS))
        except (DatabaseError, InterfaceError) as error:
            _end(self.replica)
            if was_stopped(error):
                raise
            breaker.fail()
            REQUESTS.labels("away").inc()
            return False
        breaker.succeed()
        self.is_open = True
        return True

    def _wait_at_most(self, seconds: float) -> None:
        self.replica.connection.longest_wait = seconds

    def _watch(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return execute(*arguments)
        except DatabaseError as error:
            if self.is_open and not (was_stopped(error) and self._continues()):
                self._fail()
            raise

    def _continues(self) -> bool:
        """Return whether the view can continue with the replica after a query that took too long.

        The transaction cannot, so this begins a new one. It must have the same versions.
        """
        if self.replica.in_atomic_block:
            return True  # with its savepoint
        self.is_open = False
        try:
            with unlimited():
                self.replica.rollback()
                return _stored_versions(self.replica) == self._of_replica
        except (DatabaseError, InterfaceError):
            return False
        finally:
            self.is_open = True

    def _fail(self) -> None:
        self.has_failed = True
        REQUESTS.labels("failed").inc()
        if self.replica.connection is None or self.replica.connection.closed:
            breaker.fail()


_reading: ContextVar[Reading | None] = ContextVar("reading", default=None)


class Router:
    """Send reads of dataset tables to the server of the request, and everything else to the primary."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        reading = _reading.get()
        return reading.alias_of(model._meta.app_label) if reading and _is_data(model) else DEFAULT_DB_ALIAS

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        if (reading := _reading.get()) and _is_data(model):
            reading.use_primary()  # which alone has the rows that the request writes or locks
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *objects: models.Model, **hints: Any) -> bool:
        return True  # both servers have the same rows

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db != REPLICA


def read_from_replica(view: View) -> View:
    """Let *view* read datasets from the replica if the request only reads.

    If an error of the replica has affected the response, the view is called again and reads from the primary. The
    first row of an export is read here, so that such an error is found before the response begins.
    """

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        reading = Reading()
        token = _reading.set(reading)
        try:
            with reading.watching():
                response = _complete(view(request, *args, **kwargs))
        except Exception as error:
            is_of_server = isinstance(error, DatabaseError) and reading.is_open and not was_stopped(error)
            reading.close()
            if not (reading.has_failed or is_of_server):
                raise
        else:
            if not reading.has_failed:
                if not response.streaming:  # a stream reads from the snapshot until Django closes the connection
                    reading.close()
                return response
            if isinstance(response, ExportResponse):
                response.file.close()
            reading.close()
        finally:
            _reading.reset(token)
        return view(request, *args, **kwargs)

    return answer


def _complete(response: HttpResponseBase) -> HttpResponseBase:
    """Render a template response, and read the first row of an export."""
    if isinstance(response, ExportResponse):
        with unlimited():  # otherwise the limit of the request would stop the whole export
            response.file.begin()
    render = getattr(response, "render", None)
    return render() if callable(render) else response


def _end(connection: BaseDatabaseWrapper) -> None:
    """End the transaction of a connection that only reads. Close the connection if it is broken."""
    try:
        connection.rollback()
        connection.set_autocommit(True)
    except (DatabaseError, InterfaceError):
        with suppress(DatabaseError, InterfaceError):
            connection.close()


def _stored_versions(connection: BaseDatabaseWrapper) -> Versions:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, number FROM versions")
        return dict(cursor.fetchall())


@cache
def _versions_of(dataset: str) -> list[str]:
    """Return the names of the versions of *dataset* and of its summary tables."""
    return [dataset, *(view._meta.db_table for view in views_of(dataset))]


@cache
def _is_data(model: type[models.Model]) -> bool:
    """Return whether *model* is a table or a summary table of a dataset."""
    return model._meta.app_label in dataset_apps()
