"""How many streams go on at once: at most half of what a process has, so that pages never wait for a download."""

from threading import RLock

from django.conf import settings

from exports.errors import TooManyStreamsError

_lock = RLock()  # what is collected as garbage gives its slot back wherever a thread happens to be: here, too
_taken = 0


class Slot:
    """The right to serve one stream, taken when it is made; raises TooManyStreamsError where none is free."""

    def __init__(self):
        global _taken
        self._held = False
        with _lock:
            if _taken >= settings.STREAMS_AT_ONCE:
                raise TooManyStreamsError(settings.STREAMS_AT_ONCE)
            _taken += 1
            self._held = True

    def release(self) -> None:
        """Give it back; once, however often this is called."""
        global _taken
        with _lock:
            if self._held:
                self._held = False
                _taken -= 1


def taken() -> int:
    """Return how many streams of this process go on."""
    return _taken
