"""A gunicorn worker that takes what it has a thread for, and that ends without dropping whoever has come to it."""

from time import monotonic

from gunicorn.workers.gthread import ThreadWorker

from monitoring.health import is_draining

OFTEN = 0.1  # seconds


class Worker(ThreadWorker):
    """Gunicorn's own takes connections that then wait for one of its threads, while another worker may have one free.

    And it leaves the door open until its last request is done. With the door shut, a proxy that dials is refused at
    once, before it has sent anything, and asks another replica.
    """

    # Both touch a file, at which the threads of a process pass on the right to run: not with each request.
    _notified = _looked = 0.0
    _drains = False

    def notify(self) -> None:
        """Tell gunicorn that this process lives."""
        if monotonic() - self._notified > OFTEN:
            self._notified = monotonic()
            super().notify()

    @property
    def drains(self) -> bool:
        """Whether this server was told to stop, and only finishes what it has in hand."""
        if monotonic() - self._looked > OFTEN:
            self._looked, self._drains = monotonic(), is_draining()
        return self._drains

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
