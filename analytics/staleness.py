"""Which parts of a table's copy are stale: those with a record, or a label shown in it, that changed since the copy.

Runs and edits store the version of the dataset that contains their changes, and the history has the key of each record
that they changed. Labels are found in the copy itself, which has the key of the related record beside its label. If the
history does not have all changes, every part is stale.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from django.db import models
from django.db.models import Q

from analytics.columns import types_of
from analytics.manifest import Key, TableCopy
from analytics.storage import Storage
from datasets.fields import field_of, related_model
from datasets.models import Record, Version
from datasets.records.columns import PROVENANCE, columns_of
from imports.models import Change, Edit, ImportRun


class History:
    """The changes of *dataset* after the version *since*."""

    def __init__(self, dataset: str, since: int):
        self.runs = list(ImportRun.objects.filter(dataset=dataset, version__gt=since).values_list("pk", flat=True))
        self.edits = list(Edit.objects.filter(dataset=dataset, version__gt=since).values_list("pk", flat=True))
        self.is_complete = not Version.objects.filter(pk=dataset, untracked__gt=since).exists()

    def changes(self, model: type[models.Model]) -> models.QuerySet[Change]:
        """Return the changes of records of *model*."""
        by = Q(run__in=self.runs) | Q(edit__in=self.edits)
        return Change.objects.filter(by, table=model._meta.db_table).order_by()

    def changed_keys(self, model: type[models.Model]) -> Iterator[Key]:
        """Yield the keys of the changed records of *model*, some of them repeatedly."""
        to_python = model._meta.pk.to_python
        for text in self.changes(model).values_list("record", flat=True).iterator():
            yield to_python(text)

    def created_keys(self, model: type[models.Model]) -> Iterator[Key]:
        """Yield the keys of the records of *model* that a run created. The history does not have them."""
        created = model._default_manager.filter(created_in__run__in=self.runs).order_by()
        ends = created.aggregate(least=models.Min("pk"), most=models.Max("pk"))
        if ends["least"] is not None:
            yield from ends.values()
            yield from created.values_list("pk", flat=True).iterator()


def stale_parts(model: type[models.Model], copy: TableCopy, history: History, storage: Storage) -> set[int]:
    """Return the indexes of the stale parts of *copy*. A record without a part belongs to the range of one of them."""
    every = set(range(len(copy.parts)))
    if not history.is_complete or not issubclass(model, Record) or copy.columns != types_of(model):
        return every
    if any(history.changes(target).exists() for target in _further_models(model)):
        return every
    lows: list[Any] = [part.low for part in copy.parts[1:]]
    stale: set[int] = set()
    for keys in (history.created_keys(model), history.changed_keys(model)):
        for key in keys:
            stale.add(bisect_right(lows, key))
            if len(stale) == len(every):
                return every
    for column, target in _labelled(model).items():
        changed = set(history.changed_keys(target))
        stale |= {n for n in every - stale if changed and _has(storage, copy.parts[n].path, column, changed)}
    return stale


def _relations(model: type[models.Model]) -> Iterator[tuple[str, list[str]]]:
    """Yield the relation and the rest of the path of each column of another table; files never change."""
    for column in columns_of(model):
        relation, *rest = column.path.split("__")
        if rest and relation not in PROVENANCE:
            yield relation, rest


def _labelled(model: type[models.Model]) -> dict[str, type[models.Model]]:
    """Return the tables whose labels *model* shows, by the column with the key of the related record."""
    fields = (field_of(model, relation) for relation, _ in _relations(model))
    return {str(field.attname): related_model(field) for field in fields}


def _further_models(model: type[models.Model]) -> Iterable[type[models.Model]]:
    """Return the tables that *model* shows columns of, and whose keys its copy does not have."""
    further: dict[type[models.Model], None] = defaultdict()
    for relation, rest in _relations(model):
        target: Any = related_model(field_of(model, relation))
        for name in rest[:-1]:
            target = related_model(field_of(target, name))
            further[target] = None
    return further


def _has(storage: Storage, path: str, column: str, keys: set[Key]) -> bool:
    """Return whether *column* of the file *path* has one of *keys*."""
    with storage.open(path) as file:
        values = pa.parquet.ParquetFile(file).read([column]).column(0)
    return bool(pc.any(pc.is_in(values, pa.array(list(keys), type=values.type))).as_py())
