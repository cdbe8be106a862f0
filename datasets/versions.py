"""Versions: a number for each dataset and each materialized view, which increases with every change to the data.

The transaction that changes the data also increases the number. ETags, cached labels and previewed runs depend on the
version. Read the version before the rows, because a version that is too old only causes a cache miss.

With an analytical copy (setting ANALYTICS_COPY), a run or an edit also stores the version that contains its changes, so
that the copy can find the changes since an earlier version. A change without a run or an edit, such as a save in a
shell, is *untracked*: the next copy is written completely.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from time import time_ns
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models, router
from django.db.models.functions import Greatest
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from datasets.models import MaterializedView, Record, Version, Vocabulary

RAISED = "_versions_raised"  # attribute of the deleted object: datasets whose versions have been increased
_edit_follows: ContextVar[bool] = ContextVar("edit_follows", default=False)


def raise_version(*names: str, by: Any = None) -> None:
    """Increase the versions of *names* in the current transaction.

    The number is based on the current time, so it is never used twice, even if a backup is restored and then changed.
    *by* is the run or the edit that made all changes and stores them in the history.
    """
    for name in sorted(names):  # a fixed order prevents deadlocks
        now = time_ns() // 1000
        version = Version.objects.filter(pk=name)
        number = Greatest(models.F("number") + 1, now)
        is_tracked = settings.ANALYTICS and (_edit_follows.get() or (by is not None and by.dataset == name))
        risen = {"number": number} if is_tracked else {"number": number, "untracked": number}
        first = dict.fromkeys(risen, now)
        if not version.update(**risen) and not Version.objects.get_or_create(pk=name, defaults=first)[1]:
            version.update(**risen)  # a concurrent transaction has created the row
        if is_tracked and by is not None:
            action = type(by)._base_manager.filter(pk=by.pk)
            action.update(version=models.Subquery(version.values("number")))


@contextmanager
def edit_follows() -> Iterator[None]:
    """Track the changes in the block, because the caller stores them as an edit in the same transaction."""
    token = _edit_follows.set(True)
    try:
        yield
    finally:
        _edit_follows.reset(token)


def version_of(dataset: str) -> int:
    """Return the version of *dataset*, or 0 if no data has been stored yet."""
    return Version.objects.filter(pk=dataset).values_list("number", flat=True).first() or 0


def versions_behind(model: type[models.Model]) -> str:
    """Return a string that changes whenever the content of *model*'s list may have changed, with one query.

    The version is read from the database that the rows are read from.
    """
    names, query = _names_and_query(model)
    with connections[router.db_for_read(model)].cursor() as cursor:  # faster than the ORM; runs in each request
        cursor.execute(query)
        numbers = dict(cursor.fetchall())
    return " ".join(str(numbers.get(name, 0)) for name in names)


@cache
def _names_and_query(model: type[models.Model]) -> tuple[list[str], str]:
    """Return the names of the versions that *model*'s list depends on, and the query that reads them.

    A summary table has its own version. If it has foreign keys, it also depends on the dataset, because it shows
    the current labels.
    """
    names = [model._meta.app_label]
    if issubclass(model, MaterializedView):
        refers = any(field.is_relation for field in model._meta.concrete_fields)
        names = [*(names if refers else []), model._meta.db_table]
    literals = ", ".join(f"'{name}'" for name in names)  # names of apps and tables need no escaping
    return names, f"SELECT name, number FROM versions WHERE name IN ({literals})"


def watch_saves() -> None:
    """Connect the signals that increase a dataset's version when a record is saved or deleted in a form or a shell."""
    for model in apps.get_models():
        if issubclass(model, Record | Vocabulary):
            for signal, receiver in ((post_save, _saved), (pre_delete, _is_deleted), (post_delete, _was_deleted)):
                signal.connect(receiver, sender=model, dispatch_uid="datasets.versions")
            for field in model._meta.local_many_to_many:
                m2m_changed.connect(_saved, sender=field.remote_field.through, dispatch_uid="datasets.versions")


def _saved(sender: type[models.Model], **kwargs: Any) -> None:
    raise_version(sender._meta.app_label)


def _is_deleted(origin: models.Model | models.QuerySet[Any], **kwargs: Any) -> None:
    vars(origin)[RAISED] = set()


def _was_deleted(sender: type[models.Model], origin: models.Model | models.QuerySet[Any], **kwargs: Any) -> None:
    """Increase the version only once for each call of delete().

    PostgreSQL is slow at repeated updates of a row.
    """
    dataset, raised = sender._meta.app_label, vars(origin)[RAISED]
    if dataset not in raised:
        raised.add(dataset)
        raise_version(dataset)
