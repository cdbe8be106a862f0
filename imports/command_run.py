"""Run an import command: check its arguments, import, and print or write the report."""

import fnmatch
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError

from datasets.command_errors import TerminalCommand, unusable
from datasets.refresh_option import refresh_after_report
from datasets.terminal_text import escaped, escaped_json
from imports import reports
from imports.engine.run import ImportRefusedError, Options, Outcome, import_files
from imports.file_names import LONGEST
from imports.models import ImportRun
from imports.progress_bar import progress_bar
from imports.reasons import reason_of_option
from imports.sources import sources_of

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


@dataclass
class CommandRun:
    """A run of an import command with the parsed *options*."""

    command: TerminalCommand
    dataset: str
    options: dict[str, Any]

    def run(self) -> None:
        options, command = self.options, self.command
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
        with progress_bar(options["verbosity"]) as progress:
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
            out = command.stderr if report == STANDARD_OUTPUT else command.stdout
            refresh_after_report(command, self.dataset, out if options["verbosity"] else None)

    def _refused(self, refusal: ImportRefusedError, report: Path | None) -> NoReturn:
        """Print the notes and rejected rows of the failed run, if there is one, and raise CommandError."""
        if run := refusal.run:
            for line in [*run.notes, *reports.rejected_lines(run)]:
                self.command.stderr.write(escaped(line))
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
            raise CommandError(
                f"The import finished, but --report {report} cannot be written: {error.strerror}."
            ) from None

    def _print(self, pieces: Iterable[str]) -> None:
        try:
            for piece in pieces:
                self.command.stdout.write(piece, ending="")
            self.command.stdout.flush()
        except BrokenPipeError:  # the reader has closed the pipe, such as "| head"; the run stays applied
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _options_named_in(sentence: str) -> str:
    """Return the command-line form of the options that a message names."""
    typed = [option for words, option in OPTIONS_BY_NAME.items() if words in sentence]
    return f" On the command line: {' or '.join(typed)}." if typed else ""


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
