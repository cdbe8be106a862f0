"""The file that created a record, in the row that a Change stores."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.utils.deconstruct import deconstructible


@deconstructible
class CreatedIn(models.Func):
    """The primary key of the file, as an expression for an index: the same SQL as of datasets.sql.row_json."""

    template = "json_extract(%(expressions)s, '$.created_in_id')"
    output_field = models.IntegerField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Sequence[Any]]:
        return self.as_sql(
            compiler, connection, template="CAST(%(expressions)s->>'created_in_id' AS integer)", **context
        )
