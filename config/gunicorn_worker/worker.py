"""gthread worker that uses threads for complete requests only, and drains on shutdown."""

import mmap
import resource
import socket
import threading
from concurrent.futures import Future
from time import monotonic
from typing import Any

from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from config import limits
from config.gunicorn_worker import health_server
from config.gunicorn_worker.connection import Connection, State
from config.gunicorn_worker.error_responses import answer, reason_of
from config.gunicorn_worker.event_loop import WaitingWorker

OFTEN = 0.1  # seconds
# Memory shared with the workers, which is cheap to read; here, because a HUP reloads config/gunicorn.py.
shutting_down = mmap.mmap(-1, 1)


class Worker(WaitingWorker):
    """Handle complete requests in threads; the event loop receives them (config/gunicorn_worker/event_loop.py).

    On shutdown, the listening sockets close after the last request. A proxy that connects later is refused before it
    sends anything, and tries another replica.
    """

    _notified = 0.0

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._current = threading.local()

    def notify(self) -> None:
        """Send gunicorn a heartbeat, at most a few times per second instead of at each event."""
        if monotonic() - self._notified > OFTEN:
            self._notified = monotonic()
            super().notify()

    def run(self) -> None:
        """Start the thread for health checks, then serve requests until shutdown."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4 * self.most if hard == resource.RLIM_INFINITY else min(hard, 4 * self.most)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        health_server.answer_in_background()
        super().run()

    def set_accept_enabled(self, enabled: bool | None) -> None:  # noqa: FBT001 - gunicorn passes it by position
        """Start or stop accepting connections; on shutdown, stop permanently."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            while self.accept_one(listener):
                pass
            listener.close()

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """Keep or close the connection of a finished request, without waiting for the client as gunicorn does."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        if conn.state is State.UPLOAD:
            self.end_upload(conn)
        if not fs.cancelled() and not fs.exception() and fs.result():
            super().finish_request(conn, fs)
        else:
            self.linger(conn)

    def handle(self, conn: TConn) -> bool:
        """Handle a request; keep its headers, which an error response depends on."""
        received = conn.parser.unreader.buf.getvalue() if isinstance(conn.parser, RequestParser) else b""
        self._current.head = received[: limits.HEADERS]
        return super().handle(conn)

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """Let the site handle a request. After an upload, close the connection, since unread bytes may follow."""
        if getattr(conn, "state", None) is State.UPLOAD:
            req.force_close()
        try:
            return super().handle_request(req, conn)
        except (TimeoutError, BlockingIOError):
            raise StopIteration("The client does not read the response.") from None

    def handle_error(self, req: Request | None, client: socket.socket, addr: object, exc: BaseException) -> None:
        """Respond to parser errors in the format of the site; log internal errors."""
        status, message = reason_of(exc)
        if status == 500:
            self.log.exception("A request failed with an internal error.")
        self.count(status)
        try:
            client.sendall(answer(self._current.head, status, message))
        except OSError:
            self.log.debug("The error response could not be sent.")
