"""Background imports, which a page or the API requests and a worker executes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.utils import timezone
from django_tasks import TaskContext, task
from django_tasks_db.models import DBTaskResult

from datasets.text import visible
from imports.engine import run_diff
from imports.engine.chosen_pairs import PairChoice
from imports.engine.doubtful_pairs import doubt, doubtful
from imports.engine.missing_records import most_of_previewed
from imports.engine.options import withdraw_confirmations
from imports.engine.outdated_previews import files_of
from imports.engine.run import ImportLockedError, ImportRefusedError, Options, import_files
from imports.models import ImportRun
from imports.source_files import Upload
from imports.upload_storage import take_over

WAIT = 0.5  # seconds between two attempts while another import is running
LONGEST_QUEUE = DBTaskResult._meta.get_field("queue_name").max_length

Status = ImportRun.Status
# The states of a run that can be previewed again, or discarded.
NOT_APPLIED: set[str] = {Status.FAILED, Status.INTERRUPTED, Status.CANCELLED, Status.PREVIEWED}


class InvalidRunStateError(Exception):
    """The run's status does not allow the action. The message states the reason."""


class RunInProgressError(InvalidRunStateError):
    """Another run of the dataset, *run*, is waiting or running."""

    def __init__(self, run: ImportRun):
        state = "is waiting to start" if run.status == Status.WAITING else "is running"
        super().__init__(f"Run {run.pk} of {run.dataset} {state}. Wait until it has finished, or cancel it.")
        self.run = run


