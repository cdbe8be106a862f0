"""How the database in use spells SQL: names, types, truth, temporary tables."""

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
    """Return the type of a column that holds values of *field*; of a key, that of a reference to it."""
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
    """Return the name of a temporary table, which no other table of that name can be mistaken for."""
    return f"{'pg_temp' if connection.vendor == 'postgresql' else 'temp'}.{quoted(table)}"
