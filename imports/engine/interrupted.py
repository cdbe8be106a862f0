"""Find runs whose process has died, by their released lock or old heartbeat, and mark them as interrupted."""

from datetime import timedelta

from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from imports.engine.locks import ImportLockedError, import_lock
from imports.models import ImportRun

Status = ImportRun.Status

# If the last heartbeat is older than this, the process of the run may have died.
RUNNING_TIMEOUT, WAITING_TIMEOUT = timedelta(seconds=5), timedelta(seconds=30)


class ProcessEndedError(Exception):
    """The process of a task ended before the task was finished."""


def finish_interrupted(dataset: str) -> list[ImportRun]:
    """Mark the running runs of *dataset* as interrupted, and return them.

    The caller holds the dataset's lock. A run releases the lock only when its process ends, so the processes of these
    runs have died.
    """
    interrupted = list(ImportRun.objects.filter(dataset=dataset, status=Status.RUNNING))
    for run in interrupted:
        run.finish(Status.INTERRUPTED, "The process of the run ended unexpectedly. Nothing was imported.")
    return interrupted


def find_interrupted() -> list[ImportRun]:
    """Find the runs of all datasets whose process has died.

    Mark them as interrupted, close their tasks, and return them.

    A running run is alive while the dataset's lock is held. A waiting run is dead if its task has started and its
    heartbeat has not been updated since.
    """
    now, interrupted = timezone.now(), []
    silent = ImportRun.objects.filter(status=Status.RUNNING, heartbeat__lt=now - RUNNING_TIMEOUT)
    for dataset in set(silent.values_list("dataset", flat=True)):
        try:
            with import_lock(dataset):
                interrupted += finish_interrupted(dataset)
        except ImportLockedError:
            pass
    started = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING)
    waiting = ImportRun.objects.filter(status=Status.WAITING, heartbeat__lt=now - WAITING_TIMEOUT)
    for run in waiting.filter(task_id__in=started.values("id")):
        run.finish(Status.INTERRUPTED, "The process ended before the run started. Nothing was imported.")
        interrupted.append(run)
    lost = ImportRun.objects.filter(status=Status.INTERRUPTED, task_id__in=started.values("id"))
    for task in started.filter(id__in=lost.values("task_id")):
        task.set_failed(ProcessEndedError("The process of the task ended before the task was done."))
    return interrupted
