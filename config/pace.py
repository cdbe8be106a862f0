"""How slowly the body of a request may arrive while a thread reads it."""

from time import monotonic

from gunicorn.http.unreader import SocketUnreader

MOST_CREDIT = 3  # times the grace, for a client that was faster before


class Pace:
    """A credit of seconds: waiting for bytes uses it up, and bytes earn it, at *rate* a second."""

    def __init__(self, grace: float, rate: float | None, most: float):
        self.credit = self._grace = grace
        self._rate = rate
        self._end = monotonic() + most

    def left(self) -> float:
        """Return for how many seconds the next bytes may be waited for."""
        return min(self.credit, self._end - monotonic())

    def add(self, count: int, waited: float) -> None:
        """Note that *count* bytes have arrived after so many seconds."""
        self.credit -= waited
        if self._rate:
            self.credit = min(self._grace * MOST_CREDIT, self.credit + count / self._rate)


class PacedUnreader(SocketUnreader):
    """Reads from a connection as gunicorn does; raises TimeoutError where bytes come too slowly."""

    def __init__(self, sock, pace: Pace):
        super().__init__(sock)
        self._pace = pace

    def chunk(self, size_hint=None) -> bytes:
        left, start = self._pace.left(), monotonic()
        if left <= 0:
            raise TimeoutError("The body of the request came too slowly.")
        self.sock.settimeout(left)
        try:
            data = super().chunk(size_hint)
        finally:
            self.sock.settimeout(None)
        self._pace.add(len(data), monotonic() - start)
        return data
