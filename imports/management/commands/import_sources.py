"""Import the sources of every dataset that has never been imported."""

from typing import Any

from django.conf import settings
from django.core.management import call_command

from datasets.command_errors import TerminalCommand
from datasets.registry import dataset_apps
from imports.models import ImportRun


class Command(TerminalCommand):
    help = f"{__doc__} Datasets with an applied import are skipped."

    def handle(self, **options: Any) -> None:
        for dataset in dataset_apps():
            if ImportRun.objects.applied(dataset).exists():
                continue
            if not (settings.SOURCES_DIR / dataset).is_dir():
                self.stdout.write(
                    f"{dataset}: nothing imported, because the folder {settings.SOURCES_DIR / dataset} does not exist."
                )
                continue
            call_command(f"import_{dataset}", verbosity=options["verbosity"], stdout=self.stdout, stderr=self.stderr)
