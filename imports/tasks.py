"""An import in the background: asked for by a page, done by a worker, and told by its run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone
from django_tasks import TaskContext, task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from imports import run_diff
from imports.engine.locks import finish, only_one
from imports.engine.missing import most_of_previewed
from imports.engine.run import ImportLockedError, ImportRefusedError, Options, import_files
from imports.models import ImportRun
from imports.source_files import Upload
from imports.upload_storage import take_over

SILENT, GONE = timedelta(seconds=5), timedelta(seconds=30)  # without a heartbeat
WAIT = 0.5  # seconds between two looks at whether another import is done
LONGEST_QUEUE = DBTaskResult._meta.get_field("queue_name").max_length

Status = ImportRun.Status


class InvalidRunStateError(Exception):
    """What cannot be done with a run in its state: a sentence."""


class RunInProgressError(InvalidRunStateError):
    """Another run of the dataset waits or goes on: *run*."""

    def __init__(self, run: ImportRun):
        does = "waits for a worker" if run.status == Status.WAITING else "is going on"
        super().__init__(f"Run {run.pk} of {run.dataset} {does}. Wait until it is done, or cancel it.")
        self.run = run


class ProcessEndedError(Exception):
    """The process that worked on a task ended before it was done."""


@task(takes_context=True)
def work_on(context: TaskContext, run: int, expecting: str) -> None:
    """Import the files of a run that waits, or preview it; *expecting* is how the tables stood when it was previewed.

    Without files of its own, it is the dataset's folder of sources.
    """
    waiting = ImportRun.objects.filter(pk=run, status=Status.WAITING, task_id=context.task_result.id).first()
    if waiting is None:
        return  # cancelled meanwhile, and perhaps asked for anew
    options = Options(
        dry_run=waiting.dry_run,
        strict=waiting.strict,
        remove_missing=waiting.remove_missing,
        remove_most=waiting.remove_most,
        allow_missing_columns=waiting.allow_missing_columns,
        known_as=waiting.known_as or None,
        encoding=waiting.encoding,
        started_by=waiting.started_by,
        expecting=expecting,
    )
    uploads = [Upload(upload["name"], upload["sha256"]) for upload in waiting.uploads]
    while True:
        try:
            import_files(waiting.dataset, options=options, uploads=uploads, run=waiting)
            return
        except ImportLockedError:
            ImportRun.objects.filter(pk=run, status=Status.WAITING).update(heartbeat=timezone.now())
            time.sleep(WAIT)
            waiting.refresh_from_db()
            if waiting.status != Status.WAITING:
                return
        except ImportRefusedError as refusal:
            waiting.refresh_from_db()
            if waiting.status == Status.WAITING:  # it did not come so far as to tell it
                finish(waiting, Status.FAILED, str(refusal))
            return


def preview(run: ImportRun) -> None:
    """Have *run*, which is new or was not applied, previewed by a worker."""
    run.remove_most = run.remove_most and run.pk is None  # what was confirmed before may not be what comes now
    _enqueue(run, {Status.FAILED, Status.INTERRUPTED, Status.CANCELLED, Status.PREVIEWED}, "", dry_run=True)


def apply_directly(run: ImportRun) -> None:
    """Have *run*, which is new, done for real by a worker without a preview."""
    _enqueue(run, set(), "", dry_run=False)


def apply(run: ImportRun, *, remove_most: bool = False) -> None:
    """Have a previewed run done for real by a worker.

    Raises InvalidRunStateError, also where it would delete most of a table and *remove_most* does not say that this is
    right.
    """
    run.remove_most = run.remove_most or remove_most
    if not run.remove_most and (most := most_of_previewed(run)):
        raise InvalidRunStateError(
            f"{'; '.join(map(str, most))}. Nothing was changed. Look at those that are missing; where it is right, "
            "apply it and ask for “remove most” as well."
        )
    _enqueue(run, {Status.PREVIEWED}, run.tables_seen, dry_run=False)


@contextmanager
def alone(run: ImportRun) -> Iterator[None]:
    """Let *run* be asked for while no other request for its dataset can be.

    Raises RunInProgressError where a run of it waits or goes on.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite has one writer anyway
            with connection.cursor() as cursor:
                key = f"tabularium request of {run.dataset}"
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        others = ImportRun.objects.filter(dataset=run.dataset, status__in=[Status.WAITING, Status.RUNNING])
        if other := others.exclude(pk=run.pk).first():
            raise RunInProgressError(other)
        yield


