"""What stops the reading of a whole file."""

from collections.abc import Iterable


class ReadError(Exception):
    """A file that cannot be read at all: for its reader, where, what was expected, what was found, what to type.

    *line* is the one that the message tells of, where it tells of one.
    """

    def __init__(self, message: str, line: int = 1):
        super().__init__(message)
        self.line = line


class OddTextError(ReadError):
    """A text that can be read when one thing is done first, which the sentence says."""


class HeaderMismatchError(ReadError):
    """A readable file whose header or number of cells does not fit the columns expected of it."""


class MissingColumnsError(HeaderMismatchError):
    """A file whose header lacks columns that it has to have; ``absent`` are all expected columns that it lacks."""

    def __init__(self, message: str, absent: tuple[str, ...]):
        super().__init__(message)
        self.absent = absent


def listed(names: Iterable[str]) -> str:
    """The names as a list in a sentence."""
    return ", ".join(names)