@task(takes_context=True)
def work_on(context: TaskContext, run: int, expecting: str) -> None:
    """Import or preview the files of a waiting run.

    *expecting* is the dataset's version in the preview. A run without uploads reads the dataset's folder in
    ``SOURCES_DIR``.
    """
    waiting = ImportRun.objects.filter(pk=run, status=Status.WAITING, task_id=context.task_result.id).first()
    if waiting is None:
        return  # the run was cancelled, and may have been requested again
    options = Options(
        dry_run=waiting.dry_run,
        strict=waiting.strict,
        delete_missing=waiting.delete_missing,
        delete_most=waiting.delete_most,
        allow_missing_columns=waiting.allow_missing_columns,
        pairing=waiting.pairing,
        known_as=waiting.known_as or None,
        encoding=waiting.encoding,
        started_by=waiting.started_by,
        expecting=expecting,
        expecting_files=files_of(waiting),
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
            if waiting.status == Status.WAITING:  # the import failed before it could save its error
                waiting.finish(Status.FAILED, str(refusal))
            return


def preview(
    run: ImportRun,
    *,
    delete_missing: bool | None = None,
    unpaired: bool = False,
    pair_choices: list[PairChoice] | None = None,
    known_as: str | None = None,
) -> None:
    """Queue a preview of *run*, which is new or has not been applied.

    *delete_missing* and *pair_choices* replace the run's choices about missing records and pairs; *unpaired* turns
    pairing off. *known_as* is the name for a file that was refused as a copy: its own name, or that of the file that it
    continues. Raises InvalidRunStateError if the run cannot be previewed.
    """
    if known_as is not None:
        if len(run.uploads) != 1 or known_as not in (run.copy_of.get("name"), run.copy_of.get("other")):
            raise InvalidRunStateError(f"Run {run.pk} was not refused as a copy of {visible(known_as)}.")
        run.known_as = known_as
    if delete_missing is not None:
        run.delete_missing = delete_missing
    if pair_choices is not None:
        run.pair_choices = pair_choices
    if unpaired:
        run.pairing = ImportRun.Pairing.OFF
    if run.pk is not None:
        withdraw_confirmations(run)
    _enqueue(run, NOT_APPLIED, "", dry_run=True)


def apply_directly(run: ImportRun) -> None:
    """Queue the import of the new run *run* without a preview."""
    _enqueue(run, set(), "", dry_run=False)


def apply(run: ImportRun, *, delete_most: bool = False, pair: bool = False, reason: str = "") -> None:
    """Queue the import of a previewed run. A *reason* replaces the reason of the preview.

    Raises InvalidRunStateError if the run was not previewed, if it would delete most of a table without *delete_most*,
    or if it would pair edited rows of a file of which less than half still matches without *pair*.
    """
    run.delete_most = run.delete_most or delete_most
    if not run.delete_most and (most := most_of_previewed(run)):
        raise InvalidRunStateError(
            f"{'; '.join(map(str, most))}. Nothing was changed. Review the missing records. If they should be deleted, "
            "apply the run and allow it to delete most of the table."
        )
    if pair and run.pairing == ImportRun.Pairing.AUTO:
        run.pairing = ImportRun.Pairing.ON
    if doubted := doubtful(run, run.files.all()):
        raise InvalidRunStateError(f"{doubt(doubted)} Nothing was changed.")
    run.reason = reason or run.reason
    _enqueue(run, {Status.PREVIEWED}, run.tables_seen, dry_run=False)


@contextmanager
def alone(run: ImportRun) -> Iterator[None]:
    """Lock the dataset against other import requests. Raises RunInProgressError if it has another unfinished run."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite allows only one writer
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
            raise InvalidRunStateError(
                f"Run {run.pk} was started from the command line and cannot be restarted here. Import its files on the "
                "command line, or upload them."
            )
        else:
            start = {"status": Status.WAITING, "cancel_requested": False, "heartbeat": timezone.now(), "error": ""}
            start |= {"dry_run": dry_run, "delete_most": run.delete_most, "reason": run.reason}
            start |= {
                "known_as": run.known_as,
                "copy_of": {},
                "pairing": run.pairing,
                "pair_choices": run.pair_choices,
                "delete_missing": run.delete_missing,
            }
            if not ImportRun.objects.filter(pk=run.pk, status__in=states).update(**start, finished_at=None):
                run.refresh_from_db()
                allowed = "Only previewed, cancelled, failed and interrupted runs can be previewed again"
                allowed = allowed if dry_run else "Only previewed runs can be applied"
                raise InvalidRunStateError(f"Run {run.pk} is {run.get_status_display().lower()}. {allowed}.")
        queue = run.dataset[:LONGEST_QUEUE]  # one for each dataset, because workers run several queues in parallel
        task_id = work_on.using(queue_name=queue).enqueue(run=run.pk, expecting=expecting).id
        ImportRun.objects.filter(pk=run.pk).update(task_id=task_id)
        take_over(run)
    run.refresh_from_db()


def discard(run: ImportRun) -> None:
    """Discard a run that was previewed or stopped, with its preview and its uploads. Raises InvalidRunStateError."""
    if not ImportRun.objects.filter(pk=run.pk, status__in=NOT_APPLIED).update(status=Status.DISCARDED):
        run.refresh_from_db()
        allowed = "Only previewed, cancelled, failed and interrupted runs can be discarded"
        raise InvalidRunStateError(f"Run {run.pk} is {run.get_status_display().lower()}. {allowed}.")
    run_diff.forget(run)


def cancel(run: ImportRun) -> None:
    """Cancel a waiting run, or request that a running one stops.

    Raises InvalidRunStateError if the run cannot be cancelled. Raises OperationalError if SQLite is locked, because the
    request does not wait for the lock.
    """
    with short_busy_timeout():
        end = {
            "status": Status.CANCELLED,
            "finished_at": timezone.now(),
            "error": "The run was cancelled before it started.",
        }
        if ImportRun.objects.filter(pk=run.pk, status=Status.WAITING).update(**end):
            return
        running = ImportRun.objects.filter(pk=run.pk, status=Status.RUNNING)
        if connection.vendor == "sqlite" and running.filter(merging=True).exists():
            raise InvalidRunStateError(
                "The run is writing to the tables and can no longer be cancelled. You can undo it once it is applied."
            )
        if not running.update(cancel_requested=True):
            run.refresh_from_db()
            raise InvalidRunStateError(f"Run {run.pk} is already {run.get_status_display().lower()}.")


@contextmanager
def short_busy_timeout() -> Iterator[None]:
    """Make this connection fail quickly if another one holds SQLite's lock, instead of waiting for the lock."""
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
