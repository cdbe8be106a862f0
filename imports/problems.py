"""The problems of a rejected row, as they are stored."""

from typing import Any, TypedDict


class Problem(TypedDict):
    """A problem of a row: the column, its value, and the message. Column and value are None for the row as a whole."""

    column: str | None
    value: Any
    message: str