def _enqueue(run: ImportRun, states: set[str], expecting: str, *, dry_run: bool) -> None:
    with transaction.atomic():
        if run.pk is None:
            run.status, run.dry_run, run.heartbeat = Status.WAITING, dry_run, timezone.now()
            run.save()
        elif run.task_id is None:
            of = f"Run {run.pk} is of the command line."
            raise InvalidRunStateError(f"{of} Import its files there, or upload them here.")
        else:
            start = {"status": Status.WAITING, "cancel_requested": False, "heartbeat": timezone.now(), "error": ""}
            start |= {"dry_run": dry_run, "remove_most": run.remove_most}
            if not ImportRun.objects.filter(pk=run.pk, status__in=states).update(**start, finished_at=None):
                run.refresh_from_db()
                which = "that was previewed, cancelled or failed can be previewed again"
                may = which if dry_run else "that is previewed can be applied"
                raise InvalidRunStateError(f"Run {run.pk} is {run.get_status_display().lower()}: only one {may}.")
        queue = run.dataset[:LONGEST_QUEUE]  # each dataset's own: workers take several queues at a time
        task_id = work_on.using(queue_name=queue).enqueue(run=run.pk, expecting=expecting).id
        ImportRun.objects.filter(pk=run.pk).update(task_id=task_id)
        take_over(run)
    run.refresh_from_db()


def discard(run: ImportRun) -> None:
    """Drop a run that was previewed or stopped, its changes and its uploads; raises InvalidRunStateError."""
    not_applied = [Status.PREVIEWED, Status.FAILED, Status.INTERRUPTED, Status.CANCELLED]
    if not ImportRun.objects.filter(pk=run.pk, status__in=not_applied).update(status=Status.DISCARDED):
        run.refresh_from_db()
        may = "only one that was previewed, cancelled or failed can be discarded"
        raise InvalidRunStateError(f"Run {run.pk} is {run.get_status_display().lower()}: {may}.")
    run_diff.forget(run)


def cancel(run: ImportRun) -> None:
    """Ask a run that waits or goes on to stop.

    Raises InvalidRunStateError where it cannot, and OperationalError where SQLite's one writer is busy: it is not
    waited for.
    """
    with short_busy_timeout():
        end = {"status": Status.CANCELLED, "finished_at": timezone.now(), "error": "It was cancelled while it waited."}
        if ImportRun.objects.filter(pk=run.pk, status=Status.WAITING).update(**end):
            return
        going_on = ImportRun.objects.filter(pk=run.pk, status=Status.RUNNING)
        if connection.vendor == "sqlite" and going_on.filter(merging=True).exists():
            merging = "It is being merged by now, which cannot be cancelled. When it is applied, it can be undone."
            raise InvalidRunStateError(merging)
        if not going_on.update(cancel_requested=True):
            run.refresh_from_db()
            raise InvalidRunStateError(f"Run {run.pk} is {run.get_status_display().lower()} already.")


@contextmanager
def short_busy_timeout() -> Iterator[None]:
    """Let this connection fail quickly if another one has SQLite's lock, instead of waiting for it."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = int(1000 * connection.settings_dict["OPTIONS"].get("timeout", 5))
    try:
        _set_busy_timeout(200)
        yield
    finally:
        _set_busy_timeout(usual)


def _set_busy_timeout(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")


def find_interrupted() -> list[ImportRun]:
    """Mark the runs whose process is gone as interrupted, close their tasks, and return them; nothing is retried.

    The dataset's lock tells of a run that goes on. One that waits is lost when its task was begun and nobody tells of
    it any more.
    """
    found = []
    silent = ImportRun.objects.filter(status=Status.RUNNING, heartbeat__lt=timezone.now() - SILENT)
    for dataset in set(silent.values_list("dataset", flat=True)):
        try:
            with only_one(dataset) as interrupted:
                found += interrupted
        except ImportLockedError:
            pass
    begun = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING)
    gone = ImportRun.objects.filter(status=Status.WAITING, heartbeat__lt=timezone.now() - GONE)
    for run in gone.filter(task_id__in=begun.values("id")):
        finish(run, Status.INTERRUPTED, "Its process ended before it was begun; nothing of it was stored.")
        found.append(run)
    lost = ImportRun.objects.filter(status=Status.INTERRUPTED, task_id__in=begun.values("id"))
    for left in begun.filter(id__in=lost.values("task_id")):
        left.set_failed(ProcessEndedError("The process that worked on it ended before it was done."))
    return found
