"""Whether the current request can only read, because the primary database does not respond."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REPLICA = "replica"  # the alias of the read replicas in settings.DATABASES
MESSAGE = "The site is read-only, because its main database does not respond. Try again later."
HEADER = "Read-Only"  # the response header of such a request

_is_read_only: ContextVar[bool] = ContextVar("is_read_only", default=False)


def is_read_only() -> bool:
    """Return whether the current request can only read."""
    return _is_read_only.get()


@contextmanager
def read_only() -> Iterator[None]:
    """Declare that the request which the block handles can only read."""
    token = _is_read_only.set(True)
    try:
        yield
    finally:
        _is_read_only.reset(token)
