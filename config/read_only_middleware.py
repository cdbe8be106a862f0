"""While the primary does not respond, read everything from the replica, and refuse changes.

Sessions, accounts, permissions and tokens are then also those of the replica. So a change that the replica did not
receive, such as a revoked token, has no effect until the primary responds again.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.http import HttpRequest, HttpResponseBase

from config.databases import WAIT
from datasets.http.error_responses import refused
from datasets.http.middleware import GetResponse
from datasets.read_only import HEADER, MESSAGE, REPLICA, read_only

RETRY = 2  # seconds between two attempts to connect to a primary that does not respond
READING = ("GET", "HEAD", "OPTIONS")
IS_READ_ONLY = "25006"  # PostgreSQL's error code read_only_sql_transaction


class Primary:
    """Whether the primary responds to this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_away, self._next = False, 0.0

    def is_away(self) -> bool:
        """Return whether the primary does not respond. While it does not, one request at a time tries to connect."""
        if not self._is_away:
            if not _has_connection() and not _responds():
                self._is_away, self._next = True, monotonic() + RETRY
            return self._is_away
        with self._lock:
            if monotonic() < self._next:
                return True
            self._next = monotonic() + RETRY
        if _responds():
            connections[DEFAULT_DB_ALIAS].close_pool()  # type: ignore[attr-defined]  # it would wait for its next attempt
            self._is_away = False
        return self._is_away


primary = Primary()


class ReadOnlyWithoutPrimary:
    """Middleware for requests while the primary does not respond. It must be before those that use the database."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not primary.is_away():
            unused = copy.copy(request)
            response = self.get_response(request)
            if response.status_code < 500 or request.method not in READING or not primary.is_away():
                return response
            request = unused  # the primary has stopped during the request
        response = self._read(request) if request.method in READING else refused(request, 503, MESSAGE, RETRY)
        response[HEADER] = "the primary database does not respond"
        return response

    def _read(self, request: HttpRequest) -> HttpResponseBase:
        has_written = False

        def watch(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal has_written
            try:
                return execute(*arguments)
            except DatabaseError as error:
                has_written |= getattr(error.__cause__, "sqlstate", None) == IS_READ_ONLY
                raise

        with read_only(), _replica_as_default(), connections[REPLICA].execute_wrapper(watch):
            response = self.get_response(request)
            return refused(request, 503, MESSAGE, RETRY) if has_written and response.status_code >= 500 else response


@contextmanager
def _replica_as_default() -> Iterator[None]:
    """Let this thread use the connection of the replica for all queries in the block."""
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connections[REPLICA]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = usual


def _has_connection() -> bool:
    """Return whether the primary accepts a connection within WAIT seconds; one of the pool needs no query."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        if pool := getattr(connection, "pool", None):
            pool.open()
            with connection.wrap_database_errors, pool.connection(timeout=WAIT):
                return True
        connection.ensure_connection()
    except (DatabaseError, InterfaceError):
        return False
    return True


def _responds() -> bool:
    """Return whether the primary accepts a new connection outside the pool, which may be exhausted."""
    probe = connections[DEFAULT_DB_ALIAS].copy()
    probe.settings_dict["OPTIONS"] |= {"pool": None, "connect_timeout": WAIT}
    try:
        probe.ensure_connection()
    except (DatabaseError, InterfaceError):
        return False
    finally:
        probe.close()
    return True
