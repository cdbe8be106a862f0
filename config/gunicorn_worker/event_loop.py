"""Event loop of the gunicorn worker, which waits for slow requests and clients instead of a thread."""

import errno
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from time import monotonic
from typing import Any

# The stubs describe gunicorn 26.
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker  # type: ignore[attr-defined]

from config import limits
from config.gunicorn_worker.connection import Connection, RefusedError, State
from config.gunicorn_worker.error_responses import answer

PIECE = 2**16  # bytes
OFTEN = 0.2  # seconds between two checks for slow clients
HELD = 2**26  # maximum bytes of incomplete requests, of all connections together
LINGER = 2.0  # seconds to read and discard what a client still sends, so that it receives the response
UPLOAD_WAIT = 5.0  # seconds that an upload waits for other uploads to end


class WaitingWorker(ThreadWorker):
    """A gthread worker that receives requests in its event loop.

    gunicorn's gthread worker gives each connection a thread, which waits for the request: a client that sends slowly
    occupies it. Here the event loop waits, and refuses clients that are too slow. The worker accepts new connections
    only while it has a free thread, because another worker may have one.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.reading: dict[Connection, None] = {}  # waiting for a request or receiving it; oldest first
        self.lingering: dict[Connection, None] = {}
        self.uploads: list[Connection] = []  # waiting for a thread
        self.uploading: Counter[bytes] = Counter()  # by account
        self.held = 0  # bytes of incomplete requests
        self._looked = 0.0

    @property
    def worker_connections(self) -> int:
        """Maximum number of connections: one per thread, plus those that currently need no thread."""
        idle = len(self.keepalived_conns) + len(self.reading) + len(self.lingering) + len(self.uploads)
        threads: int = self.cfg.threads
        return threads + idle + len(self.pending_conns)

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self.most = most

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection when the event loop finds one."""
        self.accept_one(listener)

    def accept_one(self, listener: socket.socket) -> bool:
        """Accept a connection; if there are too many, close the oldest idle one. Return False if there was none."""
        if self.cfg.is_ssl:
            before = self.nr_conns
            super().accept(listener)
            return self.nr_conns != before
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            return self._make_room()
        if self.nr_conns >= self.most:
            self._make_room()
        self.nr_conns += 1
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", limits.SEND_SECONDS, 0))
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname()))
        return True

    def _make_room(self) -> bool:
        oldest = next(iter(self.lingering or self.reading), None)
        if oldest:
            self._close(oldest)
        return bool(oldest)

    def enqueue_req(self, conn: TConn) -> None:
        """Start receiving a request on a connection; a thread handles it once it is complete."""
        if not isinstance(conn, Connection):
            super().enqueue_req(conn)
            return
        now = monotonic()
        conn.begin(now)
        if not self.alive:
            conn.deadline = min(conn.deadline, now + STOP_KEEPALIVE_LINGER)
        conn.sock.settimeout(0)
        self.reading[conn] = None
        if conn.received:
            self._advance(conn, b"")
        if conn in self.reading:
            self._on_bytes(conn, conn.sock)  # most requests have already arrived
        if conn in self.reading:
            self._poll(conn, self._on_bytes)

    def _on_bytes(self, conn: Connection, client: socket.socket) -> None:
        if conn not in self.reading:  # closed since the poller reported it
            return
        try:
            data = client.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._close(conn)
            return
        if data:
            self._advance(conn, data)
        elif conn.received:
            self._refuse(conn, 400, "The request was incomplete. Nothing was changed.")
        else:
            self._close(conn)

    def _advance(self, conn: Connection, data: bytes) -> None:
        try:
            conn.add(data, monotonic())
        except RefusedError as error:
            self._refuse(conn, error.status, str(error))
            return
        except OSError:
            self._close(conn)
            return
        if conn.state is State.WAITING:
            self.held += len(conn.received) - conn.counted
            conn.counted = len(conn.received)
            if self.held > HELD:
                self._refuse(
                    max(self.reading, key=lambda other: len(other.received)),
                    503,
                    "The server is receiving too many requests.",
                    5,
                )
            return
        self._forget(conn)
        if conn.state is State.UPLOAD:
            conn.deadline = monotonic() + UPLOAD_WAIT
            self.uploads.append(conn)
            self.begin_uploads()
        else:
            self._dispatch(conn)

    def begin_uploads(self) -> None:
        """Start waiting uploads: at most half of the threads, and for one account at most half of those."""
        slots = max(1, self.cfg.threads // 2)
        share = max(1, slots // 2)
        for conn in list(self.uploads):
            if self.uploading.total() >= slots:
                return
            if self.uploading[conn.uploader] < share:
                self.uploads.remove(conn)
                self.uploading[conn.uploader] += 1
                self._dispatch(conn)

    def end_upload(self, conn: Connection) -> None:
        """Free the slot of a finished upload, and start the next one."""
        self.uploading[conn.uploader] -= 1
        self.uploading += Counter()  # drops accounts without uploads
        self.begin_uploads()

    def _dispatch(self, conn: Connection) -> None:
        conn.sock.settimeout(None)
        conn.hand_over()
        super().enqueue_req(conn)

    def _forget(self, conn: Connection) -> None:
        """Stop receiving on a connection."""
        self.reading.pop(conn, None)
        self.held -= conn.counted
        conn.counted = 0
        if conn.is_polled:
            self.poller.unregister(conn.sock)
            conn.is_polled = False

    def _poll(self, conn: Connection, callback: Callable[[Connection, socket.socket], None]) -> None:
        self.poller.register(conn.sock, EVENT_READ, partial(callback, conn))
        conn.is_polled = True

    def _close(self, conn: Connection) -> None:
        """Close a connection that no thread uses."""
        self.lingering.pop(conn, None)
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _refuse(self, conn: Connection, status: int, message: str, retry: int | None = None) -> None:
        """Respond to an incomplete request without the site, and close the connection."""
        self._forget(conn)
        self.count(status)
        try:
            conn.sock.send(answer(conn.head, status, message, retry))
        except OSError:
            pass
        self.linger(conn)

    def linger(self, conn: Connection) -> None:
        """Close a connection gracefully: if it is reset while the client sends, the client may lose the response."""
        try:
            conn.sock.settimeout(0)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.received, conn.deadline = bytearray(), monotonic() + LINGER
        self.lingering[conn] = None
        self._poll(conn, self._on_rest)

    def _on_rest(self, conn: Connection, client: socket.socket) -> None:
        if conn not in self.lingering:
            return
        try:
            if client.recv(PIECE):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self._close(conn)

    def murder_pending(self) -> None:
        """Close the connections that exceeded their time limits."""
        super().murder_pending()
        now = monotonic()
        if now - self._looked < OFTEN and self.alive:
            return
        self._looked = now
        for conn in [conn for conn in self.reading if conn.deadline <= now]:
            if conn.received:
                what = "headers" if conn.is_in_headers else "body"
                self._refuse(conn, 408, f"The request {what} arrived too slowly. Nothing was changed.")
            else:
                self._close(conn)
        for conn in [conn for conn in self.lingering if conn.deadline <= now]:
            self._close(conn)
        while self.uploads and self.uploads[0].deadline <= now:
            self._refuse(
                self.uploads.pop(0),
                503,
                "The server is busy with other uploads. It accepts only a few at the same time, and at most half of "
                "them from one account. Try again later.",
                30,
            )

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)  # type: ignore[misc]  # the stubs describe gunicorn 26
        for conn in self.reading:
            if not conn.received:
                conn.deadline = min(conn.deadline, deadline)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Receive the next request of a kept connection."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.enqueue_req(conn)

    def count(self, status: int) -> None:
        """Count a refused request in the metrics."""
        if "monitoring.middleware" in sys.modules:
            sys.modules["monitoring.middleware"].REFUSED.labels(status).inc()
