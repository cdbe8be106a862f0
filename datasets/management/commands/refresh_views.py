"""``manage.py refresh_views [dataset ...]``: refresh materialized views, for example after changes made with SQL."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from datasets.command_errors import TerminalCommand
from datasets.matviews import datasets_with_views, refreshing, views_of


class Command(TerminalCommand):
    help = "Refresh the materialized views of the given datasets, or of all datasets."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("datasets", nargs="*", metavar="dataset")

    def handle(self, *args: Any, datasets: list[str], **options: Any) -> None:
        known = datasets_with_views()
        for dataset in datasets:
            if dataset not in known:
                raise CommandError(f"No dataset {dataset} has views. Datasets with views: {', '.join(known)}.")
        failed = []
        for view in (view for dataset in datasets or known for view in views_of(dataset)):
            try:
                ((_, seconds),) = refreshing([view])
            except DatabaseError as error:
                failed.append(f"{view._meta.db_table} could not be refreshed: {str(error).strip().splitlines()[0]}.")
                continue
            done = "a plain view, needs no refresh" if seconds is None else f"refreshed in {seconds:.2f} s"
            self.stdout.write(f"{view._meta.db_table}: {done}")
        if failed:
            raise CommandError(" ".join(failed))
