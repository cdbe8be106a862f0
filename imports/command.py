"""The base class of the import commands."""

import fnmatch
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError
from rich import progress as rich_progress
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

from datasets.command_errors import TerminalCommand, unusable
from datasets.refresh_option import add_no_refresh_argument, refresh_after_report
from datasets.terminal_text import escaped, escaped_json
from imports import reports
from imports.engine.run import ImportRefusedError, Options, Outcome, import_files
from imports.engine.source_load import Progress, StartProgress
from imports.file_names import LONGEST
from imports.models import ImportRun, SourceFile
from imports.reasons import add_reason_argument, reason_of_option
from imports.sources import sources_of

SECONDS_BETWEEN_LINES = 5
STANDARD_OUTPUT = Path("-")
# The names of options in error messages, which the pages and the API share, and their command-line forms.
OPTIONS_BY_NAME = {
    "encoding": "--encoding NAME",
    "“new version of”": "--as NAME",
    "“strict”": "--strict",
    "allow missing columns": "--allow-missing-columns",
    "delete most of the table": "--delete-most",
    "“pairing”": "--pairing or --no-pairing",
}
PAIRING = {None: ImportRun.Pairing.AUTO, True: ImportRun.Pairing.ON, False: ImportRun.Pairing.OFF}


class ImportCommand(TerminalCommand):
    """Import files into the dataset whose package contains the command."""

    @property
    def dataset(self) -> str:
        """The app label of the dataset."""
        return type(self).__module__.partition(".")[0]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths",
            nargs="*",
            type=_named,
            metavar="FILE",
            help="files or folders to import (default: the dataset's folder in SOURCES_DIR)",
        )
        parser.add_argument("--dry-run", action="store_true", help="preview: validate and report without saving")
        parser.add_argument("--strict", action="store_true", help="abort if any row is rejected")
        parser.add_argument(
            "--delete-missing", action="store_true", help="delete records that are no longer in their file"
        )
        parser.add_argument(
            "--delete-most", action="store_true", help="with --delete-missing: allow deleting more than half of a table"
        )
        parser.add_argument(
            "--allow-missing-columns",
            action="store_true",
            help="accept files that lack most columns or required columns; their stored values stay unchanged",
        )
        parser.add_argument(
            "--pairing",
            action=BooleanOptionalAction,
            help="for files without a key: pair edited rows with their records, even if less than half of a file still "
            "matches; or import them as new records (default: pair, and abort if less than half still matches)",
        )
        parser.add_argument(
            "--as", dest="known_as", metavar="NAME", help="treat the file as a new version of the file NAME"
        )
        parser.add_argument(
            "--pattern",
            action="append",
            default=[],
            metavar="GLOB",
            help="also read files in folders whose name matches GLOB; may be given several times",
        )
        parser.add_argument(
            "--encoding", default="utf-8", help="encoding of the files, such as cp1252 (default: utf-8)"
        )
        add_reason_argument(parser, "why the files are imported; the history shows it")
        add_no_refresh_argument(parser)
        parser.add_argument(
            "--report", type=_named, metavar="FILE", help="write the full report as JSON to FILE; - for standard output"
        )

    def handle(self, **options: Any) -> None:
        report: Path | None = options["report"]
        known_as = _known_as(options["known_as"])
        reason = reason_of_option(options["reason"])
        patterns = (options["pattern"],) if isinstance(options["pattern"], str) else tuple(options["pattern"])
        if options["delete_most"] and not options["delete_missing"]:
            raise CommandError("--delete-most requires --delete-missing, which deletes missing records.")
        if report:
            _check_report_is_not_input(
                report, options["paths"] or [Path(settings.SOURCES_DIR, self.dataset)], self.dataset, patterns
            )
            _check_report_is_writable(report)
        try:
            ImportRun.objects.exists()
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
                        delete_missing=options["delete_missing"],
                        delete_most=options["delete_most"],
                        allow_missing_columns=options["allow_missing_columns"],
                        pairing=PAIRING[options["pairing"]],
                        known_as=known_as,
                        patterns=patterns,
                        encoding=options["encoding"],
                        reason=reason,
                    ),
                    progress,
                )
            except ImportRefusedError as refusal:
                self._refused(refusal, report)
        if report:
            self._report(report, reports.whole(outcome))
        if options["verbosity"]:
            lines = (f"{escaped(line)}\n" for line in reports.summary(outcome))
            if report == STANDARD_OUTPUT:
                sys.stderr.writelines(lines)
            else:
                self._print(lines)
        if not (options["dry_run"] or options["no_refresh"]):
            out = self.stderr if report == STANDARD_OUTPUT else self.stdout
            refresh_after_report(self, self.dataset, out if options["verbosity"] else None)

    def _refused(self, refusal: ImportRefusedError, report: Path | None) -> NoReturn:
        """Print the notes and rejected rows of the failed run, if there is one, and raise CommandError."""
        if run := refusal.run:
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
            raise CommandError(f"The import finished, but --report {report}: {error.strerror}.") from None

    def _print(self, pieces: Iterable[str]) -> None:
        try:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            self.stdout.flush()
        except BrokenPipeError:  # the reader has closed the pipe, such as "| head"; the run stays applied
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _options_named_in(sentence: str) -> str:
    """Return the command-line form of the options that a message names."""
    typed = [option for words, option in OPTIONS_BY_NAME.items() if words in sentence]
    return f" On the command line: {' or '.join(typed)}." if typed else ""


def _named(text: str) -> Path:
    if not text:
        raise ArgumentTypeError("expected a file name, found an empty string")
    return Path(text)


def _known_as(name: str | None) -> str | None:
    """Return the value of --as. Raises CommandError if it is not a valid file name."""
    if name is None:
        return None
    if not name.strip():
        raise CommandError(f'--as "{name}": expected the name of an earlier file, such as places.csv.')
    if len(name) > LONGEST:
        raise CommandError(f"--as: expected at most {LONGEST} characters (found {len(name)}).")
    return name.strip()


def _check_report_is_writable(report: Path) -> None:
    """Raise CommandError before a long run if *report* cannot be written."""
    if report == STANDARD_OUTPUT:
        return
    if not report.absolute().parent.is_dir():
        raise CommandError(f"--report {report}: the folder {report.absolute().parent} does not exist.")
    if report.is_dir():
        raise CommandError(f"--report {report} is a folder. Expected a file name, such as report.json.")
    try:
        report.open("a").close()
    except OSError as error:
        raise CommandError(f"--report {report} cannot be written: {error.strerror}.") from None


def _check_report_is_not_input(report: Path, paths: list[Path], dataset: str, patterns: tuple[str, ...]) -> None:
    """Raise CommandError if *report* is an input file of this import or of a later one."""
    target = report.resolve()
    if target in (path.resolve() for path in paths):
        raise CommandError(
            f"--report {report} is one of the files to import. Expected another file, such as report.json."
        )
    outright = any(fnmatch.fnmatchcase(target.name.lower(), pattern.lower()) for pattern in patterns)
    for source in sources_of(dataset):
        if source.fits_name(target, outright=outright) and (
            inside := [path for path in paths if path.resolve() in target.parents]
        ):
            raise CommandError(
                f"--report {report} is in the imported folder {inside[0]}, and its name matches {source.name}, so the "
                "next import would read it. Expected another folder or another name, such as report.txt."
            )


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
def _bar(verbosity: int) -> Iterator[StartProgress]:
    """Show a progress bar on a terminal, or print lines for a log."""
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
    with rich_progress.Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:

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
