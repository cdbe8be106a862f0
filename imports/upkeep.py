"""The worker's upkeep between imports: it refreshes the summary tables that are due."""

import logging
from threading import Thread
from time import monotonic

from django.db import Error as DatabaseError
from django.db import connections

from datasets.matviews import refresh_due

logger = logging.getLogger(__name__)
RETRY = 10  # seconds until a failed refresh is tried again


class Upkeep:
    """A thread that refreshes summary tables, so that no import waits for a refresh.

    After its work, it rests as long as the work took: frequent edits of a large table are combined, and at least half
    of the time is left to others.
    """

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._rests_until = 0.0

    def start(self) -> None:
        """Start the thread, unless it is working or resting."""
        if monotonic() >= self._rests_until and not (self._thread and self._thread.is_alive()):
            self._thread = Thread(target=self._work, name="upkeep", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        begun = monotonic()
        try:
            is_done = refresh_views()
        except DatabaseError as error:
            logger.error("The database does not respond; retrying: %s", str(error).strip())
            is_done = False
        except Exception:
            logger.exception("The summary tables were not refreshed; retrying.")
            is_done = False
        finally:
            connections.close_all()
        self._rests_until = monotonic() + max(monotonic() - begun, 0 if is_done else RETRY)


def refresh_views() -> bool:
    """Refresh the summary tables that are due. Log each failure, and return whether there was none."""
    done = refresh_due(wait=False)
    for refresh in done:
        if refresh.problem:
            logger.error("%s Trying again in %d seconds.", refresh, RETRY)
        else:
            logger.info("%s", refresh)
    return not any(refresh.problem for refresh in done)
