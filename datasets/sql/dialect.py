"""The SQL dialect of the database in use: names, types, booleans and temporary tables."""

from typing import Any

from django.core.exceptions import FieldError
from django.db import connection, models


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def column_name(field: models.Field[Any, Any]) -> str:
    """Return the name of the column that stores *field*. Raises FieldError for a many-to-many field."""
    if field.column is None:
        raise FieldError(f"{field} is not stored in a column.")
    return field.column


def pk_column(model: type[models.Model]) -> str:
    """Return the name of the primary key's column."""
    return column_name(model._meta.pk)


def is_distinct() -> str:
    """Return the operator that compares two values and treats NULLs as equal."""
    return "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"


def sql_true() -> str:
    return "true" if connection.vendor == "postgresql" else "1"


def sql_false() -> str:
    return "false" if connection.vendor == "postgresql" else "0"


def column_type(field: models.Field[Any, Any]) -> str:
    """Return the column type for values of *field*. For a primary key, this is the type of a foreign key to it."""
    kind = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    if kind is None:
        raise FieldError(f"{field} is not stored in a column.")
    return kind


def temporary_tables() -> set[str]:
    """Return the names of the temporary tables of this connection."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'")
        else:
            cursor.execute("SELECT name FROM temp.sqlite_master WHERE type = 'table'")
        return {name for (name,) in cursor.fetchall()}


def analyze(table: str, *columns: str) -> None:
    """Update PostgreSQL's statistics of a temporary table. Without them, it assumes that the table has many rows."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {quoted(table)} ({', '.join(quoted(name) for name in columns)})")


def temporary(table: str) -> str:
    """Return the qualified name of a temporary table."""
    return f"{'pg_temp' if connection.vendor == 'postgresql' else 'temp'}.{quoted(table)}"
