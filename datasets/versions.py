"""Versions: a number for each dataset, and for each of its materialized views, that rises with what they hold.

It rises in the transaction that changes the data, so that who reads the number first and the rows after has rows that
are as new as the number or newer. ETags, in-memory labels and previewed runs hang on it.
"""

from functools import cache
from time import time_ns

from django.apps import apps
from django.db import connections, models, router
from django.db.models.functions import Greatest
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from datasets.models import MaterializedView, Record, Version, Vocabulary


def raise_version(*names: str) -> None:
    """Raise the versions of *names*, as part of the transaction that is open.

    A number is never given twice, even where a backup is put back and other changes follow: it takes after the clock.
    """
    for name in sorted(names):  # in one order, so that two who raise the same ones do not wait for each other
        now = time_ns() // 1000
        version = Version.objects.filter(pk=name)
        risen = {"number": Greatest(models.F("number") + 1, now)}
        if not version.update(**risen) and not Version.objects.get_or_create(pk=name, defaults={"number": now})[1]:
            version.update(**risen)  # somebody else has stored the first one meanwhile


def version_of(dataset: str) -> int:
    """Return the version of *dataset*; 0 before anything was stored of it."""
    return Version.objects.filter(pk=dataset).values_list("number", flat=True).first() or 0


def versions_behind(model: type[models.Model]) -> str:
    """Return a text that is another one when what a list of *model* shows may have changed: one query."""
    names, query = _names_and_query(model)
    with connections[router.db_for_read(Version)].cursor() as cursor:  # asked with each request: no time for an ORM
        cursor.execute(query)
        numbers = dict(cursor.fetchall())
    return " ".join(str(numbers.get(name, 0)) for name in names)


@cache
def _names_and_query(model: type[models.Model]) -> tuple[list[str], str]:
    """The dataset; or the view, which shows what it held when it was refreshed, and labels of records as they are."""
    names = [model._meta.app_label]
    if issubclass(model, MaterializedView) and connections[router.db_for_read(model)].vendor == "postgresql":
        refers = any(field.is_relation for field in model._meta.concrete_fields)
        names = [*(names if refers else []), model._meta.db_table]
    told = ", ".join(f"'{name}'" for name in names)  # of apps and tables, which need no escape
    return names, f"SELECT name, number FROM versions WHERE name IN ({told})"


def watch_saves() -> None:
    """Let a record that is saved or deleted by itself, as a form or a shell does it, raise its dataset's version."""
    for model in apps.get_models():
        if issubclass(model, Record | Vocabulary):
            for signal, receiver in ((post_save, _saved), (pre_delete, _is_deleted), (post_delete, _was_deleted)):
                signal.connect(receiver, sender=model, dispatch_uid="datasets.versions")
            for field in model._meta.local_many_to_many:
                m2m_changed.connect(_saved, sender=field.remote_field.through, dispatch_uid="datasets.versions")


def _saved(sender: type[models.Model], **kwargs) -> None:
    raise_version(sender._meta.app_label)


def _is_deleted(origin: models.Model | models.QuerySet, **kwargs) -> None:
    origin._versions_raised = set()


def _was_deleted(sender: type[models.Model], origin: models.Model | models.QuerySet, **kwargs) -> None:
    """Raise the version once for all that goes by one call: PostgreSQL is slow at a row changed again and again."""
    dataset = sender._meta.app_label
    if dataset not in origin._versions_raised:
        origin._versions_raised.add(dataset)
        raise_version(dataset)
