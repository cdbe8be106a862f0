"""Write the analytical copy of datasets now, or show its state or the files of a table."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat

from datasets.command_errors import TerminalCommand
from datasets.registry import dataset_apps, served_tables


class Command(TerminalCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("datasets", nargs="*", metavar="DATASET", help="datasets to copy (default: all)")
        parser.add_argument("--whole", action="store_true", help="write all parts, as after changes by other programs")
        parser.add_argument("--state", action="store_true", help="only show the state of each copy")
        parser.add_argument("--files", metavar="TABLE", help="only show the files of a table, as census/respondents")

    def handle(self, *, datasets: list[str], whole: bool, state: bool, files: str | None, **options: Any) -> None:
        if settings.ANALYTICS is None:
            raise CommandError("ANALYTICS_COPY is not set. Type, for example: export ANALYTICS_COPY=var/copy")
        from analytics.writer import CopyChangedError  # noqa: PLC0415 - imports optional packages

        for dataset in datasets:
            if dataset not in dataset_apps():
                raise CommandError(f"There is no dataset {dataset}. Datasets: {', '.join(dataset_apps())}.")
        try:
            if files:
                self._show_files(files)
            elif state:
                self._show_states(datasets)
            else:
                self._copy(datasets or list(dataset_apps()), whole=whole)
        except (OSError, DatabaseError, CopyChangedError) as error:
            raise CommandError(str(error)) from error

    def _copy(self, datasets: list[str], *, whole: bool) -> None:
        from analytics.writer import copy  # noqa: PLC0415

        for dataset in datasets:
            copied = copy(dataset, whole=whole)
            self.stdout.write(str(copied) if copied else f"{dataset}: another process is copying it")

    def _show_states(self, datasets: list[str]) -> None:
        from analytics.manifest import load  # noqa: PLC0415
        from analytics.state import states  # noqa: PLC0415
        from analytics.storage import storage  # noqa: PLC0415

        for state in states():
            if state.dataset in (datasets or dataset_apps()):
                at = f"copied at {state.copied_at:%Y-%m-%d %H:%M:%S} UTC" if state.copied_at else "not copied yet"
                behind = f", behind since {state.behind_since:%Y-%m-%d %H:%M:%S} UTC" if state.behind_since else ""
                manifest = load(storage(), state.dataset)
                size = f", {filesizeformat(manifest.bytes)}" if manifest else ""
                problem = f". Problem: {state.problem}" if state.problem else ""
                self.stdout.write(f"{state.dataset}: {at}{size}{behind}{problem}")

    def _show_files(self, table: str) -> None:
        from analytics.manifest import load  # noqa: PLC0415
        from analytics.storage import storage  # noqa: PLC0415

        model = served_tables().get(table)
        manifest = load(storage(), table.partition("/")[0]) if model else None
        copied = manifest.tables.get(model._meta.db_table) if manifest and model else None
        if copied is None:
            raise CommandError(f"There is no copy of {table}. Expected a table such as census/respondents.")
        for part in copied.parts:
            self.stdout.write(storage().url(part.path))
