"""The threads of the worker: one for each queue, which has the imports of one dataset."""

import logging
import os
import threading
from socket import gethostname
from time import monotonic

from django.db import Error as DatabaseError
from django.db import connection, connections
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

logger = logging.getLogger(__name__)
ALL = "*"
PATIENCE = 1.5  # polls for which a worker that is already importing leaves a dataset to workers that are idle


def worker_of(queue: str, interval: float) -> Worker:
    """Return a worker for one queue, or for all queues, that stops when no task is left."""
    return Worker(
        queue_names=[queue],
        interval=interval,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=f"{gethostname()}:{os.getpid()}:{get_random_string(8)}",  # the row of the task says where it ran
        excluded_queue_names=[],
    )


class Workers:
    """The threads of this process that run tasks. A long import delays only its own queue."""

    def __init__(self, interval: float):
        self.interval = interval
        self._lock = threading.Lock()
        self._working: dict[str, Worker] = {}  # by queue
        self._waiting: dict[str, float] = {}  # when each queue with a waiting task was first seen
        # Each import needs two connections, and the number of datasets is unknown, so a connection pool could be too
        # small.
        connection.close()
        connection.settings_dict["OPTIONS"].pop("pool", None)

    @property
    def busy(self) -> bool:
        """Whether any thread is working."""
        return bool(self._working)

    def start(self) -> None:
        """Start a thread for each queue that has a waiting task but no thread."""
        ready = DBTaskResult.objects.ready().order_by().values_list("queue_name", flat=True).distinct()
        now = monotonic()
        self._waiting = {queue: self._waiting.get(queue, now) for queue in ready}
        for queue, since in self._waiting.items():
            with self._lock:
                is_early = self._working and now - since < PATIENCE * self.interval
                if queue in self._working or is_early:
                    continue
                self._working[queue] = worker_of(queue, self.interval)
            threading.Thread(target=self._work, args=(queue,), name=f"worker of {queue}", daemon=True).start()

    def stop(self) -> None:
        """Stop each thread after its current task."""
        for worker in list(self._working.values()):
            worker.running = False

    def _work(self, queue: str) -> None:
        try:
            self._working[queue].run()
        except DatabaseError as error:
            logger.error("The database does not respond; retrying: %s", str(error).strip())
        except Exception:
            logger.exception("The worker thread of the queue %s stopped.", queue)
        finally:
            connections.close_all()
            with self._lock:
                del self._working[queue]
