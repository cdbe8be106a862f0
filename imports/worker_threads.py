"""Work on tasks of several queues at a time, one thread for each: a queue has the imports of one dataset."""

import logging
import threading

from django.db import Error as DatabaseError
from django.db import connection, connections
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

logger = logging.getLogger(__name__)
ALL = "*"


def worker_of(queue: str, interval: float) -> Worker:
    """Return a worker of one queue, or of all, that comes back when nothing is left to do."""
    return Worker(
        queue_names=[queue],
        interval=interval,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=get_random_string(32),
        excluded_queue_names=[],
    )


class Workers:
    """The threads of this process that work on tasks. A long import holds up those of its own queue alone."""

    def __init__(self, interval: float):
        self.interval = interval
        self._lock = threading.Lock()
        self._working: dict[str, Worker] = {}  # by queue
        # Each import has two connections, for any number of datasets: a pool would be a limit to them.
        connection.close()
        connection.settings_dict["OPTIONS"].pop("pool", None)

    @property
    def busy(self) -> bool:
        """Whether a thread is working."""
        return bool(self._working)

    def start(self) -> None:
        """Start a thread for each queue that has a task to do and no thread."""
        ready = DBTaskResult.objects.ready().order_by().values_list("queue_name", flat=True).distinct()
        for queue in ready:
            with self._lock:
                if queue in self._working:
                    continue
                self._working[queue] = worker_of(queue, self.interval)
            threading.Thread(target=self._work, args=(queue,), name=f"worker of {queue}", daemon=True).start()

    def stop(self) -> None:
        """Have each thread end after the task that it has in hand."""
        for worker in list(self._working.values()):
            worker.running = False

    def _work(self, queue: str) -> None:
        try:
            self._working[queue].run()
        except DatabaseError as error:
            logger.error("The database does not answer; trying again: %s", str(error).strip())
        except Exception:
            logger.exception("A worker of %s has stopped.", queue)
        finally:
            connections.close_all()
            with self._lock:
                del self._working[queue]
