"""Why an export is refused, each in a sentence for whoever asked for it."""

from collections.abc import Iterable

from datasets.suggestions import suggest

RETRY_AFTER = 30  # seconds, after which a stream that was refused may find room


class ExportError(Exception):
    """An export that cannot be made as it was asked for; nothing of it has been sent."""


class UnknownFormatError(ExportError):
    """A format that is none of ``FORMATS``."""

    def __init__(self, name: str, known: Iterable[str]):
        super().__init__(f"Expected a format out of {', '.join(known)}; found {name[:50]}.")


class UnknownColumnError(ExportError):
    """A column that the table's list does not have, or has been asked for twice, or no column at all."""

    @classmethod
    def named(cls, name: str, known: list[str]) -> "UnknownColumnError":
        return cls(f"Unknown column {name[:50]}.{suggest(name, known)} Expected columns out of {', '.join(known)}.")


class TooManyRowsError(ExportError):
    """More records than an Excel file is made of."""

    def __init__(self, most: int):
        super().__init__(
            f"An Excel file is made of up to {most:,} records, and these are more. Ask for CSV or Parquet, which have "
            "no limit, or filter for fewer."
        )


class UnwritableValueError(ExportError):
    """A value that the format cannot hold."""


class TooManyStreamsError(ExportError):
    """As many exports go on as this process serves at once; *retry_after* seconds from now there may be room."""

    retry_after = RETRY_AFTER

    def __init__(self, most: int):
        are = "1 export is" if most == 1 else f"{most} exports are"
        super().__init__(f"{are} going on, which is as many as are served at once. Try again in {RETRY_AFTER} seconds.")
