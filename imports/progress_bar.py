"""The progress of an import command: a bar on a terminal, lines in a log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from imports.engine.source_load import Progress, StartProgress
from imports.models import SourceFile

SECONDS_BETWEEN_LINES = 5


def _lines(files: list[SourceFile]) -> Progress:
    """Return a callback that prints the progress every few seconds."""
    total = sum(file.size for file in files)
    read, rows, printed_at = 0, 0, monotonic()

    def report(more_bytes: int, more_rows: int) -> None:
        nonlocal read, rows, printed_at
        read, rows = read + more_bytes, rows + more_rows
        if monotonic() - printed_at > SECONDS_BETWEEN_LINES:
            printed_at = monotonic()
            print(f"{rows:,} rows read, {read / total:.0%} of the files", file=sys.stderr, flush=True)

    return report


@contextmanager
def progress_bar(verbosity: int) -> Iterator[StartProgress]:
    """Show a progress bar on a terminal, or print lines for a log."""
    if not verbosity:
        yield lambda files: lambda read, rows: None
        return
    if not sys.stderr.isatty():
        yield _lines
        return
    from rich import progress as bars  # noqa: PLC0415 - takes long to load, and a log does not need it
    from rich.console import Console  # noqa: PLC0415

    columns = [
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TextColumn("{task.fields[rows]:,} rows"),
        bars.TimeRemainingColumn(),
    ]
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def start(files: list[SourceFile]) -> Progress:
            task = bar.add_task("Reading", total=sum(file.size for file in files), rows=0)
            total = {"rows": 0}

            def report(read: int, rows: int) -> None:
                total["rows"] += rows
                bar.update(task, advance=read, rows=total["rows"])
                if bar.tasks[0].finished:
                    bar.update(task, description="Merging")

            return report

        yield start
