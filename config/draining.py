"""A gunicorn worker that is told to end takes in every connection that waits, shuts its door, and then finishes."""

from gunicorn.workers.gthread import ThreadWorker


class DrainingWorker(ThreadWorker):
    """Gunicorn's own leaves the door open until its last request is done, and then drops whoever has come to it.

    With the door shut, a proxy that dials is refused at once, before it has sent anything, and asks another replica.
    """

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
