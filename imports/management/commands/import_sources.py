"""Import the sources of every dataset that has never been imported."""

from django.conf import settings
from django.core.management import call_command

from datasets.command_errors import TerminalCommand
from datasets.registry import dataset_apps
from imports.models import ImportRun


class Command(TerminalCommand):
    help = f"{__doc__} The others are left alone."

    def handle(self, **options) -> None:
        for dataset in dataset_apps():
            if ImportRun.objects.applied(dataset).exists():
                continue
            if not (settings.SOURCES_DIR / dataset).is_dir():
                self.stdout.write(f"{dataset}: there is no {settings.SOURCES_DIR / dataset}; nothing imported.")
                continue
            call_command(f"import_{dataset}", verbosity=options["verbosity"], stdout=self.stdout, stderr=self.stderr)
