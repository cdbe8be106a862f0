"""The SQL dialect of the database in use: names, types, booleans, temporary tables."""

from django.db import connection, models


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def is_distinct() -> str:
    """Return the operator that compares two values and treats two NULLs as equal."""
    return "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"


def sql_true() -> str:
    return "true" if connection.vendor == "postgresql" else "1"


def sql_false() -> str:
    return "false" if connection.vendor == "postgresql" else "0"


def column_type(field: models.Field) -> str:
    """Return the column type for values of *field*; for a primary key, the type of a foreign key to it."""
    return field.rel_db_type(connection) if field.primary_key else field.db_type(connection)


def temporary_tables() -> set[str]:
    """Return the names of the temporary tables of this connection."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'")
        else:
            cursor.execute("SELECT name FROM temp.sqlite_master WHERE type = 'table'")
        return {name for (name,) in cursor.fetchall()}


def temporary(table: str) -> str:
    """Return the qualified name of a temporary table."""
    return f"{'pg_temp' if connection.vendor == 'postgresql' else 'temp'}.{quoted(table)}"
