"""Work on what pages have asked for in the background: imports, several datasets at a time."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django_tasks_db.utils import is_locked_database_exception

from datasets.command_errors import TerminalCommand, unusable
from datasets.matviews import catch_up
from imports.models import ImportRun
from imports.tasks import find_interrupted
from imports.upload_storage import sweep as sweep_uploads
from imports.worker_threads import ALL, Workers, worker_of
from monitoring.exposition import serve

logger = logging.getLogger(__name__)
SWEEP = 10  # seconds between two searches for runs whose process is gone
TIDY = 24 * 60 * 60  # seconds between two removals of what has expired
SWEEP_UPLOADS = 60 * 60  # seconds between two removals of uploads that no run owns
EXPIRES = {"clearsessions": {}, "prune_db_task_results": {"queue_name": ALL}}  # the commands that remove it


class Command(TerminalCommand):
    help = f"{__doc__} Waits where another process has locked the database."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--batch", action="store_true", help="stop when nothing is left to do")
        parser.add_argument("--interval", type=float, default=0.5, help="seconds between two looks at what there is")

    def handle(self, *, batch: bool, interval: float, **options) -> None:
        if not 0 < interval <= 3600:
            raise CommandError(f"--interval {interval:g}: expected seconds, more than 0 and 3600 at most.")
        logging.getLogger("django_tasks_db").setLevel(logging.ERROR)  # it would tell of every look
        try:
            ImportRun.objects.exists()
        except DatabaseError as error:
            raise unusable(error) from error
        if settings.METRICS_PORT:
            try:
                serve(settings.METRICS_PORT)
            except OSError as error:
                raise CommandError(f"METRICS_PORT {settings.METRICS_PORT}: {error.strerror}.") from None
        self._interval = interval
        self._running = True
        if batch:
            self._serve(lambda: worker_of(ALL, interval).run(), once=True)
            return
        self._workers = Workers(interval)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, self._end)
        self._serve(self._workers.start)
        while self._workers.busy:
            time.sleep(0.1)

    def _serve(self, work: Callable[[], None], *, once: bool = False) -> None:
        """Look after what was left behind, and have the work done, until the process is told to end."""
        swept = tidied = uploads_swept = None
        while self._running:
            try:
                if swept is None or time.monotonic() - swept > SWEEP:
                    for run in find_interrupted():
                        logger.warning("%s: %s", run, run.error)
                    refresh_views()
                    swept = time.monotonic()
                if tidied is None or time.monotonic() - tidied > TIDY:
                    for command, options in EXPIRES.items():
                        call_command(command, verbosity=0, **options)
                    tidied = time.monotonic()
                if uploads_swept is None or time.monotonic() - uploads_swept > SWEEP_UPLOADS:
                    if deleted := sweep_uploads():
                        logger.info("%d uploads that no run owned were deleted.", deleted)
                    uploads_swept = time.monotonic()
                work()
                if once:
                    return
            except (OperationalError, InterfaceError) as error:
                if not is_locked_database_exception(error):
                    logger.error("The database does not answer; trying again: %s", str(error).strip())
                    connection.close()
                    time.sleep(5)
            if self._running:
                close_old_connections()
                time.sleep(self._interval)

    def _end(self, number: int, frame) -> None:
        """End after the tasks in hand; told so once more, end at once."""
        name = signal.Signals(number).name
        if not self._running:
            logger.warning("%s came again: the process ends at once.", name)
            os._exit(1)
        self._running = False
        self._workers.stop()
        if not self._workers.busy:
            sys.exit(0)
        logger.warning("%s: the process ends when the imports in hand are done. A second signal ends it at once.", name)


def refresh_views() -> None:
    """Refresh the views that are behind their datasets; a failure is logged, and the next sweep tries again."""
    try:
        for done in catch_up():
            logger.warning("The view %s was behind its dataset; it is refreshed.", done.view._meta.db_table)
    except DatabaseError as error:
        why = str(error).strip().splitlines()[0]
        logger.error("A view is behind its dataset and cannot be refreshed; trying again: %s", why)
