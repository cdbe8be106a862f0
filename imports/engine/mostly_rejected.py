"""Stop an import if most rows of a file are rejected.

Only the first rejected rows are kept, and the others are counted.
"""

from contextlib import suppress
from typing import NoReturn

from django.conf import settings

from imports.engine.locks import ImportRefusedError
from imports.engine.rejections import FIRST, is_reached
from imports.engine.source_load import Progress, Staged
from imports.models import SourceFile
from imports.readers import ReadError
from imports.readers.decoding import Text, breaks

BLOCK = 4 << 20  # bytes


class MostlyRejectedError(ImportRefusedError):
    """Most rows of *file* were rejected: *rejected* out of *read* rows."""

    def __init__(self, file: SourceFile, read: int, rejected: int, more: str = ""):
        self.file, self.read, self.rejected = file, read, rejected
        super().__init__(
            f"{file.original_name}: {rejected:,} of {read:,} rows were rejected, more than "
            f"{settings.REJECTED_PERCENT}%, so the import was stopped. {more}The report lists the first {FIRST:,} "
            "rejected rows. Nothing was imported. Fix the file, or import it into the right dataset."
        )


def stop(staged: Staged, file: SourceFile, line: int, progress: Progress) -> NoReturn:
    """Raise MostlyRejectedError for a table that was read up to *line*. Later lines are counted but not validated."""
    rest, ended = -line, True
    with suppress(ReadError), Text(staged.load.paths[file.pk], file.encoding) as text:
        while block := text.read(BLOCK):
            rest += breaks(block)
            ended = block.endswith((b"\n", b"\r"))
            progress(0, 0)
        rest += not ended
    more = f"Lines after line {line:,} that were not checked: {rest:,}. " if rest > 0 else ""
    raise MostlyRejectedError(file, staged.read(file), staged.rejections.count_open(file), more)


def refuse(file: SourceFile, read: int, rejected: int) -> None:
    """Raise MostlyRejectedError if most of the *read* rows of a file, which was read completely, were rejected."""
    if is_reached(rejected, read):
        raise MostlyRejectedError(file, read, rejected)
