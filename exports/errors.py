"""Errors in exports, with messages for the user."""

from collections.abc import Iterable

from datasets.suggestions import suggest

RETRY_AFTER = 30  # seconds to wait after TooManyStreamsError


class ExportError(Exception):
    """An invalid export, which is refused before any data is sent."""


class UnknownFormatError(ExportError):
    """A format that is not in ``FORMATS``."""

    def __init__(self, name: str, known: Iterable[str]):
        super().__init__(f"Expected one of the formats {', '.join(known)}; found {name[:50]}.")


class UnknownColumnError(ExportError):
    """An unknown or duplicate column, or no columns."""

    @classmethod
    def named(cls, name: str, known: list[str]) -> "UnknownColumnError":
        return cls(f"Unknown column {name[:50]}.{suggest(name, known)} Columns: {', '.join(known)}.")


class TooManyRowsError(ExportError):
    """The export has too many records for an Excel file."""

    def __init__(self, most: int):
        super().__init__(
            f"An Excel file can have at most {most:,} records. Choose CSV or Parquet, which have no limit, or add "
            "filters."
        )


class UnwritableValueError(ExportError):
    """A value cannot be represented in the format."""


class TooManyStreamsError(ExportError):
    """The process is serving its maximum number of exports. Try again after *retry_after* seconds."""

    retry_after = RETRY_AFTER

    def __init__(self, most: int):
        exports = "1 export is" if most == 1 else f"{most} exports are"
        super().__init__(f"{exports} running, which is the maximum. Try again in {RETRY_AFTER} seconds.")
