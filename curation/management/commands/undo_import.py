"""Undo an import: restore the values, origins, references and keys from before the run."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from curation.history.undo_first import undo_or_redo
from curation.history.undo_result import Undone, UndoRefusedError
from datasets.command_errors import TerminalCommand
from datasets.refresh_option import add_no_refresh_argument, refresh_after_report
from imports.models import ImportRun
from imports.reasons import add_reason_argument, reason_of_option


class Command(TerminalCommand):
    help = __doc__
    verb, participle, gerund, status = "undo", "undone", "undoing", ImportRun.Status.APPLIED

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="number of the run, as shown in its report and on its page")
        add_reason_argument(parser, f"why the import is {self.participle}; the history shows it")
        first = f"first undo the changes that block the {self.verb}, all or nothing"
        parser.add_argument("--blockers-first", action="store_true", help=first)
        effect = f"report the effect of the {self.verb} without saving it"
        parser.add_argument("--dry-run", action="store_true", help=effect)
        add_no_refresh_argument(parser)

    def handle(
        self,
        *,
        run: int,
        dry_run: bool,
        blockers_first: bool,
        no_refresh: bool,
        reason: str,
        verbosity: int,
        **options: Any,
    ) -> None:
        import_run = ImportRun.objects.filter(pk=run).first()
        if import_run is None:
            possible = ImportRun.objects.filter(status=self.status).values_list("pk", flat=True)[:5]
            numbers = ", ".join(map(str, possible)) or "none"
            raise CommandError(f"There is no run {run}. The last {self.status} runs: {numbers}.")
        try:
            done: dict[str, Any] = {"reason": reason_of_option(reason), "dry_run": dry_run}
            steps = undo_or_redo(import_run, redo=self.verb == "redo", blockers_first=blockers_first, **done)
        except UndoRefusedError as refusal:
            for line in refusal.lines():
                self.stderr.write(line)
            message = f"Run {run} of {import_run.dataset} cannot be {self.participle}. Nothing was changed."
            if refusal.conflicts and not blockers_first:
                message += " To undo the changes that block it first, use --blockers-first."
            raise CommandError(message) from None
        if verbosity:
            self._report(import_run, steps, dry_run=dry_run)
        if not (dry_run or no_refresh):
            refresh_after_report(self, import_run.dataset, self.stdout if verbosity else None)

    def _report(self, run: ImportRun, steps: list[Undone], *, dry_run: bool) -> None:
        if dry_run:
            self.stdout.write(f"Preview: {self.gerund} run {run.pk} of {run.dataset} will:")
        else:
            self.stdout.write(f"Run {run.pk} of {run.dataset} {self.participle}.")
        for undone in steps:
            if len(steps) > 1:
                self.stdout.write(f"  {undone}:")
            for line in undone.planned() if dry_run else undone.done():
                self.stdout.write(f"  {line}")
