"""Undo an import: restore the values, origins, references and keys from before the run."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from curation.history.undo import undo_run
from curation.history.undo_result import UndoRefusedError
from datasets.command_errors import TerminalCommand
from imports.models import ImportRun
from imports.reasons import add_reason_argument, reason_of_option


class Command(TerminalCommand):
    help = __doc__
    reverse = staticmethod(undo_run)
    verb, participle, gerund, status = "undo", "undone", "undoing", ImportRun.Status.APPLIED

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="run number, as shown in its report and on its page")
        add_reason_argument(parser, f"why the import is {self.participle}; the history shows it")
        effect = f"report the effect of the {self.verb} without saving it"
        parser.add_argument("--dry-run", action="store_true", help=effect)

    def handle(self, *, run: int, dry_run: bool, reason: str, verbosity: int, **options: Any) -> None:
        import_run = ImportRun.objects.filter(pk=run).first()
        if import_run is None:
            possible = ImportRun.objects.filter(status=self.status).values_list("pk", flat=True)[:5]
            numbers = ", ".join(map(str, possible)) or "none"
            raise CommandError(f"There is no run {run}. The last {self.status} runs: {numbers}.")
        try:
            undone = self.reverse(import_run, reason=reason_of_option(reason), dry_run=dry_run)
        except UndoRefusedError as refusal:
            for reason in refusal.reasons:
                self.stderr.write(reason)
            message = f"Run {run} of {import_run.dataset} cannot be {self.participle}. Nothing was changed."
            raise CommandError(message) from None
        if verbosity and dry_run:
            self.stdout.write(f"Preview: {self.gerund} run {run} of {import_run.dataset} will:")
        elif verbosity:
            self.stdout.write(f"Run {run} of {import_run.dataset} {self.participle}.")
        if verbosity:
            for line in undone.planned() if dry_run else undone.done():
                self.stdout.write(f"  {line}")
