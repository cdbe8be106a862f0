"""``--no-refresh``: whether a command refreshes the summary tables of its dataset before it exits."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from datasets import matviews


def add_no_refresh_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--no-refresh", action="store_true", help="leave the refresh of the summary tables to the worker"
    )


def refresh_after_report(command: BaseCommand, dataset: str, out: OutputWrapper | None = None) -> None:
    """Refresh the summary tables of *dataset* that are due, and write to *out* which ones.

    The changes are already committed, so a failure or an interruption by the user is only reported.
    """
    try:
        refreshed = matviews.refresh_due(dataset)
    except KeyboardInterrupt:
        command.stderr.write("The refresh was interrupted. The changes are saved. The worker refreshes what is due.")
        return
    for done in refreshed:
        if done.problem:
            remedy = (
                f"The worker will try again. To refresh the table now, run: python manage.py refresh_views {dataset}"
            )
            command.stderr.write(f"{done} {remedy}")
        elif out is not None:
            out.write(f"{done}")


def refresh_before_reading(*datasets: str) -> None:
    """Refresh the summary tables of *datasets* that are due. Raises CommandError."""
    if problems := [str(done) for done in matviews.refresh_due(*datasets) if done.problem]:
        raise CommandError(" ".join(problems))
