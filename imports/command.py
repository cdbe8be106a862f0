"""What every import command is: argparse on one side, an import on the other."""

import fnmatch
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import ClassVar

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from datasets.command_errors import TerminalCommand, unusable
from datasets.terminal_text import escaped, escaped_json
from imports import reports
from imports.engine.run import ImportRefusedError, Options, Outcome, import_files
from imports.models import ImportRun, SourceFile
from imports.sources import sources_of

SECONDS_BETWEEN_LINES = 5
STANDARD_OUTPUT = Path("-")
# What a refusal calls an option, which is read by browsers and programs too, and how it is typed.
OPTIONS_BY_NAME = {
    "encoding": "--encoding NAME",
    "known as": "--as NAME",
    "“strict”": "--strict",
    "allow missing columns": "--allow-missing-columns",
    "“remove most”": "--remove-most",
}
LONGEST_NAME = SourceFile._meta.get_field("name").max_length


class ImportCommand(TerminalCommand):
    """Imports the files of ``dataset``."""

    dataset: ClassVar[str]
    requires_system_checks: ClassVar[list] = []  # they load the whole site, which takes longer than a small import

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths", nargs="*", type=_named, metavar="FILE", help="files or folders; by default the sources' own folder"
        )
        parser.add_argument("--dry-run", action="store_true", help="do everything but keep it, and report the same")
        parser.add_argument("--strict", action="store_true", help="import nothing if a single row cannot be used")
        parser.add_argument(
            "--remove-missing", action="store_true", help="delete records that their file no longer holds"
        )
        parser.add_argument(
            "--remove-most", action="store_true", help="with --remove-missing: even where that is most of a table"
        )
        parser.add_argument(
            "--allow-missing-columns",
            action="store_true",
            help="even where a file lacks most of the columns, or required ones; what is stored of them stays",
        )
        parser.add_argument(
            "--as", dest="known_as", metavar="NAME", help="the name of the file that the one given continues"
        )
        parser.add_argument(
            "--pattern",
            action="append",
            default=[],
            metavar="GLOB",
            help="in folders, read files of such a name too, as if they were named; may be given several times",
        )
        parser.add_argument("--encoding", default="utf-8", help="of the files, where it is not UTF-8; such as cp1252")
        parser.add_argument(
            "--report", type=_named, metavar="FILE", help="write the whole report there, as JSON; - for standard output"
        )

    def handle(self, **options) -> None:
        report: Path | None = options["report"]
        known_as = _known_as(options["known_as"])
        patterns = (options["pattern"],) if isinstance(options["pattern"], str) else tuple(options["pattern"])
        if options["remove_most"] and not options["remove_missing"]:
            raise CommandError("--remove-most goes with --remove-missing, which says that missing records are deleted.")
        if report:
            _see_that_it_is_not_read(
                report, options["paths"] or [Path(settings.SOURCES_DIR, self.dataset)], self.dataset, patterns
            )
            _see_that_it_can_be_written(report)
        try:
            last = ImportRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        except DatabaseError as error:
            raise unusable(error) from error
        with _bar(options["verbosity"]) as progress:
            try:
                outcome = import_files(
                    self.dataset,
                    options["paths"],
                    Options(
                        dry_run=options["dry_run"],
                        strict=options["strict"],
                        remove_missing=options["remove_missing"],
                        remove_most=options["remove_most"],
                        allow_missing_columns=options["allow_missing_columns"],
                        known_as=known_as,
                        patterns=patterns,
                        encoding=options["encoding"],
                    ),
                    progress,
                )
            except ImportRefusedError as refusal:
                self._refused(refusal, last, report)
        if report:
            self._report(report, reports.whole(outcome))
        if options["verbosity"]:
            lines = (f"{escaped(line)}\n" for line in reports.summary(outcome))
            if report == STANDARD_OUTPUT:
                sys.stderr.writelines(lines)
            else:
                self._print(lines)

    def _refused(self, refusal: ImportRefusedError, last: int, report: Path | None) -> None:
        """Tell what was wrong, and report it: as the run that failed, if it came to be one."""
        run = ImportRun.objects.filter(dataset=self.dataset, pk__gt=last).first()
        if run:
            for line in [*run.notes, *reports.rejected_lines(run)]:
                self.stderr.write(escaped(line))
        if report:
            self._report(report, reports.whole(Outcome(run)) if run else reports.refusal(self.dataset, str(refusal)))
        raise CommandError(f"{refusal}{_options_named_in(str(refusal))}") from None

    def _report(self, report: Path, pieces: Iterable[str]) -> None:
        pieces = map(escaped_json, pieces)
        if report == STANDARD_OUTPUT:
            self._print(pieces)
            return
        try:
            with report.open("w", encoding="utf-8") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"The run came to its end, but --report {report}: {error.strerror}.") from None

    def _print(self, pieces: Iterable[str]) -> None:
        try:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            self.stdout.flush()
        except BrokenPipeError:  # as "| head" leaves it; the run has been applied anyway
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _options_named_in(sentence: str) -> str:
    """Return how the options that a sentence names are typed."""
    typed = [option for words, option in OPTIONS_BY_NAME.items() if words in sentence]
    return f" Here that is {' or '.join(typed)}." if typed else ""


