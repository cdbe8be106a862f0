"""Take back what an import did: values, provenance, links and keys are again as before it."""

from django.core.management.base import CommandError

from curation.history.undo import UndoRefused, undo_run
from datasets.command_errors import TerminalCommand
from imports.models import ImportRun


class Command(TerminalCommand):
    help = __doc__

    def add_arguments(self, parser) -> None:
        parser.add_argument("run", type=int, help="the number of the run, as its report and its page tell it")
        parser.add_argument("--dry-run", action="store_true", help="do everything but keep it, and report the same")

    def handle(self, *, run: int, dry_run: bool, verbosity: int, **options) -> None:
        found = ImportRun.objects.filter(pk=run).first()
        if found is None:
            applied = ImportRun.objects.filter(status=ImportRun.Status.APPLIED).values_list("pk", flat=True)[:5]
            known = ", ".join(map(str, applied)) or "none"
            raise CommandError(f"There is no run {run}. The last applied runs: {known}.")
        try:
            undone = undo_run(found, dry_run=dry_run)
        except UndoRefused as refusal:
            for reason in refusal.reasons:
                self.stderr.write(reason)
            raise CommandError(f"Run {run} of {found.dataset} cannot be undone. Nothing was changed.") from None
        if verbosity:
            previewed = " Nothing was changed: this was a preview." if dry_run else ""
            self.stdout.write(f"Run {run} of {found.dataset} {'would be' if dry_run else 'is'} undone.{previewed}")
            for line in undone.told():
                self.stdout.write(f"  {line}")
