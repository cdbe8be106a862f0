"""Limit the total time of a request's queries, with statement_timeout on PostgreSQL and a progress handler on SQLite.

The limit is set before each statement and reset at the end, so it never remains on a reused connection.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from math import ceil
from threading import Event, Thread
from time import monotonic
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

STEPS = (
    500_000  # SQLite instructions between two calls of the handler: about 20 ms, because a call may wait for the GIL
)
GAP = 0.1  # seconds; if more time passes between two calls, the query did not use all of it
SLACK = 0.1  # fraction of the remaining time by which an existing limit may exceed it, which saves statements
CANCELLED = "57014"  # PostgreSQL's error code query_canceled
STATE = (
    "_tabularium_limits"  # attribute of a PostgreSQL connection: its session's and transaction's limits in milliseconds
)


class QueryTimeError(OperationalError):
    """The queries of a request have exceeded their time limit."""

    def __init__(self, seconds: float):
        super().__init__(f"Queries took longer than {seconds:g} seconds.")
        self.seconds = seconds


class Budget:
    """The time limit of a request's queries and the time used, in seconds."""

    def __init__(self, seconds: float):
        self.seconds, self.spent = seconds, 0.0
        self.executing = False

    @property
    def left(self) -> float:
        """The remaining seconds. Raises QueryTimeError if there are none."""
        if self.spent >= self.seconds:
            raise QueryTimeError(self.seconds)
        return self.seconds - self.spent


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)
_is_watched: ContextVar[bool] = ContextVar("is_watched", default=False)  # while an export reads its first row


def is_limited() -> bool:
    """Return whether queries currently have a time limit."""
    return _budget.get() is not None


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Limit the total time of all queries in the block. 0 means no limit."""
    if not seconds:
        yield
        return
    token = _budget.set(Budget(seconds))
    try:
        with ExitStack() as wrapped:
            for connection in set(connections.all()):
                wrapped.enter_context(connection.execute_wrapper(_within_budget))
            yield
    finally:
        _budget.reset(token)
        for connection in connections.all():
            if connection.connection is not None:
                with suppress(Exception):  # a broken connection is not reused anyway
                    _set_limit(connection, None)


@contextmanager
def unlimited() -> Iterator[None]:
    """Remove the limit in the block or decorated function, such as for imports, undo and exports."""
    token = _budget.set(None)
    try:
        yield
    finally:
        _budget.reset(token)


@contextmanager
def outside_database() -> Iterator[float | None]:
    """Count the time of the block, which asks another engine, as time of queries.

    Yield the remaining seconds, or None without a limit. The block raises TimeoutError when they are used up, which
    becomes a QueryTimeError.
    """
    budget, begun = _budget.get(), monotonic()
    if budget is None:
        yield None
        return
    try:
        yield budget.left
    except TimeoutError as error:
        raise QueryTimeError(budget.seconds) from error
    finally:
        budget.spent += monotonic() - begun


@contextmanager
def first_row_within(seconds: float, connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Limit the duration of the block, which reads the first row of an export from *connection*. 0 means no limit."""
    if not seconds:
        yield
        return
    connection.ensure_connection()
    stop = _stopped_after if connection.vendor == "postgresql" else _interrupted_after
    try:
        with stop(connection, seconds):
            yield
    except OperationalError as error:
        if was_stopped(error):
            raise QueryTimeError(seconds) from error
        raise


def was_stopped(error: BaseException | None) -> bool:
    """Return whether *error* was raised because a query exceeded its time limit."""
    if isinstance(error, QueryTimeError):
        return True
    cause = getattr(error, "__cause__", None)
    return isinstance(error, OperationalError) and (
        getattr(cause, "sqlstate", None) == CANCELLED or str(error) == "interrupted"
    )


def is_locked_out(error: BaseException) -> bool:
    """Return whether *error* was raised because another connection was writing to SQLite for too long."""
    return isinstance(error, OperationalError) and str(error) == "database is locked"


def _within_budget(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001 - as Django calls it
    budget, connection = _budget.get(), context["connection"]
    _set_limit(connection, budget)
    if budget is None:
        return execute(sql, params, many, context)
    begun, budget.executing = monotonic(), True
    try:
        return execute(sql, params, many, context)
    except OperationalError as error:
        if was_stopped(error):
            raise QueryTimeError(budget.seconds) from error
        raise
    finally:
        budget.spent += monotonic() - begun
        budget.executing = False
        if sql.startswith("ROLLBACK TO"):  # it also undoes SET LOCAL
            _forget_local(connection)


def _set_limit(connection: BaseDatabaseWrapper, budget: Budget | None) -> None:
    """Limit the next statement of *connection* to the remaining time of *budget*. None means no limit."""
    if connection.vendor == "postgresql":
        _set_timeout(connection, 0 if budget is None else max(1, ceil(budget.left * 1000)))
    elif budget is None:
        if not _is_watched.get():
            connection.connection.set_progress_handler(None, 0)
    else:
        connection.connection.set_progress_handler(_handler(budget), STEPS)


# SQLite


def _handler(budget: Budget) -> Callable[[], bool]:
    """Return a progress handler, which returns True to stop the query. It is also called while rows are fetched."""
    begun = last = monotonic()
    left = budget.left

    def look() -> bool:
        nonlocal last
        now, before, last = monotonic(), last, monotonic()
        if budget.executing:
            return now - begun > left
        budget.spent += min(now - before, GAP)
        return budget.spent > budget.seconds

    return look


@contextmanager
def _interrupted_after(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    end, driver = monotonic() + seconds, connection.connection
    token = _is_watched.set(True)
    driver.set_progress_handler(lambda: monotonic() > end, STEPS)
    try:
        yield
    finally:
        _is_watched.reset(token)
        driver.set_progress_handler(None, 0)


# PostgreSQL


def _set_timeout(connection: BaseDatabaseWrapper, wanted: int) -> None:
    """Set statement_timeout to about *wanted* milliseconds, or to the server's default for 0.

    In a transaction, this uses SET LOCAL, because the effect of a plain SET would depend on the transaction's commit or
    rollback.
    """
    driver = connection.connection
    status = driver.info.transaction_status.name
    session, local = getattr(driver, STATE, (0, None))
    if status == "IDLE":
        local = None
    elif status != "INTRANS":
        return  # a failed transaction accepts no statements, and an active statement already has its limit
    now = session if local is None else local
    if now != wanted and not (wanted and wanted <= now <= wanted * (1 + SLACK) + 1):
        in_transaction = status == "INTRANS" or not driver.autocommit
        with connection.wrap_database_errors:
            driver.execute(f"SET {'LOCAL ' * in_transaction}statement_timeout TO {wanted or 'DEFAULT'}")
        session, local = (session, wanted) if in_transaction else (wanted, None)
    setattr(driver, STATE, (session, local))


def _forget_local(connection: BaseDatabaseWrapper) -> None:
    driver = connection.connection
    if driver is not None and hasattr(driver, STATE):
        setattr(driver, STATE, (getattr(driver, STATE)[0], None))


@contextmanager
def _stopped_after(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Cancel the connection's query after *seconds*. statement_timeout would apply to the whole export."""
    driver, is_done = connection.connection, Event()

    def watch() -> None:
        if not is_done.wait(seconds):
            driver.cancel_safe(timeout=5)

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_done.set()
        watcher.join()  # otherwise a late cancellation could stop the connection's next query
