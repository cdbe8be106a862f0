"""Import the sources of every dataset that has never been imported."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from datasets.command_errors import TerminalCommand
from datasets.refresh_option import add_no_refresh_argument
from datasets.registry import dataset_apps
from imports.models import ImportRun


class Command(TerminalCommand):
    help = f"{__doc__} Datasets with an applied import are skipped."

    def add_arguments(self, parser: CommandParser) -> None:
        add_no_refresh_argument(parser)

    def handle(self, **options: Any) -> None:
        for dataset in dataset_apps():
            if ImportRun.objects.applied(dataset).exists():
                continue
            if not (settings.SOURCES_DIR / dataset).is_dir():
                self.stdout.write(
                    f"{dataset}: nothing imported, because the folder {settings.SOURCES_DIR / dataset} does not exist."
                )
                continue
            kept = {name: options[name] for name in ("verbosity", "no_refresh")}
            call_command(f"import_{dataset}", **kept, stdout=self.stdout, stderr=self.stderr)
