"""Errors that prevent a file from being read."""

from collections.abc import Iterable


class ReadError(Exception):
    """A file that cannot be read.

    The message has the position, the expected text, the text found, and the remedy. *line* is the line number that the
    message refers to, or 1.
    """

    def __init__(self, message: str, line: int = 1):
        super().__init__(message)
        self.line = line


class OddTextError(ReadError):
    """Readable text that must first be changed as the message describes."""


class HeaderMismatchError(ReadError):
    """A readable file whose header, or number of cells, does not match the expected columns."""


class MissingColumnsError(HeaderMismatchError):
    """A file without some of its required columns. ``absent`` has all missing columns, including optional ones."""

    def __init__(self, message: str, absent: tuple[str, ...]):
        super().__init__(message)
        self.absent = absent


def listed(names: Iterable[str]) -> str:
    """Return the names, separated by commas."""
    return ", ".join(names)
