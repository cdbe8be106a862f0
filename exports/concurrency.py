"""Limit the number of concurrent streams of a process, so that downloads never use all threads."""

from threading import RLock

from django.conf import settings

from exports.errors import TooManyStreamsError

_lock = RLock()  # reentrant, because the garbage collector may release a permit while this thread holds the lock
_taken = 0


class StreamPermit:
    """A permit to serve one stream, which is acquired on creation. Raises TooManyStreamsError if none is available."""

    def __init__(self) -> None:
        global _taken
        self._held = False
        with _lock:
            if _taken >= settings.STREAMS_AT_ONCE:
                raise TooManyStreamsError(settings.STREAMS_AT_ONCE)
            _taken += 1
            self._held = True

    def release(self) -> None:
        """Release the permit. Further calls have no effect."""
        global _taken
        with _lock:
            if self._held:
                self._held = False
                _taken -= 1


def taken() -> int:
    """Return the number of streams that this process is serving."""
    return _taken
