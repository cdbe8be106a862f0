"""The base class of the import commands."""

from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from pathlib import Path
from typing import Any

from datasets.command_errors import TerminalCommand
from datasets.refresh_option import add_no_refresh_argument
from imports.reasons import add_reason_argument


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
            help="accept files that lack most columns or required columns; the stored values of these columns stay "
            "unchanged",
        )
        parser.add_argument(
            "--pairing",
            action=BooleanOptionalAction,
            help="for files without a key: pair edited rows with their records, even if less than half of a file still "
            "matches, or import edited rows as new records (default: pair, but abort if less than half of a file still "
            "matches)",
        )
        parser.add_argument(
            "--as", dest="known_as", metavar="NAME", help="treat the file as a new version of the file NAME"
        )
        parser.add_argument(
            "--pattern",
            action="append",
            default=[],
            metavar="GLOB",
            help="also read the files in folders whose names match GLOB; can be repeated",
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
        from imports.command_run import CommandRun  # noqa: PLC0415 - loads Arrow, which --help does not need

        CommandRun(self, self.dataset, options).run()


def _named(text: str) -> Path:
    if not text:
        raise ArgumentTypeError("expected a file name, found an empty string")
    return Path(text)
