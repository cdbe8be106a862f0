"""The columns of the copy in an expression."""

from typing import Any

import ibis.expr.types as ir
from django.db import models

from analytics.columns import names_by_path
from analytics.expressions.filters import UnsupportedQueryError
from datasets.records.columns import ListedColumn


def column_of(table: ir.Table, model: type[models.Model], column: ListedColumn) -> Any:
    """Return the column of *table* with the values of *column*. Raises UnsupportedQueryError."""
    name = names_by_path(model).get(column.path, "")
    if name not in table.columns:
        raise UnsupportedQueryError(f"{column.name} is not in the copy")
    return table[name]
