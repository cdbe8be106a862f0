"""SQL conditions on the columns in which a Change differs."""

from django.db import connection

from datasets.fields import field_of
from datasets.records.masking import personal_names
from datasets.sql.dialect import column_name, is_distinct, quoted
from datasets.sql.row_json import equal_but_for, value_of
from imports.sources import Source


def differs_in_seen(source: Source) -> str:
    """Return an SQL condition that is false for changes of *source* that differ only in personal data."""
    columns = [column_name(field_of(source.model, name)) for name in sorted(personal_names(source.model))]
    equal = equal_but_for("changes.before", "changes.after", [*columns, "changed_in_id", "changed_line", "corrections"])
    return f"NOT (changes.{quoted('table')} = '{source.name}' AND {equal})"


def differs_in(source: Source, name: str) -> str:
    """Return an SQL condition that is true for changes of the column *name* of *source*."""
    field = source.bound[name].field
    if field.many_to_many:
        get = "->" if connection.vendor == "postgresql" else "->>"
        before, after = (f"changes.{side}{get}'{field.name}'" for side in ("before", "after"))
    else:
        before, after = (value_of(field, f"changes.{side}") for side in ("before", "after"))
    return f"{before} {is_distinct()} {after}"
