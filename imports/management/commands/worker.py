"""Run background tasks: imports of several datasets in parallel, refreshes of summary tables, and upkeep."""

import logging
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django.template.defaultfilters import pluralize
from django.utils.module_loading import import_string
from django_tasks_db.utils import is_locked_database_exception

from datasets.command_errors import TerminalCommand, unusable
from datasets.http.request_rates import delete_unused
from datasets.matviews import behind
from imports.engine.interrupted import find_interrupted
from imports.models import ImportRun
from imports.stored_entry import StorageError
from imports.upkeep import Upkeep, refresh_views, vacuum_tables
from imports.upload_storage import sweep as sweep_uploads
from imports.worker_threads import ALL, Workers, worker_of
from monitoring.exposition import serve

logger = logging.getLogger(__name__)
SWEEP = 10  # seconds between two searches for interrupted runs
TIDY = 24 * 60 * 60  # seconds between two deletions of expired data
VACUUM = 10  # seconds between two searches for tables to vacuum
UNUSED = 60  # seconds between two deletions of the counts of clients that no longer limit them
SWEEP_UPLOADS = 60 * 60  # seconds between two deletions of uploads without a run
EXPIRES = {"clearsessions": {}, "prune_db_task_results": {"queue_name": ALL}}  # commands that delete expired data


def _find_interrupted() -> None:
    for run in find_interrupted():
        logger.warning("%s: %s", run, run.error)


def _delete_expired() -> None:
    for command, options in EXPIRES.items():
        call_command(command, verbosity=0, **options)


def _sweep_uploads() -> None:
    try:
        deleted = sweep_uploads()
    except StorageError as error:
        logger.error("%s", error.strerror)
        return
    if deleted:
        logger.info("Deleted %d upload%s without a run.", deleted, pluralize(deleted))


PERIODIC_JOBS: dict[Callable[[], None], float] = {
    delete_unused: UNUSED,
    _find_interrupted: SWEEP,
    _delete_expired: TIDY,
    _sweep_uploads: SWEEP_UPLOADS,
}


def _serve_metrics() -> None:
    if settings.METRICS_PORT:
        try:
            serve(settings.METRICS_PORT)
        except OSError as error:
            raise CommandError(f"METRICS_PORT {settings.METRICS_PORT}: {error.strerror}.") from None


class Command(TerminalCommand):
    help = f"{__doc__} Waits while another process has locked the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", action="store_true", help="stop when no task is left")
        parser.add_argument("--interval", type=float, default=0.5, help="polling interval in seconds (default: 0.5)")

    def handle(self, *, batch: bool, interval: float, **options: Any) -> None:
        if not 0 < interval <= 3600:
            raise CommandError(f"--interval must be more than 0 and at most 3600 seconds (found {interval:g}).")
        logging.getLogger("django_tasks_db").setLevel(logging.ERROR)  # at lower levels it logs every poll
        try:
            ImportRun.objects.exists()
        except DatabaseError as error:
            raise unusable(error) from error
        _serve_metrics()
        self._interval = interval
        self._running = True
        upkeep = [Upkeep(refresh_views, behind), Upkeep(vacuum_tables, rest=VACUUM)]
        upkeep += [import_string(name)() for name in settings.WORKER_JOBS]
        if batch:
            self._serve(lambda: worker_of(ALL, interval).run(), once=True)
            for job in upkeep:
                job.run_once()
            return
        self._workers = Workers(interval)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, self._end)

        def work() -> None:
            self._workers.start()
            for job in upkeep:
                job.start()

        self._serve(work)
        while self._workers.busy:
            time.sleep(0.1)

    def _serve(self, work: Callable[[], None], *, once: bool = False) -> None:
        """Run the periodic jobs and *work* until the process is asked to stop."""
        done = dict.fromkeys(PERIODIC_JOBS, float("-inf"))  # when each job was last run
        while self._running:
            try:
                for job, seconds in PERIODIC_JOBS.items():
                    if time.monotonic() - done[job] > seconds:
                        job()
                        done[job] = time.monotonic()
                work()
                if once:
                    return
            except (OperationalError, InterfaceError) as error:
                if not (isinstance(error, OperationalError) and is_locked_database_exception(error)):
                    logger.error("The database does not respond; retrying: %s", str(error).strip())
                    connection.close()
                    time.sleep(5)
            if self._running:
                close_old_connections()
                time.sleep(self._interval)

    def _end(self, number: int, frame: FrameType | None) -> None:
        """Stop after the current tasks, or immediately on a second signal."""
        name = signal.Signals(number).name
        if not self._running:
            logger.warning("Received a second %s: stopping immediately.", name)
            os._exit(1)
        self._running = False
        self._workers.stop()
        if not self._workers.busy:
            sys.exit(0)
        logger.warning(
            "Received %s: stopping after the current imports. Send a second signal to stop immediately.", name
        )
