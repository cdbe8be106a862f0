"""``manage.py refresh_views [dataset ...]``: refresh summary tables, for example after changes made with SQL."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from datasets.command_errors import TerminalCommand
from datasets.matviews import datasets_with_views, refreshing, views_of


class Command(TerminalCommand):
    help = "Refresh the summary tables of the given datasets, or of all datasets."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("datasets", nargs="*", metavar="dataset")

    def handle(self, *args: Any, datasets: list[str], **options: Any) -> None:
        known = datasets_with_views()
        for dataset in datasets:
            if dataset not in known:
                raise CommandError(
                    f"There is no dataset {dataset} with summary tables. Datasets with summary tables: "
                    f"{', '.join(known)}."
                )
        failed = []
        for done in refreshing(view for dataset in datasets or known for view in views_of(dataset)):
            if done.problem:
                failed.append(str(done))
            else:
                self.stdout.write(str(done))
        if failed:
            raise CommandError(" ".join(failed))
