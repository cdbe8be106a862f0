"""Connection classes of the PostgreSQL pools, with a cheap liveness check, and with a time limit for replicas."""

import select
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen, Query
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

T = TypeVar("T")


class PooledConnection(psycopg.Connection[Any]):
    """Skip the pool's liveness query unless the socket is readable.

    psycopg's pool sends an empty statement before it hands out a connection. For a
    response with one query, that takes a fifth of the time. The socket becomes readable if the server exits or closes
    the connection.

    If the server has closed this connection, it has probably closed the idle ones too. The pool waits 1 s after the
    first broken connection that it finds, then 2 s, 4 s …; so this class replaces
    all broken connections after the first one.
    """

    def execute(self, query: Query, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        if query == "":
            poller = select.poll()
            poller.register(self.fileno(), select.POLLIN)
            if not poller.poll(0):
                return self.cursor()
            try:
                return super().execute(query)
            except psycopg.OperationalError:
                if isinstance(self._pool, ConnectionPool):
                    self._pool.check()
                raise
        return super().execute(query, *args, **kwargs)


class ReplicaConnection(PooledConnection):
    """Limit how long the client waits for the server. A server that is stopped or stuck enforces no limit itself."""

    longest_wait: float | None = None  # seconds for one answer

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.longest_wait if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status == TransactionStatus.ACTIVE:  # the answer would belong to the next query
                self.close()
            raise
