"""A file whose rows mostly fail: its import is stopped, the first rejections are kept, the rest is counted."""

from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from django.conf import settings

from datasets.loading.runs import ImportRefused
from datasets.models import SourceFile
from datasets.reading import ReadError
from datasets.reading.text import Text, breaks

if TYPE_CHECKING:
    from datasets.loading.filling import Progress, SourceRun

FIRST = 10_000  # rejected rows of a file that are kept
BLOCK = 4 << 20  # bytes


def is_reached(rejected: int, read: int) -> bool:
    """Tell whether more rows than FIRST were rejected, and more than the share REJECTED_PERCENT of those read."""
    return rejected > FIRST and rejected * 100 > settings.REJECTED_PERCENT * read


def stop(run: "SourceRun", file: SourceFile, line: int, progress: "Progress") -> NoReturn:
    """Raise ImportRefused for a table that was read to *line*; the lines after it are counted, not checked."""
    rest, ended = -line, True
    with suppress(ReadError), Text(run.paths[file.pk], file.encoding) as text:
        while block := text.read(BLOCK):
            rest += breaks(block)
            ended = block.endswith((b"\n", b"\r"))
            progress(0, 0)
        rest += not ended
    more = f"The {rest:,} lines after line {line:,} were not checked. " if rest > 0 else ""
    _refuse(run, file, more)


def refuse(run: "SourceRun", files: list[SourceFile]) -> None:
    """Raise ImportRefused where most rows of one of *files*, which were read to their end, were rejected."""
    for file in files:
        if is_reached(run.rejections.count(file), run.staged[file.pk] + run.rejections.checked[file.pk]):
            _refuse(run, file)


def _refuse(run: "SourceRun", file: SourceFile, more: str = "") -> NoReturn:
    run.rejections.most = FIRST
    file.read, file.rejected = run.staged[file.pk] + run.rejections.checked[file.pk], run.rejections.count(file)
    raise ImportRefused(
        f"{file.original_name}: {file.rejected:,} of {file.read:,} rows were rejected, more than "
        f"{settings.REJECTED_PERCENT} %, so the import was stopped. {more}The report lists the first {FIRST:,} "
        "rejected rows. Nothing was imported. Correct the file, or import it into the dataset that it is for."
    )
