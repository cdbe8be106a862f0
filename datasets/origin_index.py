"""Indexes of every table of records: by the files that created and last changed a record, and of corrected records."""

from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.backends.ddl_references import Statement
from django.db.backends.utils import names_digest

from datasets.fields import field_of

PAGES = 16  # of 8 kB, with about 1,000 records, for which PostgreSQL stores one entry
CLASSES = {"integer": "int4_minmax_multi_ops", "bigint": "int8_minmax_multi_ops"}


class OriginIndex(models.Index):
    """An index of a column that refers to files. The records of a file are stored next to each other.

    On PostgreSQL, this is a BRIN index, which stores the few files of each block of pages. It takes less than 100 bytes
    for 1,000 records. On SQLite, it is a B-tree.
    """

    def create_sql(self, model: type[models.Model], schema_editor: Editor, using: str = "", **kwargs: Any) -> Statement:
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using, **kwargs)
        kinds = [str(field_of(model, name).db_type(schema_editor.connection)) for name in self.fields]
        block = BrinIndex(
            fields=self.fields,
            name=self.name,
            opclasses=[CLASSES[kind] for kind in kinds],
            autosummarize=True,
            pages_per_range=PAGES,
        )
        return block.create_sql(model, schema_editor, **kwargs)


def origin_indexes(model: type[models.Model]) -> list[models.Index]:
    """Return the indexes of *model*, a subclass of Record."""
    corrected = models.Q(corrections__isnull=False)
    return [
        OriginIndex(fields=["created_in"], name=_name(model, "created_in")),
        OriginIndex(fields=["changed_in"], name=_name(model, "changed_in")),
        # Its column never changes, so PostgreSQL can update records without a new entry in each index.
        models.Index(fields=[model._meta.pk.name], name=_name(model, "corrected"), condition=corrected),
    ]


def _name(model: type[models.Model], suffix: str) -> str:
    table = model._meta.db_table
    name = f"{table}_{suffix}"
    most = models.Index.max_name_length
    return name if len(name) <= most else f"{table[: most - 8 - len(suffix)]}_{names_digest(table, length=6)}_{suffix}"
