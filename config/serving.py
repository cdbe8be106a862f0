"""A gunicorn worker that gives threads to whole requests only, and that ends without dropping a client."""

import errno
import mmap
import resource
import socket
import struct
import sys
import threading
from collections import deque
from functools import partial
from selectors import EVENT_READ
from time import monotonic

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from config import health, limits
from config.connections import Connection, RefusedError, State
from config.refusing import answer, reason_of

OFTEN = 0.1  # seconds
PIECE = 2**16  # bytes
HELD = 2**26  # bytes of requests that are not whole, of all connections together
LINGER = 2.0  # seconds for which what a client still sends is read and dropped, so that it sees the answer
UPLOAD_WAIT = 30.0  # seconds that an upload waits for others to end
# Memory shared with the workers, so that a look costs nothing; here, for a HUP reads gunicorn's own file anew.
told_to_stop = mmap.mmap(-1, 1)


class Worker(ThreadWorker):
    """Gunicorn's own gives a thread to each connection, which then waits in it for the request: a client that sends
    nothing, or little by little, holds it. Here the event loop waits, and refuses who is too slow.

    It takes new connections while it has a free thread: another worker may have one. Its door is open until its last
    request is done. With the door shut, a proxy that dials is refused at once, before it has sent anything, and asks
    another replica.
    """

    _notified = 0.0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.reading: dict[Connection, None] = {}  # a request of theirs is expected, or arrives; the oldest first
        self.lingering: dict[Connection, None] = {}
        self.uploads: deque[Connection] = deque()  # that wait for a thread
        self.uploading = 0
        self._current = threading.local()

    def notify(self) -> None:
        """Tell gunicorn that this process lives: a few times a second, and not at each event."""
        if monotonic() - self._notified > OFTEN:
            self._notified = monotonic()
            super().notify()

    def run(self) -> None:
        """Answer health checks in a thread of its own, and requests until told to stop."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4 * self._most if hard == resource.RLIM_INFINITY else min(hard, 4 * self._most)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        health.answer_in_background()
        super().run()

    # Connections

    @property
    def worker_connections(self) -> int:
        """How many connections it may have: one for each thread, and those that need none now."""
        idle = len(self.keepalived_conns) + len(self.reading) + len(self.lingering) + len(self.uploads)
        return self.cfg.threads + idle + len(self.pending_conns)

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self._most = most

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or stop to accept connections; a worker that ends stops for good."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            taken = None
            while taken != self.nr_conns:
                taken = self.nr_conns
                self.accept(listener)
            listener.close()

    def accept(self, listener) -> None:
        """Take a connection, in place of the one that has waited longest where there are too many."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self._make_room()
            return
        if self.nr_conns >= self._most:
            self._make_room()
        self.nr_conns += 1
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", limits.SEND_SECONDS, 0))
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname()))

    def _make_room(self) -> None:
        if oldest := next(iter(self.lingering or self.reading), None):
            self._close(oldest)

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
            if data and sum(len(other.received) for other in self.reading) > HELD:
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
            self._begin_uploads()
        else:
            self._dispatch(conn)

    def _begin_uploads(self) -> None:
        """Let as many uploads begin as may go on at once: half of the threads are for others."""
        while self.uploads and self.uploading < max(1, self.cfg.threads // 2):
            self.uploading += 1
            self._dispatch(self.uploads.popleft())

    def _dispatch(self, conn: Connection) -> None:
        conn.sock.setblocking(True)
        conn.hand_over()
        super().enqueue_req(conn)

    def _forget(self, conn: Connection) -> None:
        """Stop waiting for what comes by a connection."""
        self.reading.pop(conn, None)
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
        self._count(status)
        try:
            conn.sock.send(answer(conn.head, status, sentence, retry))
        except OSError:
            pass
        self._linger(conn)

    def _linger(self, conn: Connection) -> None:
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
        for conn in [conn for conn in self.reading if conn.deadline <= now]:
            if conn.received:
                what = "headers" if conn.is_in_headers else "body"
                self._refuse(conn, 408, f"The {what} of the request came too slowly. Nothing was done with it.")
            else:
                self._close(conn)
        for conn in [conn for conn in self.lingering if conn.deadline <= now]:
            self._close(conn)
        while self.uploads and self.uploads[0].deadline <= now:
            conn = self.uploads.popleft()
            self._refuse(conn, 503, "Other uploads are going on. Try again in a while.", 30)

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

    # Requests, in their threads but for the first

    def finish_request(self, conn, fs) -> None:
        """Keep a connection whose request is done, or end it; not by waiting for its client, as gunicorn's own does."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        if conn.state is State.UPLOAD:
            self.uploading -= 1
            self._begin_uploads()
        if not fs.cancelled() and not fs.exception() and fs.result():
            super().finish_request(conn, fs)
        else:
            self._linger(conn)

    def handle(self, conn):
        """Handle a request; what gunicorn's parser makes of it may have to be told."""
        self._current.head = bytes(conn.parser.unreader.buf.getvalue()[: limits.HEADERS]) if conn.parser else b""
        return super().handle(conn)

    def handle_request(self, req, conn) -> bool:
        """Have the site answer a request. After an upload the connection ends: more of it may be on its way."""
        if getattr(conn, "state", None) is State.UPLOAD:
            req.force_close()
        try:
            return super().handle_request(req, conn)
        except (TimeoutError, BlockingIOError):
            raise StopIteration("The client does not read its answer.") from None

    def handle_error(self, req, client, addr, exc) -> None:
        """Answer what gunicorn's parser refuses as the site would; a fault of ours goes to the log."""
        status, sentence = reason_of(exc)
        if status == 500:
            self.log.exception("A request could not be answered.")
        self._count(status)
        try:
            client.sendall(answer(self._current.head, status, sentence))
        except OSError:
            self.log.debug("The answer could not be sent.")

    def _count(self, status: int) -> None:
        if "monitoring.requests" in sys.modules:
            sys.modules["monitoring.requests"].REFUSED.labels(status).inc()
