"""The worker's upkeep between imports: it refreshes the summary tables that are due, and vacuums changed tables."""

import logging
from collections.abc import Callable
from threading import Thread
from time import monotonic

from django.db import Error as DatabaseError
from django.db import connections

from datasets.matviews import refresh_due
from datasets.sql.vacuum import vacuum_changed_tables

logger = logging.getLogger(__name__)
RETRY = 10  # seconds until a failed job is tried again


class Upkeep:
    """A job in a thread of its own, so that no import waits for it.

    After the job, the thread rests for at least *rest* seconds, and as long as the job took: frequent edits of a large
    table are combined, and at least half of the time is left to others. The job returns whether it succeeded.
    *is_due* is a quick check in the caller's thread, which saves a thread and its connection if there is nothing to do.
    """

    def __init__(self, job: Callable[[], bool], is_due: Callable[[], object] = lambda: True, rest: float = 0) -> None:
        self._job, self._is_due, self._rest = job, is_due, rest
        self._thread: Thread | None = None
        self._rests_until = 0.0

    def start(self) -> None:
        """Start the thread if the job is due, unless the thread is working or resting."""
        is_busy = monotonic() < self._rests_until or (self._thread and self._thread.is_alive())
        if not is_busy and self._is_due():
            self._thread = Thread(target=self._work, name=self._job.__name__, daemon=True)
            self._thread.start()

    def run_once(self) -> None:
        """Run the job in the caller's thread if it is due."""
        if self._is_due():
            self._job()

    def _work(self) -> None:
        begun, is_done = monotonic(), False
        try:
            is_done = self._job()
        except DatabaseError as error:
            logger.error("The database does not respond; retrying: %s", str(error).strip())
        except Exception:
            logger.exception("The upkeep job %s failed; retrying.", self._job.__name__)
        finally:
            connections.close_all()
        self._rests_until = monotonic() + max(monotonic() - begun, self._rest if is_done else RETRY)


def refresh_views() -> bool:
    """Refresh the summary tables that are due. Log each failure, and return whether there was none."""
    done = refresh_due(wait=False)
    for refresh in done:
        if refresh.problem:
            logger.error("%s Trying again in %d seconds.", refresh, RETRY)
        else:
            logger.info("%s", refresh)
    return not any(refresh.problem for refresh in done)


def vacuum_tables() -> bool:
    """Vacuum the tables of which a large share was written."""
    if tables := vacuum_changed_tables():
        logger.info("Vacuumed after large changes: %s.", ", ".join(tables))
    return True
