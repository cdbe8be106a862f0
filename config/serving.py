"""A gunicorn worker that gives threads to whole requests only, and that ends without dropping a client."""

import mmap
import resource
import threading
from time import monotonic

from config import health, limits
from config.connections import Connection, State
from config.refusing import answer, reason_of
from config.waiting import WaitingWorker

OFTEN = 0.1  # seconds
# Memory shared with the workers, so that a look costs nothing; here, for a HUP reads gunicorn's own file anew.
told_to_stop = mmap.mmap(-1, 1)


class Worker(WaitingWorker):
    """Answers whole requests in its threads; its event loop waits for them (config/waiting.py).

    Its door is open until its last request is done. With the door shut, a proxy that dials is refused at once, before
    it has sent anything, and asks another replica.
    """

    _notified = 0.0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._current = threading.local()

    def notify(self) -> None:
        """Tell gunicorn that this process lives: a few times a second, and not at each event."""
        if monotonic() - self._notified > OFTEN:
            self._notified = monotonic()
            super().notify()

    def run(self) -> None:
        """Answer health checks in a thread of its own, and requests until told to stop."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4 * self.most if hard == resource.RLIM_INFINITY else min(hard, 4 * self.most)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        health.answer_in_background()
        super().run()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or stop to accept connections; a worker that ends stops for good."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            while self.accept(listener):
                pass
            listener.close()

    def finish_request(self, conn, fs) -> None:
        """Keep a connection whose request is done, or end it; not by waiting for its client, as gunicorn's own does."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        if conn.state is State.UPLOAD:
            self.end_upload(conn)
        if not fs.cancelled() and not fs.exception() and fs.result():
            super().finish_request(conn, fs)
        else:
            self.linger(conn)

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
        self.count(status)
        try:
            client.sendall(answer(self._current.head, status, sentence))
        except OSError:
            self.log.debug("The answer could not be sent.")
