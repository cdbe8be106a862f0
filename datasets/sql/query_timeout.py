"""A limit for the time that the queries of one request take: statement_timeout on PostgreSQL, a handler on SQLite.

The time of all queries of the request counts together. The limit is set before a statement and lifted at the end, so
that it never stays on a connection that others use next.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import ceil
from threading import Event, Thread
from time import monotonic
from typing import Any

from django.db import OperationalError, connection

STEPS = 500_000  # of SQLite between two looks at the clock, each of which may wait for another thread: about 20 ms
GAP = 0.1  # seconds; a longer time between two looks was not spent by the query alone
SLACK = 0.1  # of the time left, by which a limit that is set already may be longer
CANCELLED = "57014"  # PostgreSQL's code for a statement that was stopped
STATE = "_tabularium_limits"  # of a connection to PostgreSQL: milliseconds of its session and of its transaction


class QueryTimeError(OperationalError):
    """The queries of a request took longer than they may."""

    def __init__(self, seconds: float):
        super().__init__(f"Queries took longer than {seconds:g} seconds.")


class Budget:
    """Seconds that the queries of a request may take, and how many they took so far."""

    def __init__(self, seconds: float):
        self.seconds, self.spent = seconds, 0.0
        self.executing = False

    @property
    def left(self) -> float:
        """The seconds left; raises QueryTimeError where there are none."""
        if self.spent >= self.seconds:
            raise QueryTimeError(self.seconds)
        return self.seconds - self.spent


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)
_is_watched: ContextVar[bool] = ContextVar("is_watched", default=False)  # an export reads its first row


def is_limited() -> bool:
    """Tell whether a query that is made now has a limit."""
    return _budget.get() is not None


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Limit the time of all queries in the block together; 0 seconds are no limit."""
    if not seconds:
        yield
        return
    token = _budget.set(Budget(seconds))
    try:
        with connection.execute_wrapper(_within_budget):
            yield
    finally:
        _budget.reset(token)
        if connection.connection is not None:
            with suppress(Exception):  # a connection that is broken goes to nobody else
                _set_limit(None)


@contextmanager
def unlimited() -> Iterator[None]:
    """Let queries in the block, or in the function, take their time: imports, undo, exports and what they refresh."""
    token = _budget.set(None)
    try:
        yield
    finally:
        _budget.reset(token)


@contextmanager
def first_row_within(seconds: float) -> Iterator[None]:
    """Limit the time until the block ends, in which the first row of an export is read; 0 seconds are no limit."""
    if not seconds:
        yield
        return
    connection.ensure_connection()
    stop = _stopped_after if connection.vendor == "postgresql" else _interrupted_after
    try:
        with stop(seconds):
            yield
    except OperationalError as error:
        if was_stopped(error):
            raise QueryTimeError(seconds) from error
        raise


def was_stopped(error: BaseException | None) -> bool:
    """Tell whether *error* comes of a query that took too long."""
    if isinstance(error, QueryTimeError):
        return True
    cause = getattr(error, "__cause__", None)
    return isinstance(error, OperationalError) and (
        getattr(cause, "sqlstate", None) == CANCELLED or str(error) == "interrupted"
    )


def _within_budget(execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    budget = _budget.get()
    _set_limit(budget)
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
        if sql.startswith("ROLLBACK TO"):  # which takes back what was set since
            _forget_local()


def _set_limit(budget: Budget | None) -> None:
    """Let the next statement take what is left of *budget*; None is no limit."""
    if connection.vendor == "postgresql":
        _set_timeout(0 if budget is None else max(1, ceil(budget.left * 1000)))
    elif budget is None:
        if not _is_watched.get():
            connection.connection.set_progress_handler(None, 0)
    else:
        connection.connection.set_progress_handler(_handler(budget), STEPS)


# SQLite


def _handler(budget: Budget) -> Callable[[], bool]:
    """Return what SQLite calls while it works; it stops where that returns True. Rows are read after execute, too."""
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
def _interrupted_after(seconds: float) -> Iterator[None]:
    end, driver = monotonic() + seconds, connection.connection
    token = _is_watched.set(True)
    driver.set_progress_handler(lambda: monotonic() > end, STEPS)
    try:
        yield
    finally:
        _is_watched.reset(token)
        driver.set_progress_handler(None, 0)


# PostgreSQL


def _set_timeout(wanted: int) -> None:
    """Let statement_timeout be about *wanted* milliseconds, or the server's own for 0.

    In a transaction it is set for that alone: else it would stay, or be taken back, with what the transaction does.
    """
    from psycopg.pq import TransactionStatus

    driver = connection.connection
    status = driver.pgconn.transaction_status
    session, local = getattr(driver, STATE, (0, None))
    if status == TransactionStatus.IDLE:
        local = None
    elif status != TransactionStatus.INTRANS:
        return  # a failed transaction takes no statement, and one that goes on has its limit
    now = session if local is None else local
    if now != wanted and not (wanted and wanted <= now <= wanted * (1 + SLACK) + 1):
        in_transaction = status == TransactionStatus.INTRANS or not driver.autocommit
        driver.execute(f"SET {'LOCAL ' * in_transaction}statement_timeout TO {wanted or 'DEFAULT'}")
        session, local = (session, wanted) if in_transaction else (wanted, None)
    setattr(driver, STATE, (session, local))


def _forget_local() -> None:
    driver = connection.connection
    if driver is not None and hasattr(driver, STATE):
        setattr(driver, STATE, (getattr(driver, STATE)[0], None))


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Cancel what the connection does after *seconds*: statement_timeout would count to the end of an export."""
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
        watcher.join()  # so that no cancellation comes late, to what the connection does next
