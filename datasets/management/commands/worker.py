"""Work on what pages have asked for in the background: imports, one after the other."""

import logging
import time

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.utils import is_locked_database_exception

from datasets.matviews import catch_up
from datasets.models import ImportRun
from datasets.storage import sweep as sweep_uploads
from datasets.tasks import find_interrupted
from datasets.terminal import TerminalCommand, unusable
from monitoring.exposition import serve

logger = logging.getLogger(__name__)
SWEEP = 10  # seconds between two searches for runs whose process is gone
TIDY = 24 * 60 * 60  # seconds between two removals of what has expired
SWEEP_UPLOADS = 60 * 60  # seconds between two removals of uploads that no run owns
EXPIRES = ("clearsessions", "prune_db_task_results")  # the commands that remove it


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
        worker = Worker(
            queue_names=["*"],
            interval=interval,
            batch=True,  # it comes back when nothing is left, so that we can look after what was interrupted
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=get_random_string(32),
            excluded_queue_names=[],
        )
        if not batch:
            worker.configure_signals()
        swept = tidied = uploads_swept = None
        while worker.running:
            try:
                if swept is None or time.monotonic() - swept > SWEEP:
                    for run in find_interrupted():
                        logger.warning("%s: %s", run, run.error)
                    refresh_views()
                    swept = time.monotonic()
                if tidied is None or time.monotonic() - tidied > TIDY:
                    for command in EXPIRES:
                        call_command(command, verbosity=0)
                    tidied = time.monotonic()
                if uploads_swept is None or time.monotonic() - uploads_swept > SWEEP_UPLOADS:
                    if deleted := sweep_uploads():
                        logger.info("%d uploads that no run owned were deleted.", deleted)
                    uploads_swept = time.monotonic()
                worker.run()
                if batch:
                    return
            except (OperationalError, InterfaceError) as error:
                if not is_locked_database_exception(error):
                    logger.error("The database does not answer; trying again: %s", str(error).strip())
                    connection.close()
                    time.sleep(5)
            if worker.running:
                close_old_connections()
                time.sleep(interval)


def refresh_views() -> None:
    """Refresh the views that are behind their datasets; a failure is logged, and the next sweep tries again."""
    try:
        for done in catch_up():
            logger.warning("The view %s was behind its dataset; it is refreshed.", done.view._meta.db_table)
    except DatabaseError as error:
        why = str(error).strip().splitlines()[0]
        logger.error("A view is behind its dataset and cannot be refreshed; trying again: %s", why)
