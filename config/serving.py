"""A gunicorn worker that takes what it has a thread for, and that ends without dropping whoever has come to it."""

import mmap
from time import monotonic

from gunicorn.workers.gthread import ThreadWorker

OFTEN = 0.1  # seconds
# Memory shared with the workers, so that a look costs nothing; here, for a HUP reads gunicorn's own file anew.
told_to_stop = mmap.mmap(-1, 1)


class Worker(ThreadWorker):
    """Gunicorn's own takes connections that then wait for one of its threads, while another worker may have one free.

    And it leaves the door open until its last request is done. With the door shut, a proxy that dials is refused at
    once, before it has sent anything, and asks another replica.
    """

    _notified = 0.0

    def notify(self) -> None:
        """Tell gunicorn that this process lives: a few times a second, and not at each event."""
        if monotonic() - self._notified > OFTEN:
            self._notified = monotonic()
            super().notify()

    @property
    def worker_connections(self) -> int:
        """How many connections it may have: those that nothing is asked of, and one for each thread."""
        return min(self._most, self.cfg.threads + len(self.keepalived_conns) + len(self.pending_conns))

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
