"""The event loop of gunicorn's worker: it waits for requests and for clients, so that no thread has to."""

import errno
import socket
import struct
import sys
from collections import Counter
from functools import partial
from selectors import EVENT_READ
from time import monotonic

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from config import limits
from config.connections import Connection, RefusedError, State
from config.refusing import answer

PIECE = 2**16  # bytes
OFTEN = 0.2  # seconds between two looks for who is too slow
HELD = 2**26  # bytes of requests that are not whole, of all connections together
LINGER = 2.0  # seconds for which what a client still sends is read and dropped, so that it sees the answer
UPLOAD_WAIT = 5.0  # seconds that an upload waits for others to end


class WaitingWorker(ThreadWorker):
    """Gunicorn's own gives a thread to each connection, which then waits in it for the request: a client that sends
    nothing, or little by little, holds it. Here the event loop waits, and refuses a client that is too slow.

    It takes new connections while it has a free thread: another worker may have one.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.reading: dict[Connection, None] = {}  # a request of theirs is expected, or arrives; the oldest first
        self.lingering: dict[Connection, None] = {}
        self.uploads: list[Connection] = []  # that wait for a thread
        self.uploading: Counter[bytes] = Counter()  # by whom
        self.held = 0  # bytes of requests that are not whole
        self._looked = 0.0

    @property
    def worker_connections(self) -> int:
        """How many connections it may have: one for each thread, and those that need none now."""
        idle = len(self.keepalived_conns) + len(self.reading) + len(self.lingering) + len(self.uploads)
        return self.cfg.threads + idle + len(self.pending_conns)

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self.most = most

    def accept(self, listener) -> bool:
        """Take a connection, in place of the oldest that waits where there are too many; False if none came."""
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

    def enqueue_req(self, conn) -> None:
        """Expect a request on a connection; a thread is for when all of it is here."""
        if not isinstance(conn, Connection):
            super().enqueue_req(conn)
            return
        now = monotonic()
        conn.begin(now)
        if not self.alive:
            conn.deadline = min(conn.deadline, now + STOP_KEEPALIVE_LINGER)
        conn.sock.setblocking(False)
        self.reading[conn] = None
        if conn.received:
            self._advance(conn, b"")
        if conn in self.reading:
            self._on_bytes(conn, conn.sock)  # most requests are here already
        if conn in self.reading:
            self._poll(conn, self._on_bytes)

    def _on_bytes(self, conn: Connection, client) -> None:
        if conn not in self.reading:  # ended since the poller told of it
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
            self._refuse(conn, 400, "The request ended before all of it had arrived. Nothing was done with it.")
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
                    "Too many requests arrive at once.",
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
        """Let uploads begin: half of the threads are for other requests, and half of the slots for other accounts."""
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
        """Free the slot of an upload, and let the next one begin."""
        self.uploading[conn.uploader] -= 1
        self.uploading += Counter()  # which forgets who has none
        self.begin_uploads()

    def _dispatch(self, conn: Connection) -> None:
        conn.sock.setblocking(True)
        conn.hand_over()
        super().enqueue_req(conn)

    def _forget(self, conn: Connection) -> None:
        """Stop waiting for what comes by a connection."""
        self.reading.pop(conn, None)
        self.held -= conn.counted
        conn.counted = 0
        if conn.is_polled:
            self.poller.unregister(conn.sock)
            conn.is_polled = False

    def _poll(self, conn: Connection, callback) -> None:
        self.poller.register(conn.sock, EVENT_READ, partial(callback, conn))
        conn.is_polled = True

    def _close(self, conn: Connection) -> None:
        """End a connection that no thread has."""
        self.lingering.pop(conn, None)
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _refuse(self, conn: Connection, status: int, sentence: str, retry: int | None = None) -> None:
        """Answer a request that is not whole, without the site, and end the connection."""
        self._forget(conn)
        self.count(status)
        try:
            conn.sock.send(answer(conn.head, status, sentence, retry))
        except OSError:
            pass
        self.linger(conn)

    def linger(self, conn: Connection) -> None:
        """End a connection once its client has seen the answer: one that is cut while it sends may lose it."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.received, conn.deadline = bytearray(), monotonic() + LINGER
        self.lingering[conn] = None
        self._poll(conn, self._on_rest)

    def _on_rest(self, conn: Connection, client) -> None:
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
        """End the connections whose time is over."""
        super().murder_pending()
        now = monotonic()
        if now - self._looked < OFTEN and self.alive:
            return
        self._looked = now
        for conn in [conn for conn in self.reading if conn.deadline <= now]:
            if conn.received:
                what = "headers" if conn.is_in_headers else "body"
                self._refuse(conn, 408, f"The {what} of the request came too slowly. Nothing was done with it.")
            else:
                self._close(conn)
        for conn in [conn for conn in self.lingering if conn.deadline <= now]:
            self._close(conn)
        while self.uploads and self.uploads[0].deadline <= now:
            self._refuse(
                self.uploads.pop(0),
                503,
                "Other uploads are going on: the server takes few at once, and one account has half of them at most. "
                "Try again in a while.",
                30,
            )

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for conn in self.reading:
            if not conn.received:
                conn.deadline = min(conn.deadline, deadline)

    def on_client_socket_readable(self, conn, client) -> None:
        """Read the next request of a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.enqueue_req(conn)

    def count(self, status: int) -> None:
        if "monitoring.requests" in sys.modules:
            sys.modules["monitoring.requests"].REFUSED.labels(status).inc()
