"""Metrics about imports, read from the database at each scrape: runs, rows, speed, queue, summary tables and uploads.

All processes report the same values, so queries should use their maximum instead of their sum.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from prometheus_client.core import GaugeMetricFamily, Metric

from datasets.matviews import states
from datasets.models import Version
from datasets.registry import dataset_apps
from imports.models import ImportRun, SourceFile
from imports.stored_entry import StorageError
from imports.upload_storage import bytes_kept, disk
from monitoring.health import ask_database

Values = dict[tuple[str, ...], float]  # the values of a metric by its labels


class ImportsCollector:
    """Collects the import metrics. If the database does not respond, it reports only ``tabularium_database_up 0``."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        answers = GaugeMetricFamily("tabularium_database_up", "1 if the database responds.")
        try:
            ask_database()
            metrics = [*_runs(), *_rows(), *_speeds(), *_queue(), *_views(), *_uploads()]
        except (DatabaseError, InterfaceError):
            metrics = []
        finally:
            if not connection.in_atomic_block:
                connection.close()
        answers.add_metric([], 1 if metrics else 0)
        return iter([answers, *metrics])


def _gauge(name: str, description: str, labels: list[str], values: Values) -> GaugeMetricFamily:
    metric = GaugeMetricFamily(f"tabularium_{name}", description, labels=labels)
    for key, value in values.items():
        metric.add_metric(key, value)
    return metric


def _datasets() -> list[str]:
    return list(dataset_apps())


def _runs() -> Iterator[Metric]:
    counts: Values = {(dataset, status): 0 for dataset in _datasets() for status in ImportRun.Status.values}
    by = ImportRun.objects.order_by().values_list("dataset", "status").annotate(Count("pk"))
    counts |= {(dataset, status): count for dataset, status, count in by if (dataset, status) in counts}
    yield _gauge("import_runs", "Import runs by status.", ["dataset", "outcome"], counts)

    failed: Values = {(dataset,): 0 for dataset in _datasets()}
    ended = ImportRun.objects.exclude(finished_at=None).order_by()
    newest = ended.filter(pk__in=ended.values("dataset").annotate(newest=Max("pk")).values("newest"))
    bad = {ImportRun.Status.FAILED, ImportRun.Status.INTERRUPTED}
    failed |= {(dataset,): status in bad for dataset, status in newest.values_list("dataset", "status")}
    yield _gauge("import_last_failed", "1 if the last finished run failed or was interrupted.", ["dataset"], failed)


def _rows() -> Iterator[Metric]:
    counts: Values = {(dataset, outcome): 0 for dataset in _datasets() for outcome in SourceFile.COUNTS}
    applied = SourceFile.objects.filter(run__status=ImportRun.Status.APPLIED).order_by()
    for dataset, *sums in applied.values_list("run__dataset").annotate(*map(Sum, SourceFile.COUNTS)):
        if (dataset, "read") in counts:
            counts |= {(dataset, name): total for name, total in zip(SourceFile.COUNTS, sums, strict=True)}
    yield _gauge("import_rows", "Rows of applied files by outcome.", ["dataset", "outcome"], counts)


def _speeds() -> Iterator[Metric]:
    begun = ImportRun.objects.exclude(begun_at=None).filter(rows_read__gt=0).order_by()
    newest = begun.filter(pk__in=begun.values("dataset").annotate(newest=Max("pk")).values("newest"))
    speeds: Values = {}
    for run in newest:
        if run.begun_at:
            end = run.finished_at or run.heartbeat or timezone.now()
            speeds[(run.dataset,)] = run.rows_read / max((end - run.begun_at).total_seconds(), 0.001)
    yield _gauge(
        "import_rows_per_second", "Rows per second of the newest run, from its start to its end.", ["dataset"], speeds
    )


def _queue() -> Iterator[Metric]:
    waiting = DBTaskResult.objects.filter(status=TaskResultStatus.READY).order_by()
    length, oldest = waiting.aggregate(n=Count("pk"), oldest=Min("enqueued_at")).values()
    yield _gauge("queue_length", "Tasks waiting for a worker.", [], {(): length})
    yield _gauge(
        "queue_oldest_seconds", "Waiting time of the oldest waiting task, in seconds.", [], {(): _seconds_since(oldest)}
    )


def _views() -> Iterator[Metric]:
    """Yield the age of each view, and how long it has been out of date."""
    changed = dict(Version.objects.values_list("name", "number"))  # microseconds
    ages, late = Values(), Values()
    for view, state in states().items():
        name, changed_at = (view._meta.db_table,), changed.get(view._meta.app_label, 0) / 1e6
        if state.refreshed_at:
            ages[name] = _seconds_since(state.refreshed_at)
        if state.refreshed_at or state.is_behind:
            late[name] = max(0.0, timezone.now().timestamp() - changed_at) if state.is_behind else 0
    yield _gauge("view_age_seconds", "Seconds since the last refresh of a summary table.", ["view"], ages)
    yield _gauge("view_behind_seconds", "Seconds for which a summary table has been out of date.", ["view"], late)


def _uploads() -> Iterator[Metric]:
    usage = disk()
    with suppress(StorageError):  # the bucket does not respond
        yield _gauge("uploads_bytes", "Bytes of all stored uploads.", [], {(): bytes_kept()})
    yield _gauge("uploads_free_bytes", "Free bytes of the disk for uploads.", [], {(): usage.free})
    yield _gauge("uploads_disk_bytes", "Size of the disk for uploads, in bytes.", [], {(): usage.total})


def _seconds_since(moment: datetime | None) -> float:
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0