def _named(text: str) -> Path:
    if not text:
        raise ArgumentTypeError("expected the name of a file, found an empty text")
    return Path(text)


def _known_as(name: str | None) -> str | None:
    """Return what --as says; raises CommandError where that can be the name of no file."""
    if name is None:
        return None
    if not name.strip():
        raise CommandError(f'--as "{name}": expected the name of the file that this one continues, such as places.csv.')
    if len(name) > LONGEST_NAME:
        raise CommandError(f"--as: the name has {len(name)} characters; expected {LONGEST_NAME} at most.")
    return name.strip()


def _see_that_it_can_be_written(report: Path) -> None:
    """Raise CommandError where *report* cannot be written, which is better known before a long run than after it."""
    if report == STANDARD_OUTPUT:
        return
    if not report.absolute().parent.is_dir():
        raise CommandError(f"--report {report}: there is no folder {report.absolute().parent}.")
    if report.is_dir():
        raise CommandError(f"--report {report} is a folder: expected the name of a file, such as report.json.")
    try:
        report.open("a").close()
    except OSError as error:
        raise CommandError(f"--report {report} cannot be written: {error.strerror}.") from None


def _see_that_it_is_not_read(report: Path, paths: list[Path], dataset: str, patterns: tuple[str, ...]) -> None:
    """Raise CommandError where *report* is among the files that are imported, now or the next time."""
    place = report.resolve()
    if place in (path.resolve() for path in paths):
        raise CommandError(
            f"--report {report} is a file that is to be imported: expected another, such as report.json."
        )
    outright = any(fnmatch.fnmatchcase(place.name.lower(), pattern.lower()) for pattern in patterns)
    for source in sources_of(dataset):
        if source.fits_name(place, outright=outright) and (
            inside := [path for path in paths if path.resolve() in place.parents]
        ):
            raise CommandError(
                f"--report {report} would be read as a file of {source.name}, for it is in {inside[0]}, which is "
                "imported, and is called as those are. Expected a place outside, or another name, such as report.txt."
            )


def _lines(files: list[SourceFile]) -> Callable[[int, int], None]:
    """Tell every few seconds how far reading has come."""
    total = sum(file.size for file in files)
    read, rows, told = 0, 0, monotonic()

    def tell(more_bytes: int, more_rows: int) -> None:
        nonlocal read, rows, told
        read, rows = read + more_bytes, rows + more_rows
        if monotonic() - told > SECONDS_BETWEEN_LINES:
            told = monotonic()
            print(f"{rows:,} rows read, {read / total:.0%} of the files", file=sys.stderr, flush=True)

    return tell


@contextmanager
def _bar(verbosity: int):
    """A progress bar on a terminal; elsewhere a line now and then, for a log."""
    if not verbosity:
        yield lambda files: lambda read, rows: None
        return
    if not sys.stderr.isatty():
        yield _lines
        return
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
    ]
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:

        def start(files: list[SourceFile]) -> Callable[[int, int], None]:
            task = bar.add_task("Reading", total=sum(file.size for file in files), rows=0)
            seen = {"rows": 0}

            def tell(read: int, rows: int) -> None:
                seen["rows"] += rows
                bar.update(task, advance=read, rows=seen["rows"])
                if bar.tasks[0].finished:
                    bar.update(task, description="Merging")

            return tell

        yield start
