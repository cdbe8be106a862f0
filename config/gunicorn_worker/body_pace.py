"""Minimum speed of a request body while a thread reads it."""

import socket
from time import monotonic

from gunicorn.http.unreader import SocketUnreader

MOST_CREDIT = 3  # multiple of the grace period, for a client that was faster before


class Pace:
    """A time credit in seconds: waiting uses it up, received bytes restore it at *rate* bytes per second."""

    def __init__(self, grace: float, rate: float | None, most: float):
        self.credit = self._grace = grace
        self._rate = rate
        self._end = monotonic() + most

    def left(self) -> float:
        """Return the maximum wait for the next bytes, in seconds."""
        return min(self.credit, self._end - monotonic())

    def add(self, count: int, waited: float) -> None:
        """Record that *count* bytes were received after *waited* seconds."""
        self.credit -= waited
        if self._rate:
            self.credit = min(self._grace * MOST_CREDIT, self.credit + count / self._rate)


class PacedUnreader(SocketUnreader):
    """Read from a connection as gunicorn does. Raises TimeoutError if the bytes arrive too slowly."""

    def __init__(self, sock: socket.socket, pace: Pace):
        super().__init__(sock)
        self._pace = pace

    def chunk(self, size_hint: int | None = None) -> bytes:
        left, start = self._pace.left(), monotonic()
        if left <= 0:
            raise TimeoutError("The request body arrived too slowly.")
        self.sock.settimeout(left)
        try:
            data = super().chunk(size_hint)  # type: ignore[call-arg]  # the stubs describe gunicorn 26
        finally:
            self.sock.settimeout(None)
        self._pace.add(len(data), monotonic() - start)
        return data
